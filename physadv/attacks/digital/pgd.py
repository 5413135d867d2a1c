"""Projected gradient descent.

Madry, Makelov, Schmidt, Tsipras & Vladu, "Towards Deep Learning Models Resistant to Adversarial
Attacks", ICLR 2018: steepest steps from a random point of the ball around an image, each projected
back onto the ball and onto what images may be. With the norm 0 it is PGD0 of Croce & Hein, "Sparse
and Imperceivable Adversarial Attacks", ICCV 2019, whose ball holds changes of a few pixels.
"""

from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import ALL, UNKNOWN, Best, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.ball import check_ball, check_rate, project, random_point, steepest
from physadv.attacks.digital.descend import ask, box, descend
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, generator, spawn
from physadv.objectives import Objective
from physadv.victims import Victim

STEP_RATIO = 2.5
"""Steps that have no size of their own reach this many radii in all (Madry et al., code)."""
SPARSE_RATE = 120_000 / 255 / 3072
"""With the norm 0 steps change a value by this on average (Croce & Hein, code: CIFAR-10's)."""


@dataclass(frozen=True)
class PGD:
    """Settings of projected gradient descent; call it with a victim, images and an objective."""

    about: ClassVar[About] = About("pgd", "gradients", "inf, 2, 1, 0", "Madry et al. 2018")

    norm: float = setting(inf, "norm of the change: inf, 2, 1, or 0 for a number of pixels")
    eps: float = setting(8 / 255, "largest norm of the change; pixels for 0", scales=True)
    rate: float | None = setting(
        None, "norm of each step, the norm 1 for 0; None for 2.5 eps / steps", scales=True
    )
    steps: int = setting(40, "steps of each search")
    random_starts: int = setting(1, "searches from random points; 0 for one from the image itself")
    stop: bool = setting(False, "whether an image's search ends with its first success")

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        check_ball(self.norm, self.eps)
        check_rate(self.rate)
        check(self.steps >= 1, "steps", expected="at least 1", got=self.steps)
        good = self.random_starts >= 0
        check(good, "random_starts", expected="0 or more", got=self.random_starts)

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

        One that succeeds is better than one that does not, else the lower loss counts. Raises
        `UserError` where the victim has no gradient or images and rows do not fit.
        """
        check_door(victim, images, rows)
        rows, rng = rows.spread(images), generator(spawn(seed, "pgd"))
        low, high = box(images, rows)
        whole = STEP_RATIO * self.eps / self.steps
        rate = self.rate or (whole if self.norm else SPARSE_RATE * images[0].numel())
        searches = max(1, self.random_starts)
        best, total = Best(images), searches * self.steps
        for restart in range(searches):
            change = self._start(images, rows, rng, first=restart == 0)
            change = project(change, low, high, self.eps, self.norm)
            for step in range(self.steps):
                if self._over(best):
                    break
                point, left, slope = images + change, self._left(best), torch.zeros_like(change)
                slope[left] = descend(victim, objective, rows, point[left], best, left)
                watch(Step((restart * self.steps + step) / total, point, slope))
                room = torch.where(slope < 0, high - change, change - low)
                change = change - rate * steepest(slope, self.norm, room, rate)
                change = project(change, low, high, self.eps, self.norm)
            if not self._over(best):
                left = self._left(best)
                ask(victim, objective, rows, (images + change)[left], best, left)
        return Encoded(best.images.clamp(0, 1))

    def _over(self, best: Best) -> bool:
        """Tell whether all searches have ended."""
        return self.stop and bool(best.success.all())

    def _left(self, best: Best) -> Tensor | slice:
        """Return the rows that are searched on."""
        return (~best.success).nonzero()[:, 0] if self.stop else ALL

    def _start(self, images: Tensor, rows: Rows, rng: torch.Generator, *, first: bool) -> Tensor:
        """Return the change that a search begins with.

        A random point of the ball, drawn towards the image by a share that is random, too: nearly
        all of a ball's volume is at its surface, and steps that begin nearer succeed more often.
        """
        if first and rows.start is not None:
            return rows.start.to(images) - images
        if self.random_starts == 0:
            return torch.zeros_like(images)
        drawn = random_point(images, self.eps, self.norm, rng)
        if self.norm == 0:
            return drawn
        share = torch.rand((len(images),) + (1,) * (images.ndim - 1), generator=rng)
        return share.to(images) * drawn


def pgd(
    victim: Victim,
    images: Encoded,
    objective: Objective,
    *,
    rows: Rows = UNKNOWN,
    seed: int = 0,
    **settings: Any,
) -> Encoded:
    """Return attacked images: `PGD(**settings)(victim, images, objective, rows=…, seed=…)`."""
    return PGD(**settings)(victim, images, objective, rows=rows, seed=seed)
