"""Grids, contact sheets and tables, built on the judge."""

from physadv.evaluation.approaches import Bin, Drives, LastChance, drive
from physadv.evaluation.clip import Filmed, filmed
from physadv.evaluation.digital import (
    Attacked,
    Pictures,
    attack_pictures,
    label_of,
    read_pictures,
)
from physadv.evaluation.grid import STREET_AXES, Grid, check_axes, parse_axes, success_grid
from physadv.evaluation.photographed import Photographed, Retakes, camera_of
from physadv.evaluation.shots import ContactSheet, contact_sheet, shots
from physadv.evaluation.sweep import said, sweep, sweep_values

__all__ = [
    "STREET_AXES",
    "Attacked",
    "Bin",
    "ContactSheet",
    "Drives",
    "Filmed",
    "Grid",
    "LastChance",
    "Photographed",
    "Pictures",
    "Retakes",
    "attack_pictures",
    "camera_of",
    "check_axes",
    "contact_sheet",
    "drive",
    "filmed",
    "label_of",
    "parse_axes",
    "read_pictures",
    "said",
    "shots",
    "success_grid",
    "sweep",
    "sweep_values",
]
