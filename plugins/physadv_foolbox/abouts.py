"""What `physadv attacks` says of Foolbox's attacks: knowledge, norm, paper."""

import re
from collections.abc import Mapping
from typing import Any

from foolbox.distances import LpDistance

from physadv.attacks.digital import About, Needs, paper_of

BASELINE = "arXiv 1707.04131"
"""Foolbox's own paper, for its noise, blur and contrast baselines."""
LABELS = ("Noise", "Contrast", "Blur", "Boundary", "HopSkipJump", "Pointwise", "Binarization")
NOTHING = ("InversionAttack",)
PAPERS = {
    "ClippingAware": "arXiv 2007.07677",
    "Noise": BASELINE,
    "Contrast": BASELINE,
    "Blur": BASELINE,
    "Binarization": BASELINE,
    "BrendelBethge": "arXiv 1907.01003",
    "FMN": "arXiv 2102.12827",
    "MomentumIterative": "arXiv 1710.06081",
    "BasicIterative": "arXiv 1607.02533",
    "PGD": "arXiv 1706.06083",
    "ProjectedGradientDescent": "arXiv 1706.06083",
    "FastGradient": "arXiv 1412.6572",
    "FGM": "arXiv 1412.6572",
    "FGSM": "arXiv 1412.6572",
}
"""Papers of those whose docs name none, by what is in their names; the first that fits counts."""


def abouts(classes: Mapping[str, Any]) -> dict[str, About]:
    """Return what each attack is."""
    return {
        name: About(name, _needs(cls.__name__), _norm(cls), paper_of(cls) or _paper(cls.__name__))
        for name, cls in classes.items()
    }


def _needs(name: str) -> Needs:
    if name in NOTHING:
        return "nothing"
    if name == "GenAttack":
        return "scores"
    return "labels" if any(part in name for part in LABELS) else "gradients"


def _norm(cls: Any) -> str:
    if cls.__name__ == "HopSkipJumpAttack":
        return "inf, 2"  # its class says 1, its setting `constraint` takes these two
    named, distance = (
        re.match(r"L(inf|\d)", cls.__name__, re.IGNORECASE),
        getattr(cls, "distance", None),
    )
    if named:
        return named[1].lower()
    return f"{distance.p:g}" if isinstance(distance, LpDistance) else "any"


def _paper(name: str) -> str:
    return next((paper for part, paper in PAPERS.items() if part in name), "")
