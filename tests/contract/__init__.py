"""One file a kind: what everything of that kind has to keep."""
