"""theta to ink, light on the sign or a film on the lens, each with its controls."""

from physadv.patch.controls import controls
from physadv.patch.laser import LaserLine
from physadv.patch.layouts import bars, candidates, pack
from physadv.patch.lens_dots import LensDots
from physadv.patch.mask import Limits, Mask, Measures, check_mask, measure, read_mask, rectangle
from physadv.patch.patch import Patch, ink
from physadv.patch.pixels import Pixels
from physadv.patch.projector import Projection
from physadv.patch.shadow import ShadowPolygon

__all__ = [
    "LaserLine",
    "LensDots",
    "Limits",
    "Mask",
    "Measures",
    "Patch",
    "Pixels",
    "Projection",
    "ShadowPolygon",
    "bars",
    "candidates",
    "check_mask",
    "controls",
    "ink",
    "measure",
    "pack",
    "read_mask",
    "rectangle",
]
