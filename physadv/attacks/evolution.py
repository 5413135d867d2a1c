"""CMA-ES (Hansen & Ostermeier 2001) by the library `cma`, over a patch of few numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from physadv.attacks.asked import Asked, Budget, follow
from physadv.attacks.base import Attack, State
from physadv.attacks.space import Space
from physadv.core import check, generator
from physadv.core.check import above_zero, at_least_one
from physadv.problem import Problem

DIAGONAL = 20
"""How many generations the covariance stays diagonal (Ros & Hansen 2008)."""
OUTSIDE = 0.1
"""What a squared unit outside of what can be made costs, beside the spread of the losses."""


@dataclass(frozen=True)
class CMAES(Attack):
    """Sample thetas around a mean, move mean and covariance towards the better half.

    A generation (`population` thetas; 0: what the dimension wants, 4 + 3 ln n) is ranked under the
    same `batch` conditions, drawn afresh for the next. A theta that cannot be made is judged by
    the nearest one that can, and pays for the distance. A colour grid is searched in blocks, so
    that it has at most `numbers`; the covariance is full, after a diagonal beginning.
    """

    budget: Budget = Budget()
    batch: int = 3
    spread: float = 0.25
    population: int = 0
    numbers: int = 60

    def __post_init__(self) -> None:
        """Refuse settings that move nothing."""
        at_least_one(self, "batch", "numbers")
        above_zero(self, "spread")
        fits = self.population == 0 or self.population >= 3
        check(fits, "population", expected="0 or at least 3", got=self.population)

    def search(
        self, problem: Problem, rng: torch.Generator, resume: Mapping[str, Tensor] | None
    ) -> Iterator[State]:
        """Yield about twenty states, and the one it is resumed from."""
        return follow(partial(_Evolution, self), problem, self.budget, rng, resume)


class _Evolution:
    """The strategy, and the losses it was told: from them it is brought back."""

    def __init__(self, settings: CMAES, asked: Asked, rng: torch.Generator) -> None:
        self.settings, self.asked, self.rng = settings, asked, rng
        start = asked.problem.patch.start(rng)
        self.space = Space(asked.problem.patch, start, settings.numbers)
        self.chance = generator(int(torch.randint(2**31, (1,), generator=rng)))
        self.loss, self.told = float("nan"), list[list[float]]()
        mean = self.space.numbers(start).double().numpy()
        options = {"verbose": -9, "randn": self._normal, "seed": np.nan}
        options["CMA_diagonal"] = DIAGONAL
        if settings.population:
            options["popsize"] = settings.population
        import cma  # here, as it loads much of scipy

        self.strategy = cma.CMAEvolutionStrategy(mean, settings.spread, options)

    @property
    def theta(self) -> Tensor:
        return self.space.theta(torch.from_numpy(self.strategy.mean.copy()).float())

    @property
    def cost(self) -> int:
        return int(self.strategy.popsize) * self.settings.batch

    def _normal(self, *shape: int) -> NDArray[np.float64]:
        drawn: NDArray[np.float64] = torch.randn(
            shape, generator=self.chance, dtype=torch.float64
        ).numpy()
        return drawn

    def advance(self) -> None:
        """Photograph a generation and rank it."""
        given = self.asked.problem.draw(self.settings.batch, self.rng)
        asked = self.strategy.ask()
        some = [torch.from_numpy(one).float() for one in asked]
        losses = torch.tensor([self.asked.loss(self.space.theta(one), given) for one in some])
        self.loss = float(losses.mean())
        off = [one - self.space.project(one) for one in some]
        outside = torch.stack(off).square().sum(dim=1)
        values = losses + OUTSIDE * float(losses.std()) * outside
        self.told.append(values.tolist())
        self._tell(asked, self.told[-1])

    def tensors(self) -> dict[str, Tensor]:
        told = torch.tensor(self.told, dtype=torch.float64)
        return {"told": told, "loss": torch.tensor(self.loss, dtype=torch.float64)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Live through the same generations again; nobody is asked."""
        self.loss, self.told = float(tensors["loss"]), tensors["told"].tolist()
        for values in self.told:
            self._tell(self.strategy.ask(), values)

    def _tell(self, asked: list[NDArray[np.float64]], values: list[float]) -> None:
        self.strategy.tell(asked, values)
        self.strategy.sm.randn = self._normal  # cma forgets it where the covariance becomes full
