"""What `physadv attacks` says of ART's attacks: knowledge, norm, and the paper in their docs."""

import inspect
from collections.abc import Mapping
from typing import Any

from physadv.attacks.digital import About, Needs, paper_of
from physadv_art.limits import BLACK_BOX

LABELS = {"BoundaryAttack", "HopSkipJump", "SignOPTAttack", "SpatialTransformation"}
"""Black-box attacks that look at the class alone."""

NORMS = {
    "BasicIterativeMethod": "inf",
    "BoundaryAttack": "2",
    "CarliniL0Method": "0",
    "CarliniL2Method": "2",
    "CarliniLInfMethod": "inf",
    "CompositeAdversarialAttackPyTorch": "colours, rotation",
    "DeepFool": "2",
    "ElasticNet": "1, 2",
    "HopSkipJump": "inf, 2",
    "NewtonFool": "2",
    "PixelAttack": "0",
    "SaliencyMapMethod": "0",
    "ShadowAttack": "smoothness, colour",
    "SignOPTAttack": "2",
    "SimBA": "2",
    "SpatialTransformation": "shift, rotation",
    "SquareAttack": "inf, 2",
    "ThresholdAttack": "inf",
    "VirtualAdversarialMethod": "2",
    "Wasserstein": "Wasserstein",
    "ZooAttack": "2",
}
"""Norms of those that have no setting `norm`, or one that does not take inf, 2 and 1."""


def abouts(classes: Mapping[str, Any]) -> dict[str, About]:
    """Return what each attack is."""
    return {
        name: About(name, _needs(name), _norm(name, cls), paper_of(cls))
        for name, cls in classes.items()
    }


def _needs(name: str) -> Needs:
    if name not in BLACK_BOX:
        return "gradients"
    return "labels" if name in LABELS else "scores"


def _norm(name: str, cls: Any) -> str:
    given = "inf, 2, 1" if "norm" in inspect.signature(cls).parameters else ""
    return NORMS.get(name, given)
