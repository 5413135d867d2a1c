"""Projected gradient descent along gradients that are estimated from scores.

Coordinate by coordinate: Chen, Zhang, Sharma, Yi & Hsieh, "ZOO", AISec 2017, eq. 6. By random
groups of coordinates: Bhagoji, He, Li & Song, "Practical Black-box Attacks on Deep Neural Networks
using Efficient Query Mechanisms", ECCV 2018, section 3.3. NES: Ilyas, Engstrom, Athalye & Lin,
"Black-box Adversarial Attacks with Limited Queries and Information", ICML 2018. SPSA: Uesato,
O'Donoghue, van den Oord & Kohli, "Adversarial Risk and the Dangers of Evaluating Against Weak
Attacks", ICML 2018.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.asking import Asking, Question
from physadv.attacks.digital.attack import UNKNOWN, Rows, Step, Watch, check_images, ignore
from physadv.attacks.digital.ball import check_norm, check_rate, project, steepest
from physadv.attacks.digital.settings import setting
from physadv.attacks.estimate import average, directions
from physadv.core import Encoded, check, generator, quantise, spawn
from physadv.core.check import above_zero, at_least_one, one_of
from physadv.objectives import Objective
from physadv.victims import Victim

METHODS = ("coordinates", "groups", "nes", "spsa")


@dataclass(frozen=True)
class EstimatedPGD:
    """Settings of descent along estimates; call it with a victim, images and an objective."""

    about: ClassVar[About] = About(
        "estimated",
        "scores",
        "inf, 2, 1",
        "Chen et al. 2017; Ilyas, Uesato et al. 2018",
    )

    method: str = setting("spsa", "how slopes are estimated: coordinates, groups, nes or spsa")
    norm: float = setting(inf, "norm of the change: inf, 2 or 1")
    eps: float = setting(8 / 255, "largest norm of the change", scales=True)
    rate: float | None = setting(None, "norm of each step; None for eps / 4", scales=True)
    queries: int = setting(2000, "most answers for an image")
    samples: int = setting(25, "directions of each estimate")
    radius: float = setting(2 / 255, "how far a direction is followed", scales=True)
    antithetic: bool = setting(True, "whether directions are followed both ways")
    momentum: float = setting(0.9, "share of earlier estimates that counts on")
    rounded: bool = setting(True, "whether only images of 8 bits are asked about and kept")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that move nothing."""
        one_of("method", self.method, METHODS)
        check_norm(self.norm, (inf, 2.0, 1.0))
        check(0 <= self.eps < inf, "eps", expected="a number from 0 on", got=self.eps)
        check_rate(self.rate)
        at_least_one(self, "queries", "samples")
        above_zero(self, "radius")
        good = 0 <= self.momentum < 1
        check(good, "momentum", expected="from 0 to below 1", got=self.momentum)
        good, least = not self.rounded or self.radius >= 0.5 / 255, "at least 0.5/255"
        fix = "rounding would undo it"
        check(good, "radius", expected=f"{least} for 8 bits", got=self.radius, fix=fix)

    @property
    def cost(self) -> int:
        """How many answers a step takes."""
        return 1 + self.samples * (2 if self.antithetic else 1)

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
        """Return images (B,C,H,W) in [0,1] within `eps`: for each the best point that was met.

        An image's search ends with its first success or its queries. Raises `UserError` where
        images and rows do not fit.
        """
        check_images(images, rows)
        rows, rng = rows.spread(images), generator(spawn(seed, "estimated"))
        asking = Asking(
            Question(victim, objective), images, rows, self.queries, rounded=self.rounded
        )
        kept = torch.ones_like(images) if rows.mask is None else (rows.mask != 0).to(images)
        low, high = -images * kept, (1 - images) * kept
        change = torch.zeros_like(images) if rows.start is None else rows.start.to(images) - images
        change = project(change, low, high, self.eps, self.norm)
        mean, rate = torch.zeros_like(images), self.rate or self.eps / 4
        while len(which := asking.open(self.cost)):
            found = self._slope(asking, images[which] + change[which], which, (kept, rng))
            mean[which] = self.momentum * mean[which] + found
            here, way = change[which], mean[which]
            room = torch.where(way < 0, high[which] - here, here - low[which])
            here = here - rate * steepest(way, self.norm, room, rate)
            change[which] = project(here, low[which], high[which], self.eps, self.norm)
            asking.loss[which], _ = asking(images[which] + change[which], which)
            watch(Step(asking.done, images + change, mean))
        return Encoded(asking.best.images)

    def _slope(
        self, asking: Asking, points: Tensor, which: Tensor, ways: tuple[Tensor, torch.Generator]
    ) -> Tensor:
        """Return the slopes (N,...) of the loss at points; what is no number is 0."""
        kept, rng = ways[0][which], ways[1]
        free = kept.flatten(1)
        tried = torch.stack([drawn(self.method, self.samples, one, rng) for one in free.cpu()])
        tried = tried.to(points).reshape(len(points), self.samples, *points.shape[1:])

        def look(asked: Tensor) -> Tensor:
            numbers = which.repeat_interleave(self.samples)
            return asking.tell(asked.flatten(0, 1), numbers)[0].reshape(len(which), -1)

        base = None if self.antithetic else asking.loss[which]
        at = asking.ready(points, which)
        found = slopes(look, at, self.radius * tried, base, rounded=self.rounded)
        scale = weight(self.method, self.samples, free.sum(dim=1)) / self.radius**2
        return (found * scale.reshape(-1, *[1] * (points.ndim - 1))).nan_to_num(0.0, 0.0, 0.0)


def drawn(method: str, m: int, free: Tensor, rng: torch.Generator) -> Tensor:
    """Draw directions (m,n) over the coordinates that are not 0 in `free` (n,).

    Single coordinates and random groups are without repetition, m at most.
    """
    if method in ("nes", "spsa"):
        return directions(method, m, len(free), rng) * free
    found, able = torch.zeros(m, len(free)), free.nonzero()[:, 0]
    order = able[torch.randperm(len(able), generator=rng)]
    order = order[:m] if method == "coordinates" else order
    found[torch.arange(len(order)) % m, order] = 1
    return found


def weight(method: str, m: int, free: Tensor) -> Tensor:
    """Return by what the average over m directions is multiplied to tell the slope, as `free`.

    Of single coordinates the sum tells it, of a group the mean over its members.
    """
    if method == "coordinates":
        return torch.full_like(free, m)
    return m * m / free.clamp_min(1) if method == "groups" else torch.ones_like(free)


def slopes(
    look: Callable[[Tensor], Tensor],
    points: Tensor,
    ways: Tensor,
    base: Tensor | None = None,
    *,
    rounded: bool = False,
) -> Tensor:
    """Return the average (N,...) over ways (N,m,...) of how far the loss rises times the way.

    `look` takes points (N,m,...) and returns losses (N,m). Both ends of a way are looked at, or
    one and the loss `base` (N,) at the points. What counts is the way between the ends as they
    were asked about: in [0,1] and, where `rounded`, of whole bytes.
    """
    signs = (1.0, -1.0) if base is None else (1.0,)
    ends = [(points[:, None] + sign * ways).clamp(0, 1) for sign in signs]
    ends = [quantise(end) for end in ends] if rounded else ends
    losses = [look(end) for end in ends]
    if base is None:
        rises, moved = (losses[0] - losses[1]) / 2, (ends[0] - ends[1]) / 2
    else:
        rises, moved = losses[0] - base[:, None], ends[0] - points[:, None]
    return average(rises, moved.flatten(2)).reshape(points.shape)
