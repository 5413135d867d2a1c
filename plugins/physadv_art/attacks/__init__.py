"""physadv's attacks as ART evasion attacks that take and return images."""

from physadv_art.attacks.image import LBFGS, PGD, FastGradient, Iterative, Perceptual, Smallest
from physadv_art.attacks.rp2 import RP2, Universal
from physadv_art.attacks.sticker import PlanePatch, StickerPatch, UniversalPatch

__all__ = [
    "LBFGS",
    "PGD",
    "RP2",
    "FastGradient",
    "Iterative",
    "Perceptual",
    "PlanePatch",
    "Smallest",
    "StickerPatch",
    "Universal",
    "UniversalPatch",
]
