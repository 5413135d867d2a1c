"""A genetic search from scores.

Alzantot, Sharma, Chakraborty, Zhang, Hsieh & Srivastava, "GenAttack: Practical Black-box Attacks
with Gradient-Free Optimization", GECCO 2019: algorithm 1, with its adaptive parameters and noise
of fewer cells than pixels. Mutation can be guided by an occlusion map (Zeiler & Fergus 2014).
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.attacks.digital.about import About
from physadv.attacks.digital.asking import Asking, Question
from physadv.attacks.digital.attack import UNKNOWN, Rows, Step, Watch, check_images, ignore
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, generator, spawn
from physadv.core.check import above_zero, at_least_one
from physadv.objectives import Objective
from physadv.victims import Victim

DECAY, PATIENCE = 0.9, 100
"""After so many generations without gain chance and size of mutations fall by this factor."""
LEAST = (0.1, 0.15)
"""What chance and size of mutations do not fall below."""


@dataclass(frozen=True)
class GenAttack:
    """Settings of the genetic search; call it with a victim, images and an objective."""

    about: ClassVar[About] = About("gen-attack", "scores", "inf", "Alzantot et al. 2019")

    eps: float = setting(8 / 255, "largest change of a value", scales=True)
    queries: int = setting(2000, "most answers for an image")
    population: int = setting(6, "members of a generation")
    mutation: float = setting(0.5, "chance of a value to mutate, at first")
    size: float = setting(0.4, "largest mutation as a share of eps, at first")
    temperature: float = setting(0.1, "of the choice of parents by their losses")
    detail: int | None = setting(None, "cells of the noise along a side; None for each pixel one")
    guided: bool = setting(False, "whether mutations go where occlusion changes the loss")
    cells: int = setting(6, "cells of the occlusion map along a side, a query each")
    rounded: bool = setting(True, "whether only images of 8 bits are asked about and kept")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that move nothing."""
        check(0 <= self.eps < inf, "eps", expected="a number from 0 on", got=self.eps)
        at_least_one(self, "queries", "cells")
        check(self.population >= 2, "population", expected="at least 2", got=self.population)
        above_zero(self, "size", "temperature")
        good = 0 < self.mutation <= 1
        check(good, "mutation", expected="above 0, at most 1", got=self.mutation)
        good = self.detail is None or self.detail >= 1
        check(good, "detail", expected="at least 1, or None", got=self.detail)

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Encoded:
        """Return images (B,C,H,W) in [0,1] within `eps` in each value: the best that were met.

        An image's search ends with its first success or its queries. Raises `UserError` where
        images and rows do not fit.
        """
        check_images(images, rows)
        rows, rng = rows.spread(images), generator(spawn(seed, "genetic"))
        asking = Asking(
            Question(victim, objective), images, rows, self.queries, rounded=self.rounded
        )
        people = _People(self, asking, rng)
        while len(which := asking.open(self.population - 1)):
            people.breed(which)
            watch(Step(asking.done, asking.best.images, torch.zeros_like(images)))
        return Encoded(asking.best.images)


