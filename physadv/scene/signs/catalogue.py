"""The signs there are, by name."""

from physadv.core.check import one_of
from physadv.scene.signs.design import SignDesign
from physadv.scene.signs.discs import DISCS
from physadv.scene.signs.junctions import JUNCTIONS
from physadv.scene.signs.us import US_STOP

_DESIGNS = {design.name: design for design in (*JUNCTIONS, *DISCS, US_STOP)}

SIGNS: tuple[str, ...] = tuple(_DESIGNS)
"""Names of all signs."""


def sign(name: str) -> SignDesign:
    """Return the sign of that name; raises `UserError` with the nearest name if there is none."""
    one_of("sign", name, SIGNS)
    return _DESIGNS[name]
