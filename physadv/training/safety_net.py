"""The recipe of SafetyNet: levels of a layer's activations, and a machine on their codes."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from physadv.core import Encoded, check
from physadv.core.check import above_zero, at_least_one
from physadv.defences.defended import sized
from physadv.defences.safety_net import SafetyNet, activations, code
from physadv.training.svm import fit_svm
from physadv.victims import Victim

PARTS = 64


@dataclass(frozen=True)
class SafetyNetRecipe:
    """Settings: how many levels, the machine's cost, and its gamma, 1 / (D variance) for None."""

    levels: int = 3
    cost: float = 1.0
    gamma: float | None = None

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        at_least_one(self, "levels")
        above_zero(self, "cost", *(["gamma"] if self.gamma is not None else []))


RECIPE = SafetyNetRecipe()


def train_safety_net(
    victim: Victim,
    clean: Encoded,
    attacked: Encoded,
    *,
    layer: str,
    recipe: SafetyNetRecipe = RECIPE,
) -> SafetyNet:
    """Return a SafetyNet taught on clean and attacked images (N,3,H,W) of a victim.

    Levels are quantiles of the clean images' activations above 0. `attacked_images` makes attacked
    ones; those that the victim reads right all the same are for the caller to leave out. Raises
    `UserError` for a layer that there is not, or where nothing varies in it.
    """
    good = _all(victim, layer, clean)
    bad = _all(victim, layer, attacked)
    above = good[good > 0].double() if bool((good > 0).any()) else good.double()
    marks = np.linspace(0, 1, recipe.levels + 2)[1:-1]
    levels = torch.from_numpy(np.quantile(above.numpy(), marks)).float()
    softness = float(above.std()) / 4
    known = softness > 0
    check(known, "layer", expected="one whose activations vary", got=f"{layer!r}, all the same")
    codes = code(torch.cat([good, bad]), levels, softness).double()
    variance = float(codes.var(correction=0))
    gamma = recipe.gamma or 1 / (codes.shape[1] * max(variance, 1e-12))
    signs = np.concatenate([-np.ones(len(good)), np.ones(len(bad))])
    weights, bias = fit_svm(codes.numpy(), signs, gamma=gamma, cost=recipe.cost)
    kept = weights != 0
    vectors = codes[torch.from_numpy(kept)].float()
    chosen = torch.from_numpy(weights[kept]).float()
    return SafetyNet(layer, levels, vectors, chosen, bias, gamma, softness)


@torch.no_grad()
def _all(victim: Victim, layer: str, images: Encoded) -> Tensor:
    seen: Tensor = sized(images, victim.size_px)
    parts = [activations(victim, layer, Encoded(part)) for part in seen.split(PARTS)]
    return torch.cat(parts).cpu()
