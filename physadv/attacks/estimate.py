"""Gradients from answers alone: NES (Ilyas et al. 2018), SPSA (Spall 1992; Uesato et al. 2018)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import cos, pi
from typing import Literal

import torch
from torch import Tensor

from physadv.attacks.adam import adam
from physadv.attacks.asked import Asked, Budget, follow
from physadv.attacks.base import Attack, State
from physadv.attacks.space import Space
from physadv.core.check import above_zero, at_least_one, one_of
from physadv.problem import Problem

METHODS = ("nes", "spsa")
AVERAGE = 0.8


def directions(method: str, m: int, n: int, rng: torch.Generator) -> Tensor:
    """Return m random directions (m,n): standard normal for NES, signs for SPSA."""
    if method == "nes":
        return torch.randn(m, n, generator=rng)
    return 2.0 * torch.randint(2, (m, n), generator=rng) - 1


def slope(along: Callable[[Tensor], tuple[float, float]], tried: Tensor, radius: float) -> Tensor:
    """Estimate a gradient (n,) from central differences along directions `tried` (m,n).

    `along(u)` returns the loss at +radius u and at -radius u. Unbiased for a loss that is linear or
    quadratic; on a linear one of gradient g the mean squared error is |g|² (n+1)/m for normal
    directions and |g|² (n-1)/m for signs.
    """
    pairs = torch.tensor([along(one) for one in tried])
    return average((pairs[:, 0] - pairs[:, 1]) / (2 * radius), tried)


def average(rises: Tensor, tried: Tensor) -> Tensor:
    """Return the gradients (…,n) that rises (…,m) along directions (…,m,n) tell of, on average."""
    return (rises[..., None] * tried).mean(dim=-2)


@dataclass(frozen=True)
class GradientEstimate(Attack):
    """Adam or signed steps along estimated gradients of at most `numbers` numbers of theta.

    A step takes `pairs` central differences at `radius`; both halves of a pair are photographed
    under the same `batch` conditions (common random numbers), each pair under others. The step
    size falls with a cosine over the budget. What is handed out is a running mean.
    """

    method: Literal["nes", "spsa"] = "nes"
    budget: Budget = Budget()
    pairs: int = 10
    batch: int = 2
    radius: float = 0.2
    rate: float = 0.1
    optimiser: Literal["adam", "sign"] = "adam"
    numbers: int = 200

    def __post_init__(self) -> None:
        """Refuse settings that move nothing."""
        one_of("method", self.method, METHODS)
        at_least_one(self, "pairs", "batch", "numbers")
        above_zero(self, "radius", "rate")

    def search(
        self, problem: Problem, rng: torch.Generator, resume: Mapping[str, Tensor] | None
    ) -> Iterator[State]:
        """Yield about twenty states, and the one it is resumed from."""
        return follow(partial(_Descent, self), problem, self.budget, rng, resume)


class _Descent:
    """Where the numbers are, and Adam's moments."""

    def __init__(self, settings: GradientEstimate, asked: Asked, rng: torch.Generator) -> None:
        self.settings, self.asked, self.rng = settings, asked, rng
        start = asked.problem.patch.start(rng)
        self.space = Space(asked.problem.patch, start, settings.numbers)
        self.numbers = self.space.project(self.space.numbers(start))
        self.mean = self.numbers.clone()
        self.first, self.second = torch.zeros_like(self.mean), torch.zeros_like(self.mean)
        self.step, self.loss = 0, float("nan")

    @property
    def theta(self) -> Tensor:
        return self.space.theta(self.mean)

    @property
    def cost(self) -> int:
        return 2 * self.settings.pairs * self.settings.batch

    def advance(self) -> None:
        """Take a step along an estimate."""
        one, losses = self.settings, list[float]()

        def along(way: Tensor) -> tuple[float, float]:
            given = self.asked.problem.draw(one.batch, self.rng)
            ends = (self.numbers + one.radius * way, self.numbers - one.radius * way)
            up, down = (self.asked.loss(self.space.theta(end), given) for end in ends)
            losses.extend((up, down))
            return up, down

        tried = directions(one.method, one.pairs, self.space.n, self.rng)
        share = 0.05 + 0.95 * 0.5 * (1 + cos(pi * self.asked.share))
        way = self._direction(slope(along, tried, one.radius))
        self.numbers = self.space.project(self.numbers - one.rate * share * way)
        self.mean = torch.lerp(self.numbers, self.mean, min(AVERAGE, self.step / (self.step + 2)))
        self.loss = sum(losses) / len(losses)
        self.step += 1

    def _direction(self, found: Tensor) -> Tensor:
        if self.settings.optimiser == "sign":
            return found.sign()
        way, self.first, self.second = adam(found, self.first, self.second, self.step)
        return way

    def tensors(self) -> dict[str, Tensor]:
        kept = {name: getattr(self, name) for name in ("numbers", "mean", "first", "second")}
        return kept | {"counts": torch.tensor([self.step, self.loss], dtype=torch.float64)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        for name in ("numbers", "mean", "first", "second"):
            setattr(self, name, tensors[name].clone())
        step, self.loss = tensors["counts"].tolist()
        self.step = int(step)
