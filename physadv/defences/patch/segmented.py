"""Segment and complete: a network marks the patch, squares complete what it marks, and it goes.

Liu, Levine, Lau, Chellappa & Feizi, "Segment and Complete: Defending Object Detectors against
Adversarial Patch Attacks with Robust Patch Detection", CVPR 2022 (SAC). Every square near enough
to the mask in the Hamming distance is taken for the patch: where the patch is such a square and
the mask is at most gamma s^2 pixels from it, all of it goes. Where no square is that near, gamma
grows. Here a classifier stands behind it, and what was marked goes, too.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, pad

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.core.check import above_zero, at_least_one
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended, straight_through
from physadv.defences.networks import ask, check_images_kept, digests
from physadv.victims import Victim

DECAY = 0.7
"""What 1 - gamma is multiplied by from round to round; the authors' code has 0.9, 0.63, …."""

SMALL = 1e-9
"""What gamma is above itself, so that rounding takes no square away."""


@dataclass(frozen=True, eq=False)
class PatchSegmentation:
    """What `segmenter` marks is completed by squares and painted over.

    A `physadv.generative.UNet`, or any network from images (B,3,h,w) in [0,1] to logits (B,1,h,w),
    above 0 where a patch is; see `physadv.training.train_patch_segmenter`. Without sides nothing
    is completed. The slope is exact but for the steps: the mask has that of its probabilities,
    flatter and wider with more `softness`, which changes no answer.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("patch-segmentation", "input", "Liu et al. 2022")

    segmenter: nn.Module
    sides_ratio: tuple[float, ...] = setting(
        (0.3, 0.25, 0.2, 0.15, 0.1), "sides of squares, of the image's shorter side"
    )
    tolerance: float = setting(0.1, "gamma: how far squares may be, as a share of their pixels")
    rounds: int = setting(15, "how often gamma is tried, grown; 1: the tolerance alone")
    fill: float = setting(0.0, "value of what is painted over")
    softness: float = setting(1.0, "what logits are divided by in the slope")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        good = all(0 < one <= 1 for one in self.sides_ratio)
        check(good, "sides_ratio", expected="shares above 0, at most 1", got=self.sides_ratio)
        good = 0 <= self.tolerance < 1
        check(good, "tolerance", expected="0 or more, below 1", got=self.tolerance)
        at_least_one(self, "rounds")
        above_zero(self, "softness")

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it; raises `UserError` for a network of another size."""
        made = Defended(victim, "patch segmentation", change=self._change)
        check_images_kept(self.segmenter, victim, "segmenter", channels=1)
        settings = f"{self.sides_ratio} {self.tolerance} {self.rounds} {self.fill}"
        made.weights = f"{digests(self.segmenter)} {settings}"
        return made

    def marked(self, images: Encoded) -> Tensor:
        """Return what is painted over of images (B,3,h,w), (B,1,h,w), 0 or 1, with its slope."""
        logits = ask(self.segmenter, images)
        found = logits.detach() > 0
        sides = [max(1, round(one * min(found.shape[2:]))) for one in self.sides_ratio]
        whole = found | completed(found, sides, self.tolerance, self.rounds)
        return straight_through(whole.to(logits), (logits / self.softness).sigmoid())

    def _change(self, images: Encoded, _: torch.Generator) -> Encoded:
        mask = self.marked(images)
        return Encoded(images * (1 - mask) + self.fill * mask)


@torch.no_grad()
def completed(mask: Tensor, sides: list[int], tolerance: float, rounds: int = 1) -> Tensor:
    """Return the union (B,1,h,w) of all squares of these sides that are near masks (B,1,h,w).

    Near is a Hamming distance of at most gamma s^2, where gamma is the first of `rounds` numbers,
    from `tolerance` on, at which a square is. Empty where none is.
    """
    apart = [_distances(mask.double(), side) for side in sides]
    least = torch.full((len(mask),), torch.inf, dtype=torch.float64, device=mask.device)
    for one in apart:
        least = torch.minimum(least, one.flatten(1).amin(dim=1))
    steps = torch.arange(rounds, dtype=torch.float64, device=mask.device)
    gammas = 1 - (1 - tolerance) * DECAY**steps + SMALL
    tried = torch.where(gammas >= least[:, None], gammas, torch.inf).amin(dim=1)
    gamma = torch.where(tried.isfinite(), tried, -1.0)[:, None, None, None]
    whole = torch.zeros_like(mask, dtype=torch.bool)
    for side, one in zip(sides, apart, strict=True):
        near = pad((one <= gamma).to(torch.float32), (side - 1,) * 4)
        whole |= max_pool2d(near, side, stride=1) > 0
    return whole


def _distances(mask: Tensor, side: int) -> Tensor:
    """Return how far (B,1,h-s+1,w-s+1) each square is from a mask, as a share of its pixels."""
    inside = (avg_pool2d(mask, side, stride=1) * side**2).round()
    outside = mask.sum(dim=(1, 2, 3), keepdim=True) - inside
    return (side**2 - inside + outside) / side**2
