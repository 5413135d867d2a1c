"""The tests; `victims.py` and `worlds.py` are the toy cast."""
