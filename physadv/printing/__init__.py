"""Ink to what a printer can do."""

from physadv.printing.printer import Printer, hard

__all__ = ["Printer", "hard"]
