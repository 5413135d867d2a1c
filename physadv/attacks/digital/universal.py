"""One perturbation for all images, by stochastic descent over batches.

Shafahi, Najibi, Xu, Dickerson, Davis & Goldstein, "Universal Adversarial Training", AAAI 2020
(arXiv 1811.11304), algorithm 2 and eq. 3: steps along the slope of a clipped loss on a batch at a
time, projected onto the ball.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import UNKNOWN, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.ball import check_ball, check_rate, project, steepest
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, generator, spawn
from physadv.objectives import Objective
from physadv.victims import Victim


@dataclass(frozen=True)
class Universal:
    """Settings of a universal perturbation; call it with a victim, images and an objective.

    The clipped loss asks nothing more of images that are lost already (the paper's beta), which
    would else pull the perturbation their way alone.
    """

    about: ClassVar[About] = About("universal", "gradients", "inf, 2", "Shafahi et al. 2020")
    together: ClassVar[bool] = True

    norm: float = setting(inf, "norm of the perturbation: inf or 2")
    eps: float = setting(8 / 255, "largest norm of the perturbation", scales=True)
    rate: float | None = setting(None, "norm of each step; None for eps / 10", scales=True)
    steps: int = setting(100, "batches that are stepped on, drawn anew as often as needed")
    batch: int = setting(32, "images in a batch")
    limit: float = setting(9.0, "losses below minus this are cut (the paper's beta)")

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        check_ball(self.norm, self.eps, (inf, 2.0))
        check_rate(self.rate)
        check(self.steps >= 1, "steps", expected="at least 1", got=self.steps)
        check(self.batch >= 1, "batch", expected="at least 1", got=self.batch)
        check(self.limit > 0, "limit", expected="a number above 0", got=self.limit)

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
        """Return images (B,C,H,W) in [0,1] that share one perturbation within `eps`.

        Raises `UserError` where the victim has no gradient or images and rows do not fit.
        """
        noise = self.search(victim, images, objective, rows=rows, seed=seed, watch=watch)
        return self.laid(images, noise, rows)

    def search(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Tensor:
        """Return the perturbation (1,C,H,W) after the last step, for these images or others.

        It begins at the mean of the rows' `start` minus the images, else at 0.
        """
        check_door(victim, images, rows)
        rows, rng = rows.spread(images), generator(spawn(seed, "universal"))
        noise = torch.zeros_like(images[:1])
        if rows.start is not None:
            noise = (rows.start.to(images) - images).mean(dim=0, keepdim=True)
        low, high = -torch.ones_like(noise), torch.ones_like(noise)
        noise, rate = project(noise, low, high, self.eps, self.norm), self.rate or self.eps / 10
        for step, chosen in zip(range(self.steps), self._batches(len(images), rng), strict=False):
            here, told = chosen.to(images.device), rows.take(chosen.to(images.device))
            point = noise.clone().requires_grad_()
            seen = self.laid(Encoded(images[here]), point, told)
            photo = told.photo(seen)
            loss = objective.loss(victim(photo.pixels), photo).clamp_min(-self.limit).mean()
            (slope,) = torch.autograd.grad(loss, point)
            slope = slope.nan_to_num(0.0, 0.0, 0.0)
            watch(Step(step / self.steps, seen.detach(), slope))
            noise = noise - rate * steepest(slope, self.norm)
            noise = project(noise, low, high, self.eps, self.norm)
        return noise

    def laid(self, images: Encoded, noise: Tensor, rows: Rows = UNKNOWN) -> Encoded:
        """Return clip(images + noise, 0, 1), without noise where the rows' mask is 0."""
        mask = rows.spread(images).mask
        return Encoded((images + (noise if mask is None else noise * (mask != 0))).clamp(0, 1))

    def _batches(self, count: int, rng: torch.Generator) -> Iterator[Tensor]:
        """Yield batches of rows, each in order, drawn anew each time all were seen."""
        while True:
            for chosen in torch.randperm(count, generator=rng).split(self.batch):
                yield chosen.sort().values
