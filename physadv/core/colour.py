"""Colour differences that can be differentiated: CIELAB of sRGB, and CIEDE2000."""

from math import pi

import torch
from torch import Tensor

from physadv.core.image import Encoded, decode

TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
"""Linear sRGB to XYZ (ITU-R BT.709, D65), as scikit-image has it."""
WHITE = (0.95047, 1.0, 1.08883)
EDGE, SLOPE = (6 / 29) ** 3, 841 / 108
"""Below the edge the cube root of CIELAB is a line (CIE 15:2004)."""
TINY = 1e-12
"""Is added under roots, whose slope at 0 has no end; a difference of 0 comes out as 1e-6."""


def lab(images: Encoded) -> Tensor:
    """Return CIELAB (B,3,...) of images (B,3,...), sRGB in [0,1], for the white of D65."""
    light = decode(images)
    xyz = torch.einsum("ij,bj...->bi...", light.new_tensor(TO_XYZ), light)
    ratio = xyz / light.new_tensor(WHITE).reshape(1, 3, *[1] * (xyz.ndim - 2))
    root = ratio.clamp_min(EDGE) ** (1 / 3)
    f = torch.where(ratio > EDGE, root, SLOPE * ratio + 4 / 29)
    x, y, z = f.unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def ciede2000(one: Tensor, other: Tensor) -> Tensor:
    """Return the difference (B,...) of CIELAB colours (B,3,...), with finite slopes everywhere.

    Sharma, Wu & Dalal, "The CIEDE2000 Color-Difference Formula", Color Research & Application 30,
    2005, with kL = kC = kH = 1.
    """
    (l1, a1, b1), (l2, a2, b2) = one.unbind(dim=1), other.unbind(dim=1)
    chroma = (_length(a1, b1) + _length(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - _seventh(chroma))
    a1, a2 = stretch * a1, stretch * a2
    c1, c2 = _length(a1, b1), _length(a2, b2)
    h1, h2 = torch.atan2(b1, _off_zero(a1, b1)), torch.atan2(b2, _off_zero(a2, b2))
    h1, h2 = h1 % (2 * pi), h2 % (2 * pi)
    grey = (a1 == 0) & (b1 == 0) | (a2 == 0) & (b2 == 0)
    turn = h2 - h1
    turn = torch.where(turn > pi, turn - 2 * pi, torch.where(turn < -pi, turn + 2 * pi, turn))
    turn = torch.where(grey, torch.zeros_like(turn), turn)
    hue = (h1 + h2) / 2
    over = (h1 - h2).abs() > pi
    hue = torch.where(over, hue + torch.where(h1 + h2 < 2 * pi, pi, -pi), hue)
    hue = torch.where(grey, h1 + h2, hue)
    light, c = (l1 + l2) / 2, (c1 + c2) / 2
    weight = (
        1
        - 0.17 * torch.cos(hue - pi / 6)
        + 0.24 * torch.cos(2 * hue)
        + 0.32 * torch.cos(3 * hue + pi / 30)
        - 0.20 * torch.cos(4 * hue - 63 * pi / 180)
    )
    off = (light - 50).square()
    d_light = (l2 - l1) / (1 + 0.015 * off / (20 + off).sqrt())
    d_chroma = (c2 - c1) / (1 + 0.045 * c)
    d_hue = 2 * (c1 * c2 + TINY).sqrt() * torch.sin(turn / 2) / (1 + 0.015 * c * weight)
    swing = 30 * torch.exp(-((torch.rad2deg(hue) - 275) / 25).square())
    rotate = -2 * _seventh(c) * torch.sin(torch.deg2rad(2 * swing))
    squares = d_light**2 + d_chroma**2 + d_hue**2 + rotate * d_chroma * d_hue
    return (squares.clamp_min(0) + TINY).sqrt()


def _length(a: Tensor, b: Tensor) -> Tensor:
    return (a * a + b * b + TINY).sqrt()


def _seventh(chroma: Tensor) -> Tensor:
    """Return sqrt(c⁷ / (c⁷ + 25⁷)), by a form whose slope at 0 is 0."""
    ratio = (chroma / 25) ** 7
    return (ratio / (ratio + 1) + TINY * 1e-6).sqrt()


def _off_zero(a: Tensor, b: Tensor) -> Tensor:
    """Return a, or of greys a little, where the slope of the angle has no end."""
    return torch.where((a == 0) & (b == 0), torch.full_like(a, 1e-6), a)
