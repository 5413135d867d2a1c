"""What the attacker wants: answers to losses and successes, and regularisers of the ink."""

from physadv.objectives.appear import appear
from physadv.objectives.classify import (
    ScoreLoss,
    as_labelled,
    cross_entropy,
    margin,
    targeted,
    untargeted,
    wants_labels,
)
from physadv.objectives.mislabel import mislabel
from physadv.objectives.objective import Objective, Term
from physadv.objectives.printable import in_gamut, non_printability, printable, read_palette
from physadv.objectives.smooth import smooth
from physadv.objectives.vanish import vanish

__all__ = [
    "Objective",
    "ScoreLoss",
    "Term",
    "appear",
    "as_labelled",
    "cross_entropy",
    "in_gamut",
    "margin",
    "mislabel",
    "non_printability",
    "printable",
    "read_palette",
    "smooth",
    "targeted",
    "untargeted",
    "vanish",
    "wants_labels",
]
