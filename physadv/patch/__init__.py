"""theta to ink: where stickers lie, what may be on them, and their controls."""

from physadv.patch.bars import Bars
from physadv.patch.camouflage import Camouflage
from physadv.patch.controls import controls
from physadv.patch.few_inks import FewInks, read_inks
from physadv.patch.glyphs import Glyphs
from physadv.patch.latent import Latent
from physadv.patch.layouts import bars, candidates, on_cells, pack
from physadv.patch.mask import (
    Limits,
    Mask,
    Measures,
    apart_mm,
    check_mask,
    measure,
    read_mask,
    rectangle,
)
from physadv.patch.patch import Patch
from physadv.patch.pixels import Pixels
from physadv.patch.strokes import Strokes
from physadv.patch.waves import Waves

__all__ = [
    "Bars",
    "Camouflage",
    "FewInks",
    "Glyphs",
    "Latent",
    "Limits",
    "Mask",
    "Measures",
    "Patch",
    "Pixels",
    "Strokes",
    "Waves",
    "apart_mm",
    "bars",
    "candidates",
    "check_mask",
    "controls",
    "measure",
    "on_cells",
    "pack",
    "read_inks",
    "read_mask",
    "rectangle",
]
