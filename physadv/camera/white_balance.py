"""White balance: a camera set for daylight sees light of another colour temperature."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Linear, Span, Window

NEUTRAL_K = 6500.0

# Planckian locus in CIE 1931 xy, cubic splines of Kim et al. 2002 (US patent 7024034),
# valid 1667..25000 K: coefficients of 1e9/T^3, 1e6/T^2, 1e3/T, 1 below and above 4000 K.
X_LOW = (-0.2661239, -0.2343589, 0.8776956, 0.179910)
X_HIGH = (-3.0258469, 2.1070379, 0.2226347, 0.240390)
Y_LOW = (-0.9549476, -1.37418593, 2.09137015, -0.16748867)
Y_HIGH = (3.0817580, -5.87338670, 3.75112997, -0.37001483)
XYZ_TO_RGB = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
"""CIE XYZ to linear sRGB, D65 (IEC 61966-2-1)."""


@dataclass(frozen=True)
class WhiteBalance:
    """The cast of light of `temperature_k` (2000..25000 K) when white is set for 6500 K.

    `tint_ratio` is what the light has too much of green (positive) or of magenta (negative), as
    lamps off the black bodies' line have. Luminance is not kept. Grey in the light that white is
    set for stays grey.
    """

    temperature_k: Span = Span(3500.0, 8000.0, neutral=NEUTRAL_K)
    tint_ratio: Span = Span.at(0.0, neutral=0.0)

    def gain(self, given: Conditions) -> Tensor:
        """Return the factor a channel, (B,3), green being 1 + tint_ratio."""
        neutral = planck_rgb(torch.tensor([NEUTRAL_K]))
        cast = planck_rgb(given["temperature_k"]) / neutral
        cast = cast / cast[:, 1:2]
        if "tint_ratio" not in given:
            return cast
        one = torch.ones_like(given["tint_ratio"])
        return cast * torch.stack([one, one + given["tint_ratio"], one], dim=1)

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Tint light (B,3,H,W)."""
        return Linear(light * self.gain(given)[:, :, None, None])


def planck_xy(temperature_k: Tensor) -> tuple[Tensor, Tensor]:
    """Return the CIE 1931 chromaticity (x, y) of a black body, each (B,)."""
    inverse = 1000 / temperature_k
    x = torch.where(temperature_k < 4000, _cubic(X_LOW, inverse), _cubic(X_HIGH, inverse))
    y = torch.where(temperature_k < 4000, _cubic(Y_LOW, x), _cubic(Y_HIGH, x))
    return x, y


def planck_rgb(temperature_k: Tensor) -> Tensor:
    """Return the linear sRGB colour (B,3) of a black body of luminance 1."""
    x, y = planck_xy(temperature_k)
    xyz = torch.stack([x / y, torch.ones_like(y), (1 - x - y) / y], dim=1)
    return (xyz @ torch.tensor(XYZ_TO_RGB).T).clamp_min(1e-3)


def _cubic(coefficients: tuple[float, float, float, float], value: Tensor) -> Tensor:
    a, b, c, d = coefficients
    return ((a * value + b) * value + c) * value + d
