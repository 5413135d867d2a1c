"""Colour matrix: what is left of a camera's colour error after its calibration."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Linear, Span, Window

LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Shares of linear sRGB in luminance (IEC 61966-2-1)."""


@dataclass(frozen=True)
class ColourMatrix:
    """Colours turn by `hue_deg` about grey and grow by `saturation_ratio`.

    Both act on what a colour has beyond its luminance (as in Haeberli, Matrix Operations for
    Image Processing, 1993): grey stays grey, luminance stays, hues add, saturations multiply.
    """

    saturation_ratio: Span = Span(0.8, 1.2, neutral=1.0)
    hue_deg: Span = Span(-6.0, 6.0, neutral=0.0)

    def matrix(self, given: Conditions) -> Tensor:
        """Return the matrices (B,3,3); each row sums to 1."""
        angle, growth = torch.deg2rad(given["hue_deg"]), given["saturation_ratio"]
        grow = (growth * torch.cos(angle) - 1)[:, None, None]
        turn = (growth * torch.sin(angle))[:, None, None]
        colour, quarter = _planes()
        return torch.eye(3) + grow * colour + turn * quarter

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Change the colours of light (B,3,H,W)."""
        return Linear((self.matrix(given) @ light.flatten(2)).view_as(light))


def _planes() -> tuple[Tensor, Tensor]:
    """Return what takes luminance away, and what then turns by 90 degrees, each (3,3)."""
    colour = torch.eye(3) - torch.tensor(LUMINANCE)
    turn = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / 3**0.5
    return colour, colour @ turn
