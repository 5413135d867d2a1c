"""Grids, contact sheets and tables, built on the judge."""

from physadv.evaluation.grid import STREET_AXES, Grid, check_axes, parse_axes, success_grid
from physadv.evaluation.shots import ContactSheet, contact_sheet

__all__ = [
    "STREET_AXES",
    "ContactSheet",
    "Grid",
    "check_axes",
    "contact_sheet",
    "parse_axes",
    "success_grid",
]
