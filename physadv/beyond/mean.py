"""A mean with its interval."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import check, generator, spawn


@dataclass(frozen=True)
class Mean:
    """The mean of n values, with a 95 % interval [low, high]."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        """Say it as people write it: 482.0 (460.1-497.3)."""
        return f"{self.value:.1f} ({self.low:.1f} to {self.high:.1f})"


def mean_of(values: Tensor, *, seed: int = 0, draws: int = 2000) -> Mean:
    """Return the mean of independent values (n,), with a percentile bootstrap.

    Davison & Hinkley 1997, 5.3. Where all values agree the interval has no width, which says that
    they do and nothing of those not met.
    """
    n = len(values)
    check(n >= 1, "values", expected="at least one", got=n)
    picks = torch.randint(n, (draws, n), generator=generator(spawn(seed, "bootstrap")))
    means = values.double()[picks].mean(dim=1)
    low, high = means.quantile(torch.tensor([0.025, 0.975]).double()).tolist()
    return Mean(float(values.double().mean()), low, high, n)
