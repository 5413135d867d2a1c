"""The order of the house: imports, sizes, public names, documentation, files."""
