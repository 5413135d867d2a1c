"""Mosaic: each pixel of the sensor sees one colour, and the camera guesses the other two."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Choice, Conditions, Linear, Window
from physadv.core.check import one_of

NONE = -1.0

BILINEAR = (
    ((0, 0, 0, 0, 0), (0, 0, 4, 0, 0), (0, 4, 0, 4, 0), (0, 0, 4, 0, 0), (0, 0, 0, 0, 0)),
    ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), (0, 8, 0, 8, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0)),
    ((0, 0, 0, 0, 0), (0, 0, 8, 0, 0), (0, 0, 0, 0, 0), (0, 0, 8, 0, 0), (0, 0, 0, 0, 0)),
    ((0, 0, 0, 0, 0), (0, 4, 0, 4, 0), (0, 0, 0, 0, 0), (0, 4, 0, 4, 0), (0, 0, 0, 0, 0)),
)
MALVAR = (
    ((0, 0, -2, 0, 0), (0, 0, 4, 0, 0), (-2, 4, 8, 4, -2), (0, 0, 4, 0, 0), (0, 0, -2, 0, 0)),
    ((0, 0, 1, 0, 0), (0, -2, 0, -2, 0), (-2, 8, 10, 8, -2), (0, -2, 0, -2, 0), (0, 0, 1, 0, 0)),
    ((0, 0, -2, 0, 0), (0, -2, 8, -2, 0), (1, 0, 10, 0, 1), (0, -2, 8, -2, 0), (0, 0, -2, 0, 0)),
    ((0, 0, -3, 0, 0), (0, 4, 0, 4, 0), (-3, 0, 12, 0, -3), (0, 4, 0, 4, 0), (0, 0, -3, 0, 0)),
)
FILTERS = {"bilinear": BILINEAR, "malvar": MALVAR}
"""Sixteenths of the raw pixels around: green where there is none, then red or blue from pixels of
that colour to the left and right, above and below, and at the corners."""


@dataclass(frozen=True)
class Mosaic:
    """A Bayer mosaic (US patent 3971065) and its interpolation, bilinear or better.

    `which` pixel of the sensor's top left four is red: 0 top left, 1 top right, 2 bottom left,
    3 bottom right; -1 is a sensor without mosaic. "malvar" is the linear interpolation of Malvar,
    He & Cutler (ICASSP 2004). Noise that is independent from channel to channel may be added
    before: a pixel keeps the noise of the one colour that it sees. Binning joins the four
    colours, so that rows of a pitch above 1 have no mosaic.
    """

    which: Choice = Choice((NONE,), neutral=NONE)
    method: Literal["bilinear", "malvar"] = "malvar"

    def expose(self, light: Linear, given: Conditions, window: Window) -> Tensor:
        """Return what the pixels see of light (B,3,H,W), (B,1,H,W)."""
        return (light * _sites(given["which"], window)[0]).sum(dim=1, keepdim=True)

    def develop(self, raw: Tensor, given: Conditions, window: Window) -> Linear:
        """Guess the colours (B,3,H,W) of what the pixels saw, (B,1,H,W); edges are mirrored."""
        one_of("method", self.method, FILTERS)
        weight = raw.new_tensor(FILTERS[self.method])[:, None] / 16
        # A mirror on the outermost pixel keeps the colours in step.
        guess = F.conv2d(F.pad(raw, (2, 2, 2, 2), mode="reflect"), weight)
        green, across, above, corner = guess.split(1, dim=1)
        sites, red_row = _sites(given["which"], window)
        red, _, blue = own = sites.bool().split(1, dim=1)
        ends = [
            torch.where(there, corner, torch.where(row, across, above))
            for there, row in ((blue, red_row), (red, ~red_row))
        ]
        colours = (ends[0], green, ends[1])
        seen = [torch.where(at, raw, other) for at, other in zip(own, colours, strict=True)]
        return Linear(torch.cat(seen, dim=1))

    def __call__(self, light: Linear, given: Conditions, window: Window) -> Linear:
        """See light (B,3,H,W) through the mosaic, where there is one."""
        mosaic = (given["which"] != NONE) & (window.pitch == 1)
        if not mosaic.any():
            return light
        seen = self.develop(self.expose(light, given, window), given, window)
        return Linear(torch.where(mosaic[:, None, None, None], seen, light))


def _sites(which: Tensor, window: Window) -> tuple[Tensor, Tensor]:
    """Return where red, green and blue pixels are, 0 or 1 (B,3,H,W); which rows hold red ones."""
    from_red = window.origin_px.floor() - torch.stack([which % 2, which // 2], dim=1)
    height, width = window.size
    odd_x = ((from_red[:, :1] + torch.arange(width)) % 2 != 0)[:, None, None]
    odd_y = ((from_red[:, 1:] + torch.arange(height)) % 2 != 0)[:, None, :, None]
    sites = torch.cat([~odd_x & ~odd_y, odd_x ^ odd_y, odd_x & odd_y], dim=1)
    return sites.float(), ~odd_y
