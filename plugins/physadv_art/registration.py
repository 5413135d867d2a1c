"""physadv's attacks by name in ART's metrics and universal perturbation: explicit, reversible."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from art.attacks.evasion.universal_perturbation import UniversalPerturbation
from art.metrics.metrics import SUPPORTED_METHODS

from physadv_art.attacks import (
    LBFGS,
    PGD,
    RP2,
    AdvGAN,
    Disguise,
    EstimatedPGD,
    EvadeHC,
    FastGradient,
    GenAttack,
    Iterative,
    Perceptual,
    PlanePatch,
    Smallest,
    StickerPatch,
    Synthesis,
    Transfer,
    Universal,
    UniversalPatch,
)

ATTACKS: dict[str, Any] = {
    "physadv_pgd": PGD,
    "physadv_sticker": StickerPatch,
    "physadv_plane": PlanePatch,
    "physadv_universal": UniversalPatch,
    "physadv_rp2": RP2,
    "physadv_fast_gradient": FastGradient,
    "physadv_iterative": Iterative,
    "physadv_lbfgs": LBFGS,
    "physadv_smallest": Smallest,
    "physadv_noise": Universal,
    "physadv_perceptual": Perceptual,
    "physadv_disguise": Disguise,
    "physadv_synthesis": Synthesis,
    "physadv_estimated": EstimatedPGD,
    "physadv_gen_attack": GenAttack,
    "physadv_evade_hc": EvadeHC,
    "physadv_advgan": AdvGAN,
    "physadv_transfer": Transfer,
}
"""What `adversarial_accuracy`, `empirical_robustness` and `UniversalPerturbation` call them."""

# The universal perturbation asks for images plus its noise, which may leave the clip values.
physadv_pgd = partial(PGD, clip_x=True)
physadv_sticker = partial(StickerPatch, clip_x=True)
physadv_plane = partial(PlanePatch, clip_x=True)
physadv_universal = partial(UniversalPatch, clip_x=True)
physadv_rp2 = partial(RP2, clip_x=True)
physadv_fast_gradient = partial(FastGradient, clip_x=True)
physadv_iterative = partial(Iterative, clip_x=True)
physadv_lbfgs = partial(LBFGS, clip_x=True)
physadv_smallest = partial(Smallest, clip_x=True)
physadv_noise = partial(Universal, clip_x=True)
physadv_perceptual = partial(Perceptual, clip_x=True)
physadv_disguise = partial(Disguise, clip_x=True)
physadv_synthesis = partial(Synthesis, clip_x=True)
physadv_estimated = partial(EstimatedPGD, clip_x=True)
physadv_gen_attack = partial(GenAttack, clip_x=True)
physadv_evade_hc = partial(EvadeHC, clip_x=True)
physadv_advgan = partial(AdvGAN, clip_x=True)
physadv_transfer = partial(Transfer, clip_x=True)


def register() -> None:
    """Add the attacks, by the names of `ATTACKS`; registering twice is registering once."""
    for name, cls in ATTACKS.items():
        SUPPORTED_METHODS[name] = {"class": cls, "params": {"verbose": False}}
        UniversalPerturbation.attacks_dict[name] = f"{__name__}.{name}"


def unregister() -> None:
    """Take the attacks out again; ART's own entries stay as they are."""
    for name in ATTACKS:
        SUPPORTED_METHODS.pop(name, None)
        UniversalPerturbation.attacks_dict.pop(name, None)


@contextmanager
def registered() -> Iterator[None]:
    """Have the attacks registered inside, and afterwards only if they were before."""
    before = [name for name in ATTACKS if name in SUPPORTED_METHODS]
    register()
    try:
        yield
    finally:
        if not before:
            unregister()
