"""physadv's attacks as ART evasion attacks that take and return images."""

from physadv_art.attacks.asked import AdvGAN, EstimatedPGD, EvadeHC, GenAttack, Transfer
from physadv_art.attacks.image import (
    LBFGS,
    PGD,
    Disguise,
    FastGradient,
    Iterative,
    Perceptual,
    Smallest,
    Synthesis,
)
from physadv_art.attacks.rp2 import RP2, Universal
from physadv_art.attacks.sticker import PlanePatch, StickerPatch, UniversalPatch

__all__ = [
    "LBFGS",
    "PGD",
    "RP2",
    "AdvGAN",
    "Disguise",
    "EstimatedPGD",
    "EvadeHC",
    "FastGradient",
    "GenAttack",
    "Iterative",
    "Perceptual",
    "PlanePatch",
    "Smallest",
    "StickerPatch",
    "Synthesis",
    "Transfer",
    "Universal",
    "UniversalPatch",
]
