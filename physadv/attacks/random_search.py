"""Random search with squares of colour: Sparse-RS's patch-RS (Croce et al. 2022), under a world."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from physadv.attacks.asked import Asked, Budget, follow
from physadv.attacks.base import Attack, State
from physadv.attacks.space import shown
from physadv.core import check
from physadv.core.check import at_least_one
from physadv.problem import Problem

SCHEDULE = ((10, 1), (50, 2), (200, 4), (500, 8), (1000, 16), (4000, 32), (8000, 64))
"""Up to which of 10,000 steps the share of a proposal is divided by what; after that by 128."""


@dataclass(frozen=True)
class RandomSearch(Attack):
    """Propose a square of one colour, keep it if it is not worse: patch-RS of Sparse-RS.

    A colour grid (C,rows,columns) begins as stripes of pure colours; a proposal adds +1 or -1 to
    each channel of a square around a random cell that shows, of `share` of the cells that show at
    first, ever fewer later (the paper's schedule). Of any other theta that share of its numbers is
    drawn anew. Old and new are judged under the same `batch` conditions, which are drawn afresh
    every `refresh` steps. The paper begins with a share of 0.4 for one picture; many pictures leave
    fewer proposals, so larger ones. Its moves of the whole patch have no place in a fixed layout.
    """

    budget: Budget = Budget()
    batch: int = 4
    refresh: int = 10
    share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse settings that move nothing."""
        at_least_one(self, "batch", "refresh")
        fits = 0 < self.share <= 1
        check(fits, "share", expected="above 0, up to 1", got=self.share)

    def search(
        self, problem: Problem, rng: torch.Generator, resume: Mapping[str, Tensor] | None
    ) -> Iterator[State]:
        """Yield about twenty states, and the one it is resumed from."""
        return follow(partial(_Search, self), problem, self.budget, rng, resume)


class _Search:
    """What is kept so far, and what it is worth under the conditions of the moment."""

    def __init__(self, settings: RandomSearch, asked: Asked, rng: torch.Generator) -> None:
        self.settings, self.asked, self.rng = settings, asked, rng
        self.shows, self.step, self.loss = shown(asked.problem.patch), 0, float("nan")
        self.kept = self._start()
        self.given: dict[str, Tensor] = {}

    @property
    def theta(self) -> Tensor:
        return self.kept

    @property
    def cost(self) -> int:
        return self.settings.batch * (2 if self._is_due else 1)

    @property
    def _is_due(self) -> bool:
        return self.step % self.settings.refresh == 0

    def advance(self) -> None:
        """Propose a change and keep it if it is not worse."""
        if self._is_due:
            self.given = self.asked.problem.draw(self.settings.batch, self.rng)
            self.loss = self.asked.loss(self.kept, self.given)
        theta = self.asked.problem.patch.project(self._changed())
        loss = self.asked.loss(theta, self.given)
        if loss <= self.loss:
            self.kept, self.loss = theta, loss
        self.step += 1

    def _start(self) -> Tensor:
        patch = self.asked.problem.patch
        theta = patch.start(self.rng)
        if theta.ndim == 3:
            channels, _, columns = theta.shape
            stripes = torch.rand(channels, 1, columns, generator=self.rng) < 0.5
            theta = stripes.float().expand_as(theta).clone()
        return patch.project(theta)

    def _changed(self) -> Tensor:
        share, theta = self._share(), self.kept.clone()
        if theta.ndim != 3:
            n = max(1, int(share * theta.numel()))
            some = torch.randperm(theta.numel(), generator=self.rng)[:n]
            fresh = self.asked.problem.patch.start(self.rng)
            theta.view(-1)[some] = fresh.reshape(-1)[some]
            return theta
        cells = self.shows[0].nonzero()
        side = max(1, int((share * len(cells)) ** 0.5))
        pick = int(torch.randint(len(cells), (1,), generator=self.rng))
        corner = torch.randint(side, (2,), generator=self.rng)
        top, left = (cells[pick] - corner).clamp_min(0).tolist()
        signs = 2.0 * torch.randint(2, (len(theta), 1, 1), generator=self.rng) - 1
        theta[:, top : top + side, left : left + side] += signs
        return theta

    def _share(self) -> float:
        """Return what share of theta a proposal touches now."""
        now = 10_000 * self.asked.share
        divisor = next((by for until, by in SCHEDULE if now <= until), 128)
        return self.settings.share / divisor

    def tensors(self) -> dict[str, Tensor]:
        counts = torch.tensor([self.step, self.loss], dtype=torch.float64)
        given = {f"given.{name}": value for name, value in self.given.items()}
        return {"theta": self.kept, "counts": counts, **given}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        self.kept = tensors["theta"].clone()
        step, self.loss = tensors["counts"].tolist()
        self.step = int(step)
        start = "given."
        self.given = {n[len(start) :]: v for n, v in tensors.items() if n.startswith(start)}
