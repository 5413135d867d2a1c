"""A share with its interval."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Rate:
    """`hits` of `n`, with a 95 % interval [low, high]."""

    hits: int
    n: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Return hits / n."""
        return self.hits / self.n

    def __str__(self) -> str:
        """Say it as people write it: 93.2 % (466/500, 90.7-95.1)."""
        interval = f"{100 * self.low:.1f}-{100 * self.high:.1f}"
        return f"{100 * self.share:.1f} % ({self.hits}/{self.n}, {interval})"


def wilson(hits: int, n: int) -> Rate:
    """Return the rate with Wilson's score interval (Wilson 1927), for independent rows."""
    share, z2 = hits / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if hits == 0 else middle - half
    high = 1.0 if hits == n else middle + half
    return Rate(hits, n, low, high)


def clustered(success: Tensor, cluster: Tensor, rng: torch.Generator, draws: int = 2000) -> Rate:
    """Return the rate with a percentile bootstrap over clusters (Davison & Hinkley 1997, 3.8).

    `success` (n,) bool and `cluster` (n,) ids; for rows that share a photo, scene or approach.
    """
    _, index = cluster.unique(return_inverse=True)
    count = index.bincount().float()
    hits = index.bincount(weights=success.double()).float()
    picks = torch.randint(len(count), (draws, len(count)), generator=rng)
    shares = hits[picks].sum(1) / count[picks].sum(1)
    low, high = shares.quantile(torch.tensor([0.025, 0.975])).tolist()
    return Rate(int(success.sum()), len(success), low, high)
