"""Disguise: images that look as they did and are read as something else, within a visible budget.

A targeted search by gradient projection (Rosen 1960) whose bound is what people see instead of a
norm: structural similarity (Wang, Bovik, Sheikh & Simoncelli 2004; as a measure of adversarial
images Rozsa, Rudd & Boult, CVPR workshop 2016) and CIEDE2000 (Sharma, Wu & Dalal 2005; as such a
measure Zhao, Liu & Larson, CVPR 2020).
"""

from dataclasses import dataclass
from math import cos, isfinite, pi
from typing import ClassVar

import torch

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import UNKNOWN, Best, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.budget import Budget
from physadv.attacks.digital.descend import ask, descend
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, generator, spawn
from physadv.core.check import above_zero, at_least_one
from physadv.objectives import Objective
from physadv.victims import Victim

TINY = 1e-12


@dataclass(frozen=True)
class Disguise:
    """Settings of disguise; call it with a victim, images and an objective.

    Every image that the victim is asked about is of 8 bits and within the bounds. A step follows
    the slope of the loss, along a bound that is near; what leads over a bound is shrunk.
    """

    about: ClassVar[About] = About(
        "disguise", "gradients", "SSIM, CIEDE2000", "Rosen 1960; Wang et al. 2004"
    )

    ssim: float | None = setting(0.95, "least structural similarity to the image; None for any")
    de2000: float | None = setting(None, "most mean colour difference, CIEDE2000; None for any")
    steps: int = setting(100, "steps of the search")
    rate: float = setting(0.02, "root mean square change of the first step", scales=True)

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        bounded = self.ssim is not None or self.de2000 is not None
        check(bounded, "ssim", expected="a bound, or one of de2000", got="none of both")
        good = self.ssim is None or 0 < self.ssim < 1
        check(good, "ssim", expected="a similarity between 0 and 1", got=self.ssim)
        good = self.de2000 is None or (isfinite(self.de2000) and self.de2000 > 0)
        check(good, "de2000", expected="a number above 0", got=self.de2000)
        at_least_one(self, "steps")
        above_zero(self, "rate")

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
        """Return images (B,3,H,W) within the bounds, 8 bits, of the least loss met for each.

        What a mask keeps stays as it is. Raises `UserError` where the victim has no gradient or
        images and rows do not fit.
        """
        check_door(victim, images, rows)
        rows, rng = rows.spread(images), generator(spawn(seed, "disguise"))
        budget = Budget(images, self.ssim, self.de2000, rows.mask)
        start = images if rows.start is None else rows.start.to(images)
        noise = self.rate * torch.randn(images.shape, generator=rng).to(images)
        best, point = Best(images), budget.within((start + noise).clamp(0, 1))
        for step in range(self.steps):
            slope = descend(victim, objective, rows, point, best)
            watch(Step(step / self.steps, point, slope))
            way = budget.along(point, -slope)
            size = way.flatten(1).square().mean(dim=1).sqrt().clamp_min(TINY)
            rate = self.rate * 0.5 * (1 + cos(pi * step / self.steps))
            moved = point + rate * way / size.reshape(-1, 1, 1, 1)
            point = budget.within(moved.clamp(0, 1))
        with torch.no_grad():
            ask(victim, objective, rows, point, best)
        return Encoded(best.images)
