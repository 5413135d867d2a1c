"""theta to ink, light on the sign or a film on the lens, each with its controls."""

from physadv.patch.bars import Bars
from physadv.patch.camouflage import Camouflage
from physadv.patch.controls import controls
from physadv.patch.few_inks import FewInks, read_inks
from physadv.patch.glyphs import Glyphs
from physadv.patch.laser import LaserLine
from physadv.patch.latent import Latent
from physadv.patch.layouts import bars, candidates, on_cells, pack
from physadv.patch.lens_dots import LensDots
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
from physadv.patch.patch import Patch, ink
from physadv.patch.pixels import Pixels
from physadv.patch.projector import Projection
from physadv.patch.shadow import ShadowPolygon
from physadv.patch.strokes import Strokes
from physadv.patch.waves import Waves

__all__ = [
    "Bars",
    "Camouflage",
    "FewInks",
    "Glyphs",
    "LaserLine",
    "Latent",
    "LensDots",
    "Limits",
    "Mask",
    "Measures",
    "Patch",
    "Pixels",
    "Projection",
    "ShadowPolygon",
    "Strokes",
    "Waves",
    "apart_mm",
    "bars",
    "candidates",
    "check_mask",
    "controls",
    "ink",
    "measure",
    "on_cells",
    "pack",
    "read_inks",
    "read_mask",
    "rectangle",
]
