"""Colour temperature against published chromaticities, and against Planck's law integrated."""

import math

import pytest
import torch
from torch import Tensor

from physadv.camera import WhiteBalance
from physadv.camera.white_balance import XYZ_TO_RGB, planck_xy

PUBLISHED = {
    2856: (0.4476, 0.4074),  # CIE standard illuminant A
    3500: (0.4053, 0.3907),
    4000: (0.3805, 0.3768),
    5000: (0.3451, 0.3516),
    6500: (0.3135, 0.3237),
    8000: (0.2952, 0.3048),
    10000: (0.2807, 0.2884),
}
"""Planckian chromaticities x, y by kelvin (Wyszecki & Stiles, Color Science, 1982)."""

LINE = torch.arange(380.0, 781.0, dtype=torch.float64)


def lobe(height: float, middle: float, left: float, right: float) -> Tensor:
    width = torch.where(middle > LINE, left, right)
    return height * torch.exp(-0.5 * ((LINE - middle) / width) ** 2)


def matching() -> Tensor:
    """Return the CIE 1931 colour matching functions (3,N), fitted by Wyman et al., JCGT 2013."""
    x = lobe(1.056, 599.8, 37.9, 31.0) + lobe(0.362, 442.0, 16.0, 26.7)
    x = x + lobe(-0.065, 501.1, 20.4, 26.2)
    y = lobe(0.821, 568.8, 46.9, 40.5) + lobe(0.286, 530.9, 16.3, 31.1)
    z = lobe(1.217, 437.0, 11.8, 36.0) + lobe(0.681, 459.0, 26.0, 13.8)
    return torch.stack([x, y, z])


def black_body(temperature_k: float) -> Tensor:
    """Return the XYZ (3,) of a black body by summing Planck's law, with Y = 1."""
    metres = LINE * 1e-9
    radiance = metres**-5 / torch.expm1(1.438777e-2 / (metres * temperature_k))
    xyz = (matching() * radiance).sum(dim=1)
    return xyz / xyz[1]


@pytest.mark.parametrize("temperature_k", PUBLISHED)
def test_the_locus_has_the_published_chromaticities(temperature_k: int) -> None:
    x, y = planck_xy(torch.tensor([float(temperature_k)]))
    wanted = PUBLISHED[temperature_k]
    assert (float(x), float(y)) == pytest.approx(wanted, abs=6e-4)


@pytest.mark.parametrize("temperature_k", [2000.0, 2856.0, 3500.0, 4000.0, 6500.0, 8000.0, 20000.0])
def test_the_locus_is_planck_s_law(temperature_k: float) -> None:
    xyz = black_body(temperature_k)
    x, y = planck_xy(torch.tensor([temperature_k]))
    wanted = (float(xyz[0] / xyz.sum()), float(xyz[1] / xyz.sum()))
    assert (float(x), float(y)) == pytest.approx(wanted, abs=0.004)


@pytest.mark.parametrize("temperature_k", [3000.0, 3500.0, 5000.0, 6500.0, 8000.0, 12000.0])
def test_the_cast_is_the_ratio_of_the_two_lights(temperature_k: float) -> None:
    matrix = torch.tensor(XYZ_TO_RGB, dtype=torch.float64)
    ratio = (matrix @ black_body(temperature_k)) / (matrix @ black_body(6500.0))
    found = WhiteBalance().gain({"temperature_k": torch.tensor([temperature_k])})[0]
    torch.testing.assert_close(found.double(), ratio / ratio[1], rtol=0.03, atol=0)


def test_daylight_is_neutral_and_lamps_are_warm() -> None:
    gain = WhiteBalance().gain({"temperature_k": torch.tensor([3000.0, 6500.0, 9000.0])})
    assert torch.equal(gain[1], torch.ones(3))
    assert float(gain[0, 0]) > 1 > float(gain[0, 2])
    assert float(gain[2, 0]) < 1 < float(gain[2, 2])


def test_the_locus_is_smooth_where_its_pieces_meet() -> None:
    x, y = planck_xy(torch.tensor([3999.9, 4000.1]))
    assert math.hypot(float(x[0] - x[1]), float(y[0] - y[1])) < 2e-4
