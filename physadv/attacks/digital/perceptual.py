"""Large changes that are hard to see: colour distance and loss in turn (PerC-AL).

Zhao, Liu & Larson, "Towards Large yet Imperceptible Adversarial Image Perturbations with Perceptual
Color Distance", CVPR 2020, algorithm 1 and the code published with it: images that do not succeed
step down the loss, those that do step down the CIEDE2000 distance to what they were.
"""

from dataclasses import dataclass
from math import cos, pi, sqrt
from typing import ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import UNKNOWN, Best, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.ball import steepest
from physadv.attacks.digital.descend import box, descend, succeeds
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, ciede2000, lab, quantise
from physadv.objectives import Objective
from physadv.victims import Victim

PAPERS_VALUES = 3 * 299 * 299
"""The paper's steps are for images of so many values."""
LAST, LAST_COLOUR = 0.01, 0.1
"""Steps fall with a cosine to these shares of the first ones (the paper's, section 5.1)."""


@dataclass(frozen=True)
class Perceptual:
    """Settings of PerC-AL; call it with a victim, images and an objective.

    There is no radius: the distance is the norm over the pixels of their CIEDE2000 differences.
    """

    about: ClassVar[About] = About("perceptual", "gradients", "CIEDE2000", "Zhao et al. 2020")

    steps: int = setting(100, "steps of the search")
    rate: float | None = setting(
        None, "norm 2 of the first step down the loss; None for 1 at 299 x 299 px", scales=True
    )
    colour_ratio: float = setting(0.5, "first step down the distance, in parts of that; 0.1 to 0.5")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        check(self.steps >= 1, "steps", expected="at least 1", got=self.steps)
        good = self.rate is None or self.rate > 0
        check(good, "rate", expected="a number above 0", got=self.rate)
        good, expected = self.colour_ratio > 0, "a number above 0"
        check(good, "colour_ratio", expected=expected, got=self.colour_ratio)

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,  # noqa: ARG002  # there is no chance
        watch: Watch = ignore,
    ) -> Encoded:
        """Return images (B,C,H,W), changed values rounded to 8 bits: the least distant to succeed.

        What never succeeds stays as it is. Grey images are taken for grey colours. Raises
        `UserError` where the victim has no gradient or images and rows do not fit.
        """
        check_door(victim, images, rows)
        rows = rows.spread(images)
        low, high = box(images, rows)
        begun = images if rows.start is None else rows.start.to(images)
        change = torch.clamp(begun - images, low, high)
        found, rounded = images.clone(), _rounded(images, change)
        good = succeeds(victim, objective, rows, rounded)
        least = torch.where(good, perceptual_distance(images, rounded), torch.inf)
        found[good] = rounded[good]
        for step in range(self.steps):
            towards, back = self.sizes(step, images)
            point = (images + change).clamp(0, 1)
            slope = descend(victim, objective, rows, point, Best(point))
            slope[good] = _apart(images, point)[good]
            watch(Step(step / self.steps, point, slope))
            rate = torch.where(good, back, towards).reshape(-1, *[1] * (images.ndim - 1))
            change = torch.clamp(change - rate * steepest(slope, 2.0), low, high)
            rounded = _rounded(images, change)
            good = succeeds(victim, objective, rows, rounded)
            far = perceptual_distance(images, rounded)
            nearer = good & (far < least)
            found[nearer], least = rounded[nearer], torch.where(nearer, far, least)
        return Encoded(found)

    def sizes(self, step: int, images: Tensor) -> tuple[float, float]:
        """Return the norms of a step down the loss and of one down the distance."""
        first = sqrt(images[0].numel() / PAPERS_VALUES) if self.rate is None else self.rate
        share = 0.5 * (1 + cos(pi * step / self.steps))
        towards = first * (LAST + (1 - LAST) * share)
        return towards, first * self.colour_ratio * (LAST_COLOUR + (1 - LAST_COLOUR) * share)


def perceptual_distance(one: Tensor, other: Tensor) -> Tensor:
    """Return the norms (B,) over the pixels of the CIEDE2000 differences of images (B,C,H,W)."""
    before, after = (lab(Encoded(each.expand(-1, 3, *each.shape[2:]))) for each in (one, other))
    norms: Tensor = torch.linalg.vector_norm(ciede2000(before, after).flatten(1), dim=1)
    return norms


def _apart(images: Tensor, point: Tensor) -> Tensor:
    """Return the slope of the distance at a point."""
    point = point.detach().requires_grad_()
    (slope,) = torch.autograd.grad(perceptual_distance(images, point).sum(), point)
    return slope.nan_to_num(0.0, 0.0, 0.0)


def _rounded(images: Tensor, change: Tensor) -> Tensor:
    """Return changed images, of 8 bits where they are changed."""
    made = quantise(Encoded((images + change).clamp(0, 1)))
    return torch.where(change == 0, images, made)
