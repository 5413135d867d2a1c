"""The colour of one wavelength: CIE 1931 standard observer to linear sRGB."""

import torch
from torch import Tensor

LOBES = (
    ((1.056, 599.8, 37.9, 31.0), (0.362, 442.0, 16.0, 26.7), (-0.065, 501.1, 20.4, 26.2)),
    ((0.821, 568.8, 46.9, 40.5), (0.286, 530.9, 16.3, 31.1)),
    ((1.217, 437.0, 11.8, 36.0), (0.681, 459.0, 26.0, 13.8)),
)
"""Height, middle and the two half widths in nm of Gaussians that add up to x, y and z."""
RGB = (
    (3.2406, -1.5372, -0.4986),
    (-0.9689, 1.8758, 0.0415),
    (0.0557, -0.2040, 1.0570),
)
"""XYZ to linear sRGB (IEC 61966-2-1)."""
LUMENS_PER_WATT = 683.0
"""Luminous efficacy where the eye sees best (SI)."""


def matching(wavelength_nm: Tensor) -> Tensor:
    """Return the colour matching functions x, y, z (...,3) at wavelengths (...).

    The multi-lobe fit to CIE 1931, 2 degrees, of Wyman, Sloan & Shirley, "Simple analytic
    approximations to the CIE XYZ color matching functions", JCGT 2(2), 2013: smooth, and within
    about 2 % of the largest value.
    """
    rows = [sum(_lobe(wavelength_nm, *lobe) for lobe in lobes) for lobes in LOBES]
    return torch.stack([torch.as_tensor(row) for row in rows], dim=-1)


def _lobe(wavelength: Tensor, height: float, middle: float, low: float, high: float) -> Tensor:
    away = wavelength - middle
    return height * torch.exp(-0.5 * (away / torch.where(away < 0, low, high)) ** 2)


def lumens(wavelength_nm: Tensor) -> Tensor:
    """Return what a watt of each wavelength (...) is in linear RGB (...,3), in lumens.

    White light of L lumens is (L, L, L). No screen shows a single wavelength: what is negative,
    outside sRGB, is cut to 0.
    """
    xyz = LUMENS_PER_WATT * matching(wavelength_nm)
    return (xyz @ xyz.new_tensor(RGB).T).clamp_min(0)
