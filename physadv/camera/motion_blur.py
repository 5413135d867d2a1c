"""Motion blur: the picture moves in a straight line while the shutter is open."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.camera.blur import convolve, normalised, offsets
from physadv.core import Conditions, Linear, Span, Window

STEPS = 9


@dataclass(frozen=True)
class MotionBlur:
    """A point spreads evenly over a segment of `blur_px` in the direction `direction_deg`."""

    blur_px: Span = Span(0.0, 3.0, neutral=0.0)
    direction_deg: Span = Span(0.0, 180.0, neutral=0.0)

    def kernel(self, given: Conditions) -> Tensor:
        """Return the segment's kernels (B,k,k), each of its points shared among four pixels."""
        x, y = offsets(math.ceil(self.blur_px.high / 2))
        along = ((torch.arange(STEPS) + 0.5) / STEPS - 0.5)[:, None, None]
        angle = torch.deg2rad(given["direction_deg"])
        dx, dy = given["blur_px"] * torch.cos(angle), given["blur_px"] * torch.sin(angle)
        tent_x = (1 - (x - along * dx[:, None, None, None]).abs()).clamp_min(0)
        tent_y = (1 - (y - along * dy[:, None, None, None]).abs()).clamp_min(0)
        return normalised((tent_x * tent_y).sum(dim=1))

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Blur light (B,3,H,W)."""
        return convolve(light, self.kernel(given))
