"""Defocus: the disc of confusion."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.camera.blur import between, convolve, normalised, offsets
from physadv.core import Conditions, Linear, Span, Window, check

LEAST_PX = 0.75
"""Below this even the wider of the two kernels that are mixed is that of a disc this large."""


@dataclass(frozen=True)
class Defocus:
    """A point spreads to an even disc of radius `blur_px` (geometrical optics; Hecht, Optics).

    `disc_px` tells the radius from the f-number, the distance and what the lens is set to.
    """

    blur_px: Span = Span(0.0, 1.5, neutral=0.0)

    def kernel(self, given: Conditions) -> Tensor:
        """Return the disc kernels (B,k,k), of the disc's variance r^2 / 4 in each direction.

        The edge, soft over a pixel, lies within the disc or half a pixel further out.
        """
        x, y = offsets(math.ceil(self.blur_px.high))
        inside = given["blur_px"][:, None, None].clamp_min(LEAST_PX) - torch.hypot(x, y)
        narrow, wide = (normalised((inside + more).clamp(0, 1)) for more in (0.0, 0.5))
        return between(narrow, wide, given["blur_px"] ** 2 / 2)

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Blur light (B,3,H,W)."""
        return convolve(light, self.kernel(given))


def disc_px(
    f_ratio: float, *, focus_m: float, distance_m: Tensor, focal_mm: float, pixel_mm: float
) -> Tensor:
    """Return the `blur_px` of things at distances (B,) before a lens of f-number `f_ratio`.

    The radius of the circle of confusion of a thin lens of `focal_mm` set to `focus_m` (Hecht,
    Optics, 5.2): (f / 2N) f / (s - f) |d - s| / d. Raises `UserError` for what no lens can be.
    """
    lengths = min(f_ratio, focal_mm, pixel_mm) > 0 and 1000 * focus_m > focal_mm
    rule = "f_ratio, focal_mm, pixel_mm above 0, and focus_m beyond the focal length"
    check(lengths, "disc_px", expected=rule, got=(f_ratio, focal_mm, pixel_mm, focus_m))
    focus_mm = 1000 * focus_m
    wide_mm = focal_mm / (2 * f_ratio) * focal_mm / (focus_mm - focal_mm)
    return wide_mm / pixel_mm * (1 - focus_m / distance_m).abs()
