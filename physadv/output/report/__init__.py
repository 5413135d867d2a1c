"""The report: one self-contained page that says what was found, and how far to believe it."""

from physadv.output.report.data import CHECKS, Heat, Page, Point, Shot
from physadv.output.report.html import write_report

__all__ = ["CHECKS", "Heat", "Page", "Point", "Shot", "write_report"]
