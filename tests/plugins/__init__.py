"""The frameworks that physadv plugs into."""
