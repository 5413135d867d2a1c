"""GRAPHITE (Feng et al. 2022): where ink matters, by taking pieces off, then what is on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.attacks.asked import Asked, Budget, follow
from physadv.attacks.base import Attack, State
from physadv.attacks.space import Space
from physadv.core import Conditions, encode
from physadv.core.check import above_zero, at_least_one
from physadv.problem import Problem
from physadv.scene import SIGNS, StreetScene, sign

TURNS = 3
"""How often a step is lengthened while that helps, or shortened until it does."""


@lru_cache
def sign_pictures() -> dict[str, Tensor]:
    """Return the faces of the signs there are, (3,h,w) encoded, on white: to begin with."""
    faces = {name: StreetScene(sign(name)).face() for name in SIGNS}
    return {
        name: encode(face.texture)[0] * face.cover[0] + 1 - face.cover[0]
        for name, face in faces.items()
    }


@dataclass(frozen=True)
class Graphite(Attack):
    """Boost the ink with random gradient-free steps, the second half of GRAPHITE.

    Begins with the picture (the faces of other signs, unless `pictures` gives more) that is best
    on the stickers. A step takes `directions` random unit directions of length `radius` from where
    it stands, sums the rises of the loss along them, and searches the line that they give; the
    best it saw stays. All of a step is judged under the same `batch` conditions, drawn afresh for
    the next; the score is the share of them that fails (label alone) or the mean loss. Where the
    stickers lie is the first half's: `graphite_mask`.
    """

    budget: Budget = Budget()
    batch: int = 10
    directions: int = 10
    radius: float = 0.3
    stride: float = 0.15
    numbers: int = 200
    pictures: tuple[Tensor, ...] = field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse settings that move nothing."""
        at_least_one(self, "batch", "directions", "numbers")
        above_zero(self, "radius", "stride")

    def search(
        self, problem: Problem, rng: torch.Generator, resume: Mapping[str, Tensor] | None
    ) -> Iterator[State]:
        """Yield about twenty states, and the one it is resumed from."""
        return follow(partial(_Boost, self), problem, self.budget, rng, resume)


class _Boost:
    """Where the numbers are, and how long the last good step was."""

    def __init__(self, settings: Graphite, asked: Asked, rng: torch.Generator) -> None:
        self.settings, self.asked, self.rng = settings, asked, rng
        start = asked.problem.patch.start(rng)
        self.space = Space(asked.problem.patch, start, settings.numbers)
        self.numbers = self.space.numbers(start)
        self.stride, self.step, self.loss = settings.stride, 0, float("nan")
        self.starts = [self.space.project(self.space.numbers(one)) for one in self._pictures()]

    def _pictures(self) -> list[Tensor]:
        """Return thetas to begin with: pictures on a colour grid, else the patch's own."""
        shape, patch = self.asked.problem.patch.shape, self.asked.problem.patch
        if len(shape) != 3 or shape[0] != 3:
            return [patch.start(self.rng) for _ in range(self.settings.directions)]
        size = (shape[1], shape[2])
        shown = self.settings.pictures or tuple(sign_pictures().values())
        return [F.adaptive_avg_pool2d(picture[None], size)[0] for picture in shown]

    @property
    def theta(self) -> Tensor:
        return self.space.theta(self.numbers)

    @property
    def cost(self) -> int:
        tries = len(self.starts) if self.step == 0 else 1
        return self.settings.batch * (tries + self.settings.directions + TURNS + 1)

    def advance(self) -> None:
        """Begin with the best picture, or take a step."""
        given = self.asked.problem.draw(self.settings.batch, self.rng)
        if self.step == 0:
            losses = [self._loss(one, given) for one in self.starts]
            self.loss = min(losses)
            self.numbers = self.starts[losses.index(self.loss)]
        else:
            self.loss = self._loss(self.numbers, given)
        here, n = self.loss, self.space.n
        ways = F.normalize(torch.randn(self.settings.directions, n, generator=self.rng))
        radius = self.settings.radius * n**0.5
        tried = [self.space.project(self.numbers + radius * way) for way in ways]
        losses = [self._loss(one, given) for one in tried]
        rises = torch.tensor(losses) - here
        least = int(rises.argmin())
        seen = [(losses[least], tried[least])]
        slope = (rises[:, None] * ways).mean(dim=0)
        if bool(slope.any()):
            seen += self._along(-F.normalize(slope, dim=0) * n**0.5, given)
        loss, numbers = min(seen, key=lambda one: one[0])
        if loss <= here:
            self.loss, self.numbers = loss, numbers
        self.step += 1

    def _along(self, way: Tensor, given: Conditions) -> list[tuple[float, Tensor]]:
        """Search a line: lengthen the step while that helps, shorten it until it does."""
        length, seen = self.stride, list[tuple[float, Tensor]]()
        for _ in range(TURNS + 1):
            numbers = self.space.project(self.numbers + length * way)
            seen.append((self._loss(numbers, given), numbers))
            if seen[-1][0] < min([self.loss, *(loss for loss, _ in seen[:-1])]):
                self.stride, length = length, 2 * length
            elif len(seen) > 1 and seen[-2][0] < self.loss:
                break
            else:
                self.stride = length = length / 4 if length > self.settings.stride / 16 else length
        self.stride = max(self.stride, self.settings.stride / 8)
        return seen

    def _loss(self, numbers: Tensor, given: Conditions) -> float:
        return self.asked.loss(self.space.theta(numbers), given)

    def tensors(self) -> dict[str, Tensor]:
        counts = torch.tensor([self.step, self.loss, self.stride], dtype=torch.float64)
        return {"numbers": self.numbers, "counts": counts}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        self.numbers = tensors["numbers"].clone()
        step, self.loss, self.stride = tensors["counts"].tolist()
        self.step = int(step)
