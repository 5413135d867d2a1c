"""How conditions count in a search: all alike, the worst more, the hardest of many, mild first."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Span, Varying, check, neutral, take
from physadv.problem import Problem


@dataclass(frozen=True)
class Expectation:
    """Which conditions a step of a search is taken on, and how their losses count.

    `tail_ratio` is the share of a batch's worst losses that are averaged: the conditional value at
    risk (Rockafellar & Uryasev 2000); 1 is the plain expectation. `hardest_of` draws so many times
    the batch and keeps the rows of highest loss (online hard example mining, Shrivastava et al.
    2016). `mild_ratio` is the share of the steps over which spans open from their resting values
    to what the world declares (a curriculum, Bengio et al. 2009).
    """

    tail_ratio: float = 1.0
    hardest_of: int = 1
    mild_ratio: float = 0.0

    def __post_init__(self) -> None:
        """Refuse shares beyond 0..1 and fewer draws than rows."""
        tail, mild = self.tail_ratio, self.mild_ratio
        check(0 < tail <= 1, "tail_ratio", expected="above 0, up to 1", got=tail)
        check(self.hardest_of >= 1, "hardest_of", expected="at least 1", got=self.hardest_of)
        check(0 <= mild <= 1, "mild_ratio", expected="from 0 to 1", got=mild)

    def draw(
        self, problem: Problem, theta: Tensor, n: int, done: float, rng: torch.Generator
    ) -> dict[str, Tensor]:
        """Draw n conditions for a step at theta, when a share `done` of the steps is over."""
        given = problem.draw(n * self.hardest_of, rng)
        if done < self.mild_ratio:
            given = eased(problem.declared(), given, (1 + done / self.mild_ratio) / 2)
        if self.hardest_of == 1:
            return given
        with torch.no_grad():
            losses = problem.evaluate(theta, given).loss
        return take(given, losses.topk(n).indices.sort().values)

    def pictures(self, n: int) -> int:
        """Return how many pictures a step on n conditions shows to the victim."""
        return n if self.hardest_of == 1 else n * (self.hardest_of + 1)

    def mean(self, losses: Tensor) -> Tensor:
        """Return what a step lowers, of losses (B,)."""
        return tail_mean(losses, self.tail_ratio)


def tail_mean(losses: Tensor, share: float) -> Tensor:
    """Return the mean of the highest `share` of losses (B,), one counting partly if need be.

    The empirical conditional value at risk, coherent and convex in the losses.
    """
    if share == 1:
        return losses.mean()
    count = share * len(losses)
    weight = (count - torch.arange(len(losses)).to(losses)).clamp(0, 1)
    return (losses.sort(descending=True).values * weight).sum() / count


def eased(names: Mapping[str, Varying], given: Conditions, share: float) -> dict[str, Tensor]:
    """Return conditions whose spans are only `share` as far from rest, or from their middle."""
    rest = neutral(names, len(next(iter(given.values()))))
    return {
        name: torch.lerp(rest[name], value, share) if isinstance(names[name], Span) else value
        for name, value in given.items()
    }
