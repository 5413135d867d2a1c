"""theta to ink: where stickers lie, what may be on them, and their controls."""

from physadv.patch.controls import controls
from physadv.patch.layouts import bars, candidates, pack
from physadv.patch.mask import Limits, Mask, Measures, check_mask, measure, read_mask, rectangle
from physadv.patch.patch import Patch
from physadv.patch.pixels import Pixels

__all__ = [
    "Limits",
    "Mask",
    "Measures",
    "Patch",
    "Pixels",
    "bars",
    "candidates",
    "check_mask",
    "controls",
    "measure",
    "pack",
    "read_mask",
    "rectangle",
]
