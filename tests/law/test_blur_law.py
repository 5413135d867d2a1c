"""Blur kernels: they keep energy, and have the area and the moments of disc and segment."""

import math

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.camera import Defocus, MotionBlur
from physadv.camera.blur import convolve, join, offsets
from physadv.core import Linear, Sensor, Span, Window, generator

EFFECTS = settings(max_examples=40, deadline=None)


def disc(blur_px: float, largest: float = 4.0) -> Tensor:
    return Defocus(Span(0.0, largest, neutral=0.0)).kernel({"blur_px": torch.tensor([blur_px])})


def segment(blur_px: float, direction_deg: float, largest: float = 8.0) -> Tensor:
    given = {
        "blur_px": torch.tensor([blur_px]),
        "direction_deg": torch.tensor([direction_deg]),
    }
    return MotionBlur(Span(0.0, largest, neutral=0.0)).kernel(given)


def moments(kernel: Tensor, direction_deg: float) -> tuple[float, float, float, float]:
    """Return the mean along and across a direction, and the variance along and across it."""
    x, y = offsets(kernel.shape[-1] // 2)
    angle = math.radians(direction_deg)
    along, across = (
        x * math.cos(angle) + y * math.sin(angle),
        y * math.cos(angle) - x * math.sin(angle),
    )
    means = [float((kernel * place).sum()) for place in (along, across)]
    spreads = [float((kernel * place**2).sum()) for place in (along, across)]
    return means[0], means[1], spreads[0] - means[0] ** 2, spreads[1] - means[1] ** 2


@EFFECTS
@over(st.floats(0, 4), st.floats(0, 8), st.floats(0, 180))
def test_kernels_keep_energy(radius: float, length: float, direction: float) -> None:
    for kernel in (disc(radius), segment(length, direction)):
        assert float(kernel.sum()) == pytest.approx(1, abs=1e-5)
        assert float(kernel.min()) >= 0


@EFFECTS
@over(st.floats(0, 8), st.floats(0, 180))
def test_motion_blur_is_a_segment(length: float, direction: float) -> None:
    """Variance L^2 / 12 along it, none across; sharing points among pixels adds up to 1/4."""
    mean_along, mean_across, along, across = moments(segment(length, direction), direction)
    assert abs(mean_along) < 1e-4
    assert abs(mean_across) < 1e-4
    assert 0.98 * length**2 / 12 - 1e-4 <= along <= length**2 / 12 + 0.26
    assert -1e-4 <= across <= 0.26


def test_motion_blur_along_a_row_stays_in_it() -> None:
    kernel = segment(6.0, 0.0)[0]
    middle = kernel.shape[0] // 2
    assert float(kernel[middle].sum()) == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(
        kernel[middle, middle - 2 : middle + 3], torch.full((5,), 1 / 6), atol=0.02, rtol=0
    )


@EFFECTS
@over(st.floats(1, 4))
def test_defocus_has_the_disc_s_area_and_spread(radius: float) -> None:
    """An even disc: area pi r^2, variance r^2 / 4 along any line; the soft rim adds up to 1/5."""
    kernel = disc(radius)
    area = 1 / float(kernel.max())
    assert area == pytest.approx(math.pi * radius**2, rel=0.1)
    for direction in (0.0, 45.0):
        mean_along, mean_across, along, across = moments(kernel, direction)
        assert max(abs(mean_along), abs(mean_across)) < 1e-5
        assert along == pytest.approx(across, abs=1e-4)
        assert radius**2 / 4 - 0.02 <= along <= radius**2 / 4 + 0.2


@EFFECTS
@over(st.floats(0, 0.5))
def test_a_disc_within_a_pixel_does_not_blur(radius: float) -> None:
    kernel = disc(radius)[0]
    assert float(kernel[4, 4]) == 1


@EFFECTS
@over(st.floats(0, 4), st.floats(0, 4))
def test_more_defocus_spreads_further(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert moments(disc(low), 0)[2] <= moments(disc(high), 0)[2] + 1e-5


def picture(seed: int = 0) -> Linear:
    return Linear(torch.rand(2, 3, 40, 32, generator=generator(seed)))


def test_even_light_stays_even() -> None:
    even = Linear(torch.full((1, 3, 20, 20), 0.37))
    torch.testing.assert_close(convolve(even, segment(5.0, 30.0)), even)
    torch.testing.assert_close(convolve(even, disc(2.3)), even)


def test_blurring_is_convolution() -> None:
    """A point of light becomes the kernel, not its mirror image."""
    kernel = torch.rand(2, 5, 5, generator=generator(1))
    point = torch.zeros(2, 3, 21, 21)
    point[:, :, 10, 10] = 1
    spread = convolve(Linear(point), kernel)
    torch.testing.assert_close(spread[:, 0, 8:13, 8:13], kernel)
    torch.testing.assert_close(spread[:, 2, 8:13, 8:13], kernel)


def test_joined_kernels_are_one_after_the_other() -> None:
    first = torch.rand(2, 3, 3, generator=generator(2))
    second = torch.rand(2, 5, 5, generator=generator(3))
    twice = convolve(convolve(picture(), first), second)
    once = convolve(picture(), join(first, second))
    inner = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(once[inner], twice[inner], atol=1e-4, rtol=1e-5)


def test_blur_takes_contrast_and_never_adds_light() -> None:
    given = {"blur_px": torch.tensor([0.0, 1.5])}
    window = Window(torch.zeros(2, 2), (40, 32), Sensor())
    blurred = Defocus()(picture(), given, window)
    torch.testing.assert_close(blurred[0], picture()[0])
    assert float(blurred[1].std()) < 0.6 * float(picture()[1].std())
    assert float(blurred.max()) <= 1