class _People:
    """The noises (B,P,C,h,w) of each image, in units of eps, and their losses (B,P)."""

    def __init__(self, settings: GenAttack, asking: Asking, rng: torch.Generator) -> None:
        self.settings, self.asking, self.rng = settings, asking, rng
        count, channels, height, width = asking.images.shape
        detail = settings.detail
        grid = (height, width) if detail is None else (min(detail, height), min(detail, width))
        self.where = torch.ones(count, 1, *grid)
        if settings.guided and len(which := asking.open(settings.cells**2)):
            seen = importance(asking, which, settings.cells)
            self.where[which] = interpolate(seen, grid, mode="nearest")
        shape = (count, settings.population, channels, *grid)
        self.noise = 2 * torch.rand(shape, generator=rng) - 1
        self.loss = torch.full(shape[:2], torch.inf)
        self.least, self.idle = torch.full((count,), torch.inf), torch.zeros(count)
        if len(which := asking.open(settings.population)):
            self.loss[which] = self._ask(self.noise[which], which)

    def breed(self, which: Tensor) -> None:
        """Put children in the place of all but the best of some images (N,)."""
        old, loss = self.noise[which], self.loss[which]
        best = loss.argmin(dim=1)
        share = torch.softmax(_fitness(loss) / self.settings.temperature, dim=1)
        children = self._mutated(self._crossed(old, share), which)
        rows = torch.arange(len(which))
        self.noise[which] = torch.cat([old[rows, best][:, None], children], dim=1)
        kept = loss[rows, best][:, None]
        self.loss[which] = torch.cat([kept, self._ask(children, which)], dim=1)
        gained = self.loss[which].amin(dim=1) < self.least[which]
        self.idle[which] = torch.where(gained, 0.0, self.idle[which] + 1)
        self.least[which] = torch.minimum(self.least[which], self.loss[which].amin(dim=1))

    def _crossed(self, old: Tensor, share: Tensor) -> Tensor:
        """Return children (N,P-1,...) whose values are from one of two parents, by their shares."""
        count, pairs = len(old), self.settings.population - 1
        drawn = torch.multinomial(share, 2 * pairs, replacement=True, generator=self.rng)
        rows = torch.arange(count)[:, None]
        first, second = drawn[:, :pairs], drawn[:, pairs:]
        one, other = share.gather(1, first), share.gather(1, second)
        chance = (one / (one + other))[..., None, None, None]
        mothers, fathers = old[rows, first], old[rows, second]
        return torch.where(torch.rand(mothers.shape, generator=self.rng) < chance, mothers, fathers)

    def _mutated(self, children: Tensor, which: Tensor) -> Tensor:
        """Return children with even noise added to some values, and cut to [-1,1]."""
        times = torch.div(self.idle[which], PATIENCE, rounding_mode="floor")
        fall = (DECAY**times)[:, None, None, None, None]
        chance, size = (
            (one * fall).clamp_min(min(one, least))
            for one, least in zip((self.settings.mutation, self.settings.size), LEAST, strict=True)
        )
        chosen = (
            torch.rand(children.shape, generator=self.rng) < chance * self.where[which][:, None]
        )
        noise = size * (2 * torch.rand(children.shape, generator=self.rng) - 1)
        return (children + chosen * noise).clamp(-1, 1)

    def _ask(self, noise: Tensor, which: Tensor) -> Tensor:
        """Return the losses (N,P) of noises (N,P,C,h,w) of some images."""
        images, rows = self.asking.images[which], self.asking.rows.take(which)
        size = (images.shape[-2], images.shape[-1])
        grown = noise.flatten(0, 1)
        if tuple(grown.shape[-2:]) != size:
            grown = interpolate(grown, size, mode="bilinear", align_corners=False)
        change = self.settings.eps * grown.to(images).reshape(len(which), -1, *images.shape[1:])
        if rows.mask is not None:
            change = change * (rows.mask != 0)[:, None]
        points = (images[:, None] + change).flatten(0, 1)
        loss, _ = self.asking(points, which.repeat_interleave(noise.shape[1]))
        return loss.cpu().float().reshape(len(which), -1)


def _fitness(loss: Tensor) -> Tensor:
    """Return what is high where the loss (N,P) is low, and a finite number everywhere."""
    return (-loss).nan_to_num(neginf=-1e4).clamp(-1e4, 1e4)


def importance(asking: Asking, which: Tensor, cells: int) -> Tensor:
    """Return how often cells (N,1,cells,cells) mutate beside others, 1 on average, at least 1/2.

    In proportion to how far the loss changes where a cell is covered with the image's mean
    colour; an answer a cell.
    """
    images = asking.images[which]
    count, _, height, width = images.shape
    each = torch.eye(cells * cells).reshape(-1, 1, cells, cells)
    cover = interpolate(each, (height, width), mode="nearest").to(images)
    mean = images.mean(dim=(2, 3), keepdim=True)
    points = torch.lerp(images[:, None], mean[:, None], cover[None]).flatten(0, 1)
    numbers = which.repeat_interleave(cells * cells)
    loss, _ = asking.tell(asking.ready(points, numbers), numbers)
    change = (loss.reshape(count, -1) - asking.loss[which][:, None]).abs().nan_to_num(0.0, 0.0)
    total = change.mean(dim=1, keepdim=True)
    share = torch.where(total > 0, change / total.clamp_min(1e-30), 1.0)
    return (0.5 + 0.5 * share).cpu().float().reshape(count, 1, cells, cells)
