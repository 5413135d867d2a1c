"""What the attacker wants: answers to losses and successes, and regularisers of the ink."""

from physadv.objectives.classify import (
    ScoreLoss,
    as_labelled,
    cross_entropy,
    margin,
    targeted,
    untargeted,
    wants_labels,
)
from physadv.objectives.objective import Objective, Term
from physadv.objectives.printable import in_gamut, non_printability, printable, read_palette
from physadv.objectives.smooth import smooth
from physadv.objectives.vanish import vanish

__all__ = [
    "Objective",
    "ScoreLoss",
    "Term",
    "as_labelled",
    "cross_entropy",
    "in_gamut",
    "margin",
    "non_printability",
    "printable",
    "read_palette",
    "smooth",
    "targeted",
    "untargeted",
    "vanish",
    "wants_labels",
]
