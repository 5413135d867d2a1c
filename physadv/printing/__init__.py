"""Ink to what a printer can do."""

from physadv.printing.drift import Drift
from physadv.printing.icc import read_icc, read_profile
from physadv.printing.printer import Printer, hard
from physadv.printing.profile import Profile, load_profile

__all__ = ["Drift", "Printer", "Profile", "hard", "load_profile", "read_icc", "read_profile"]
