"""How far the boundary is from images: in the gradient's direction, and in random ones.

Fawzi, Moosavi-Dezfooli & Frossard, "Robustness of classifiers: from adversarial to random noise",
NIPS 2016: of d values a random direction meets a plane sqrt(d) times as far away as its normal.
"""

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from physadv.core import generator, spawn
from physadv.evaluation.explain.slopes import Slopes, margins
from physadv.victims import Victim

STEPS, HALVINGS = 22, 10
GROWTH = 1.5


@dataclass(frozen=True, eq=False)
class Reach:
    """Distances within [0,1] to where an image is read otherwise; inf where none was met.

    `adversarial` (B,) and `random` (B,K) are L2 norms, `signed` (B,) is the largest change of a
    value along the gradient's signs, and `foreseen` (B,) what the gradient says of it.
    """

    adversarial: Tensor
    random: Tensor
    signed: Tensor
    foreseen: Tensor
    values: int

    @property
    def ratio(self) -> float | None:
        """The median of random distance by adversarial distance, None where most meet nothing."""
        met = self.adversarial.isfinite()
        found = (self.random[met] / self.adversarial[met, None]).flatten()
        middle = float(found.quantile(0.5)) if len(found) else inf
        return middle if middle < inf else None


def reach(victim: Victim, known: Slopes, *, directions: int, seed: int) -> Reach:
    """Look along the gradient, its signs, and random directions on a sphere, both ways of each."""
    count, size = len(known.images), known.slopes.flatten(1).norm(dim=1)
    total, values = known.slopes.flatten(1).abs().sum(dim=1), known.images[0].numel()
    foreseen = known.margins / size.clamp_min(1e-12)
    shape, rng = known.slopes.shape, generator(spawn(seed, "directions"))
    drawn = [torch.randn(shape, generator=rng) for _ in range(directions)]
    ahead = -known.slopes / size.clamp_min(1e-12).view(-1, 1, 1, 1)
    found = list[Tensor]()
    for one in drawn:
        unit = one / one.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        ways = [crossing(victim, known, way * unit, foreseen, 2.0) for way in (1.0, -1.0)]
        found.append(torch.minimum(*ways))
    signed = known.margins / total.clamp_min(1e-12)
    return Reach(
        crossing(victim, known, ahead, foreseen / 4, 2.0),
        torch.stack(found, dim=1) if found else torch.zeros(count, 0),
        crossing(victim, known, known.signs, signed / 4, inf),
        signed,
        values,
    )


def crossing(
    victim: Victim, known: Slopes, direction: Tensor, first: Tensor, norm: float
) -> Tensor:
    """Return the norm (B,) of the change at which images are read otherwise along a direction.

    Looks from `first` (B,) times `direction` (B,C,H,W) on, each time 1.5 as far, up to 22 times
    (7,500 times as far), then halves the last stretch 10 times. Images stay in [0,1], and the norm
    is of the change that is left; inf where no other answer was met.
    """
    low, high = torch.zeros_like(first), torch.full_like(first, inf)
    at = first.clone()
    for _ in range(STEPS):
        left = high.isinf()
        if not bool(left.any()):
            break
        wrong = _wrong(victim, known, direction, at, left)
        high = torch.where(left & wrong, at, high)
        low = torch.where(left & ~wrong, at, low)
        at = torch.where(high.isinf(), GROWTH * at, at)
    met = high.isfinite()
    for _ in range(HALVINGS if bool(met.any()) else 0):
        middle = (low + high) / 2
        wrong = _wrong(victim, known, direction, middle, met)
        high, low = torch.where(wrong, middle, high), torch.where(wrong, low, middle)
    reached = high.nan_to_num(posinf=0.0).view(-1, 1, 1, 1) * direction
    change = (known.changed(reached) - known.images).flatten(1)
    return torch.where(met, torch.linalg.vector_norm(change, norm, dim=1), inf)


def _wrong(victim: Victim, known: Slopes, direction: Tensor, at: Tensor, asked: Tensor) -> Tensor:
    """Return which of the rows that are asked are read otherwise at a multiple of a direction."""
    found = torch.zeros_like(asked)
    moved = known.changed(at.view(-1, 1, 1, 1) * direction)[asked]
    found[asked] = margins(victim, moved, known.labels[asked]) <= 0
    return found
