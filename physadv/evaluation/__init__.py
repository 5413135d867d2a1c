"""Grids, contact sheets and tables, built on the judge."""

from physadv.evaluation.approaches import Bin, Drives, LastChance, drive
from physadv.evaluation.boxed import Boxed, read_boxed
from physadv.evaluation.clip import Filmed, filmed
from physadv.evaluation.crossfit import (
    Crossed,
    CrossFit,
    Fitted,
    cross_fit,
    folds_of,
    judge_crossed,
)
from physadv.evaluation.digital import (
    Attacked,
    Pictures,
    attack_pictures,
    label_of,
    read_pictures,
)
from physadv.evaluation.grid import STREET_AXES, Grid, check_axes, parse_axes, success_grid
from physadv.evaluation.photographed import Photographed, Retakes, camera_of
from physadv.evaluation.shots import ContactSheet, contact_sheet, read_as, shots
from physadv.evaluation.sweep import middle, said, sweep, sweep_values
from physadv.evaluation.touched import touched_pct
from physadv.evaluation.transfer import (
    TransferMatrix,
    agreement,
    judge_transfer,
    transfer_matrix,
)
from physadv.evaluation.zoom import zoomed

__all__ = [
    "STREET_AXES",
    "Attacked",
    "Bin",
    "Boxed",
    "ContactSheet",
    "CrossFit",
    "Crossed",
    "Drives",
    "Filmed",
    "Fitted",
    "Grid",
    "LastChance",
    "Photographed",
    "Pictures",
    "Retakes",
    "TransferMatrix",
    "agreement",
    "attack_pictures",
    "camera_of",
    "check_axes",
    "contact_sheet",
    "cross_fit",
    "drive",
    "filmed",
    "folds_of",
    "judge_crossed",
    "judge_transfer",
    "label_of",
    "middle",
    "parse_axes",
    "read_as",
    "read_boxed",
    "read_pictures",
    "said",
    "shots",
    "success_grid",
    "sweep",
    "sweep_values",
    "touched_pct",
    "transfer_matrix",
    "zoomed",
]
