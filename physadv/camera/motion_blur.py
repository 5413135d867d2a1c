"""Motion blur: the picture moves in a straight line while the shutter is open."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.camera.blur import between, convolve, normalised, offsets
from physadv.core import Conditions, Linear, Span, Window

STEPS = 33
"""Points of the segment; each is given to its nearest pixel or shared among four."""
SHORTER_PX = 0.9
"""Given to nearest pixels a segment may get longer: one shorter by this is narrow enough."""


@dataclass(frozen=True)
class MotionBlur:
    """A point spreads evenly over a segment of `blur_px` in the direction `direction_deg`."""

    blur_px: Span = Span(0.0, 3.0, neutral=0.0)
    direction_deg: Span = Span(0.0, 180.0, neutral=0.0)

    def kernel(self, given: Conditions) -> Tensor:
        """Return the segment's kernels (B,k,k), of its variance L^2 / 12."""
        line = offsets(math.ceil(self.blur_px.high / 2))[0][0]
        along = (torch.arange(STEPS) - STEPS // 2) / STEPS
        angle = torch.deg2rad(given["direction_deg"])
        way = torch.stack([torch.cos(angle), torch.sin(angle)])
        lengths = given["blur_px"], (given["blur_px"] - SHORTER_PX).clamp_min(0)
        long, short = ((way * px)[..., None, None] * along[:, None] - line for px in lengths)
        shared = (1 - long.abs()).clamp_min(0)
        # Halfway between two pixels, each gets a half.
        whole = (1 + torch.sign(0.5 - short.abs())) / 2
        narrow, wide = (normalised(y.mT @ x) for x, y in (whole, shared))
        return between(narrow, wide, given["blur_px"] ** 2 / 12)

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Blur light (B,3,H,W)."""
        return convolve(light, self.kernel(given))
