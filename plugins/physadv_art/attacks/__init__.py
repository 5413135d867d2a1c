"""physadv's attacks as ART evasion attacks that take and return images."""

from physadv_art.attacks.pgd import PGD
from physadv_art.attacks.rp2 import RP2
from physadv_art.attacks.sticker import PlanePatch, StickerPatch, UniversalPatch

__all__ = ["PGD", "RP2", "PlanePatch", "StickerPatch", "UniversalPatch"]
