"""How errors grow with eps, and the distribution of margins that says so.

Cubuk, Zoph, Schoenholz & Le, "Intriguing Properties of Adversarial Examples", arXiv 1711.02846,
2017: over networks, data and attacks the error grows as a power of eps while eps is small, since
the difference of the two largest logits has a density that does not vanish at zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Rate, generator, spawn, wilson
from physadv.evaluation.explain.slopes import Slopes, margins
from physadv.victims import Victim

FEW, MANY = 3, 0.5
"""Errors that the power is fitted to: from so many images up to this share."""
DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Errors:
    """Shares of images misread at each eps (E,) after one step along the gradient's signs.

    `foreseen` (E,) is the share whose margin is below eps |gradient|_1; `power` the slope of log
    error over log eps where errors are few, with its 95 % interval, or None for too few.
    """

    eps: Tensor
    seen: tuple[Rate, ...]
    foreseen: Tensor
    gaps: Tensor
    power: tuple[float, float, float] | None


def error_curve(victim: Victim, known: Slopes, eps: Sequence[float], *, seed: int) -> Errors:
    """Measure errors at each eps; changed images stay in [0,1]."""
    made = [known.changed(one * known.signs) for one in eps]
    wrong = torch.stack([margins(victim, one, known.labels) <= 0 for one in made])
    sizes, total = torch.tensor(list(eps)), known.slopes.flatten(1).abs().sum(dim=1)
    foreseen = (known.margins < sizes[:, None] * total).float().mean(dim=1)
    rates = tuple(wilson(int(row.sum()), len(row)) for row in wrong)
    power = _power(sizes, wrong, generator(spawn(seed, "power")))
    return Errors(sizes, rates, foreseen, known.margins.sort().values, power)


def log_slope(x: Tensor, y: Tensor) -> float:
    """Return the least-squares slope of log y over log x, of at least two points above zero."""
    across, up = x.double().log(), y.double().log()
    across = across - across.mean()
    return float((across * (up - up.mean())).sum() / (across**2).sum())


def _power(sizes: Tensor, wrong: Tensor, rng: torch.Generator) -> tuple[float, float, float] | None:
    """Return the slope and its percentile bootstrap over images."""
    share = wrong.float().mean(dim=1)
    used = (wrong.sum(dim=1) >= FEW) & (share <= MANY)
    if int(used.sum()) < FEW:
        return None
    picks = torch.randint(wrong.shape[1], (DRAWS, wrong.shape[1]), generator=rng)
    shares = wrong[used].float()[:, picks].mean(dim=2)
    least = 0.5 / wrong.shape[1]
    drawn = torch.tensor([log_slope(sizes[used], row.clamp_min(least)) for row in shares.T])
    low, high = drawn.quantile(torch.tensor([0.025, 0.975])).tolist()
    return log_slope(sizes[used], share[used]), low, high
