"""Local gradients smoothing: where an image is busy, it is darkened.

Naseer, Khan & Porikli, "Local Gradients Smoothing: Defense against Localized Adversarial Attacks",
WACV 2019. It certifies nothing, and attacks that go through it are to be expected to get through
(the paper's own adaptive one lets slopes pass as if it were not there; here they are exact).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.core.check import above_zero, at_least_one
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended
from physadv.victims import Victim

SMALL = 1e-12
"""Keeps the slope of a root finite where an image is flat."""


@dataclass(frozen=True)
class LocalGradientsSmoothing:
    """Multiplies pixels by 1 - strength * gradient, in blocks that have much of it.

    The gradient is the length of the forward differences of the mean of the channels, brought to
    [0,1] over the image; blocks overlap, and the last ones end at the edge. The paper leaves the
    differences, the channels and the edge open.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout(
        "local-gradients-smoothing", "input", "Naseer et al. 2019"
    )

    strength: float = setting(2.3, "what the gradient is multiplied by before it is cut at 1")
    threshold: float = setting(0.1, "mean gradient of a block above which it is smoothed")
    block_px: int = setting(15, "side of the blocks")
    overlap_px: int = setting(5, "pixels that neighbouring blocks share")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        above_zero(self, "strength")
        at_least_one(self, "block_px")
        good = 0 <= self.overlap_px < self.block_px
        least = f"0 or more, below block_px, {self.block_px}"
        check(good, "overlap_px", expected=least, got=self.overlap_px)

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it."""
        name = "local gradients smoothing"
        return Defended(victim, name, change=lambda images, _: self.smooth(images))

    def smooth(self, images: Tensor) -> Encoded:
        """Return images (B,C,H,W) smoothed."""
        gradient = steepness(images)
        busy = self._busy(gradient.detach())
        return Encoded(images * (1 - (self.strength * gradient * busy).clamp(0, 1)))

    def _busy(self, gradient: Tensor) -> Tensor:
        """Return 1 for pixels (B,1,H,W) inside a block of much gradient, 0 for others."""
        height, width = gradient.shape[2:]
        rows, columns = self._blocks(height), self._blocks(width)
        sides = (min(self.block_px, height), min(self.block_px, width))
        means = avg_pool2d(gradient, sides, stride=1)
        high = (means[:, :, rows][:, :, :, columns] > self.threshold).to(gradient)
        inside = [
            ((torch.arange(side) >= start[:, None]) & (torch.arange(side) < start[:, None] + long))
            for side, start, long in zip((height, width), (rows, columns), sides, strict=True)
        ]
        first, second = (one.to(gradient) for one in inside)
        blocks: Tensor = first.T @ high @ second
        return (blocks > 0).to(gradient)

    def _blocks(self, side: int) -> Tensor:
        """Return where blocks begin."""
        last = max(0, side - self.block_px)
        starts = torch.arange(0, last + 1, self.block_px - self.overlap_px)
        return torch.cat([starts[starts < last], torch.tensor([last])])


def steepness(images: Tensor) -> Tensor:
    """Return the length of the gradient (B,1,H,W), from 0 to 1 over each image."""
    grey = images.mean(dim=1, keepdim=True)
    across = pad(grey[..., 1:] - grey[..., :-1], (0, 1))
    down = pad(grey[..., 1:, :] - grey[..., :-1, :], (0, 0, 0, 1))
    length = (across.square() + down.square() + SMALL).sqrt()
    low, high = length.amin(dim=(2, 3), keepdim=True), length.amax(dim=(2, 3), keepdim=True)
    return (length - low) / (high - low).clamp_min(SMALL)
