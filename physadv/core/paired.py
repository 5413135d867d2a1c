"""Two answers a row, e.g. with a patch and with its control: how much more often is one yes?"""

from dataclasses import dataclass
from fractions import Fraction
from math import comb

import torch
from torch import Tensor

from physadv.core.rate import wilson


@dataclass(frozen=True)
class Paired:
    """How much more often one thing happens than another in the same `n` rows.

    `only` rows in which it alone happens, `other` those in which the other alone does;
    [low, high] is a 95 % interval of the difference of the shares, `p` McNemar's exact one.
    """

    only: int
    other: int
    n: int
    low: float
    high: float
    p: float

    @property
    def difference(self) -> float:
        """Return the difference of the two shares."""
        return (self.only - self.other) / self.n

    def __str__(self) -> str:
        """Say it in points: +34.9 (+17.1-53.7), p 0.0001."""
        interval = f"{100 * self.low:+.1f} to {100 * self.high:+.1f}"
        return f"{100 * self.difference:+.1f} ({interval}), p {self.p:.2g}"


def mcnemar(only: int, other: int) -> float:
    """Return the two-sided exact p of McNemar's test (1947): are these two counts one coin's?"""
    n, least = only + other, min(only, other)
    ways = sum(comb(n, k) for k in range(least + 1))
    return min(1.0, 2 * float(Fraction(ways, 2**n)))


def paired(
    one: Tensor, other: Tensor, cluster: Tensor, rng: torch.Generator, draws: int = 2000
) -> Paired:
    """Compare (n,) bool with (n,) bool, row by row, by a percentile bootstrap over clusters.

    `cluster` (n,) ids, for rows that share a scene. The test knows of no clusters: where they are
    large its p is too small, and the interval is what counts. Where all rows agree a bootstrap has
    no width; Wilson's for the number of clusters is taken, both ways where nothing differs.
    """
    _, index = cluster.unique(return_inverse=True)
    count = index.bincount().float()
    gain = index.bincount(weights=one.double() - other.double()).float()
    only, less = int((one & ~other).sum()), int((other & ~one).sum())
    low, high = _edge(only, less, len(one), len(count))
    if low == high:
        picks = torch.randint(len(count), (draws, len(count)), generator=rng)
        shares = gain[picks].sum(1) / count[picks].sum(1)
        low, high = shares.quantile(torch.tensor([0.025, 0.975])).tolist()
    return Paired(only, less, len(one), low, high, mcnemar(only, less))


def _edge(only: int, other: int, n: int, clusters: int) -> tuple[float, float]:
    """Return the interval where all rows agree, else one without width."""
    width = wilson(0, clusters).high
    if n in (only, other):
        return (1 - width, 1.0) if only else (-1.0, width - 1)
    return (-width, width) if only + other == 0 else (0.0, 0.0)
