"""What `physadv attacks` says of torchattacks' attacks: knowledge, norm, paper, from their docs."""

import re
from collections.abc import Mapping
from typing import Any

from physadv.attacks.digital import About, Needs, paper_of

SCORES = {"OnePixel", "Pixle", "Square", "SPSA"}
NOTHING = {"GN", "VANILA"}
OWN = "arXiv 2010.01950"
"""torchattacks' own paper, for attacks whose docs name none."""
MEASURE = re.compile(r"Distance Measure\s*:\s*(.+)")


def abouts(classes: Mapping[str, Any]) -> dict[str, About]:
    """Return what each attack is."""
    return {
        name: About(name, _needs(name), _norm(cls), paper_of(cls) or OWN)
        for name, cls in classes.items()
    }


def _needs(name: str) -> Needs:
    if name in NOTHING:
        return "nothing"
    return "scores" if name in SCORES else "gradients"


def _norm(cls: Any) -> str:
    found = MEASURE.search(cls.__doc__ or "")
    if found is None:
        return "none"
    return found[1].strip().replace("Linf", "inf").replace(" and ", ", ").replace("L", "")
