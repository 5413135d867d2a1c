"""Grids, contact sheets and tables, built on the judge."""

from physadv.evaluation.approaches import Bin, Drives, LastChance, drive
from physadv.evaluation.audit import Run, audit
from physadv.evaluation.audited import (
    BROKEN,
    DOUBTFUL,
    HOLDS,
    Audited,
    Bare,
    attack_bare,
    audit_defence,
)
from physadv.evaluation.boxed import Boxed, read_boxed
from physadv.evaluation.change import measure
from physadv.evaluation.clip import Filmed, filmed
from physadv.evaluation.count import remotes
from physadv.evaluation.course import Moment
from physadv.evaluation.crossfit import (
    Crossed,
    CrossFit,
    Fitted,
    cross_fit,
    folds_of,
    judge_crossed,
)
from physadv.evaluation.digital import NOISE, Attacked, attack_pictures
from physadv.evaluation.grid import STREET_AXES, Grid, check_axes, parse_axes, success_grid
from physadv.evaluation.ladder import Plan, Rung, ladder
from physadv.evaluation.photographed import Photographed, Retakes, camera_of
from physadv.evaluation.pictures import (
    Pictures,
    Sifted,
    from_nothing,
    label_of,
    read_pictures,
    sift,
)
from physadv.evaluation.shots import ContactSheet, contact_sheet, read_as, shots
from physadv.evaluation.sweep import middle, said, sweep, sweep_values
from physadv.evaluation.touched import touched_pct
from physadv.evaluation.transfer import (
    TransferMatrix,
    agreement,
    attack_each,
    judge_transfer,
    transfer_matrix,
)
from physadv.evaluation.zoom import zoomed

__all__ = [
    "BROKEN",
    "DOUBTFUL",
    "HOLDS",
    "NOISE",
    "STREET_AXES",
    "Attacked",
    "Audited",
    "Bare",
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
    "Moment",
    "Photographed",
    "Pictures",
    "Plan",
    "Retakes",
    "Run",
    "Rung",
    "Sifted",
    "TransferMatrix",
    "agreement",
    "attack_bare",
    "attack_each",
    "attack_pictures",
    "audit",
    "audit_defence",
    "camera_of",
    "check_axes",
    "contact_sheet",
    "cross_fit",
    "drive",
    "filmed",
    "folds_of",
    "from_nothing",
    "judge_crossed",
    "judge_transfer",
    "label_of",
    "ladder",
    "measure",
    "middle",
    "parse_axes",
    "read_as",
    "read_boxed",
    "read_pictures",
    "remotes",
    "said",
    "shots",
    "sift",
    "success_grid",
    "sweep",
    "sweep_values",
    "touched_pct",
    "transfer_matrix",
    "zoomed",
]
