"""Blur kernels: they keep energy and place, and have the moments of disc and segment."""

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


RADIUS, LENGTH, DIRECTION = st.floats(0, 4), st.floats(0, 8), st.floats(0, 180)


@EFFECTS
@over(RADIUS, LENGTH, DIRECTION)
def test_kernels_keep_energy_and_place(radius: float, length: float, direction: float) -> None:
    """They are their own mirror image through the middle, so that nothing moves."""
    for kernel in (disc(radius), segment(length, direction)):
        assert float(kernel.sum()) == pytest.approx(1, abs=1e-5)
        assert float(kernel.min()) >= 0
        torch.testing.assert_close(kernel, kernel.flip(1, 2), atol=1e-6, rtol=0)


@EFFECTS
@over(LENGTH, DIRECTION)
def test_motion_blur_has_the_segment_s_variance(length: float, direction: float) -> None:
    """L^2 / 12 in all; on slanted lines at most 1/5 px^2 of it lies across, as pixels are wide."""
    _, _, along, across = moments(segment(length, direction), direction)
    assert along + across == pytest.approx(length**2 / 12, abs=1e-5)
    assert -1e-6 <= across <= 0.2


@EFFECTS
@over(LENGTH, st.sampled_from([0.0, 90.0]))
def test_motion_blur_along_the_grid_stays_in_its_line(length: float, direction: float) -> None:
    _, _, along, across = moments(segment(length, direction), direction)
    assert along == pytest.approx(length**2 / 12, abs=1e-5)
    assert across == pytest.approx(0, abs=1e-5)


def test_motion_blur_along_a_row_is_even() -> None:
    kernel = segment(6.0, 0.0)[0]
    middle = kernel.shape[0] // 2
    assert float(kernel[middle].sum()) == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(
        kernel[middle, middle - 2 : middle + 3], torch.full((5,), 1 / 6), atol=0.02, rtol=0
    )


@EFFECTS
@over(LENGTH, DIRECTION)
def test_the_way_back_blurs_the_same(length: float, direction: float) -> None:
    """To what the angle's rounding allows."""
    there, back = segment(length, direction), segment(length, direction + 180)
    assert float((there - back).abs().max()) < 0.02


@EFFECTS
@over(RADIUS)
def test_defocus_has_the_disc_s_variance(radius: float) -> None:
    """r^2 / 4 in every direction, below half a pixel too."""
    kernel = disc(radius)
    for direction in (0.0, 30.0, 45.0):
        _, _, along, across = moments(kernel, direction)
        assert along == pytest.approx(radius**2 / 4, abs=1e-5)
        assert across == pytest.approx(radius**2 / 4, abs=1e-5)


@EFFECTS
@over(st.floats(2, 4))
def test_a_disc_is_even_within_and_dark_without(radius: float) -> None:
    """Pixels 1 px inside the edge have 1 / (pi r^2), those 1 px outside it none."""
    x, y = offsets(4)
    distance, kernel = torch.hypot(x, y), disc(radius)[0]
    within = kernel[distance <= radius - 1] * math.pi * radius**2
    assert float(within.max() / within.min()) < 1 + 1e-5
    assert float(within.mean()) == pytest.approx(1, abs=0.25)
    assert not bool(kernel[distance >= radius + 1].any())


@pytest.mark.parametrize("largest", [1.0, 1.5, 4.0])
def test_no_blur_is_exactly_a_point(largest: float) -> None:
    for kernel in (disc(0.0, largest), segment(0.0, 77.0, largest)):
        middle = kernel.shape[-1] // 2
        point = torch.zeros_like(kernel)
        point[:, middle, middle] = 1
        assert torch.equal(kernel, point)


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


@pytest.mark.parametrize("side", [1, 3, 7])
def test_blurring_has_the_slope_of_its_difference_quotient(side: int) -> None:
    """Edges too, where pixels repeat."""
    rng = generator(side)
    light = torch.rand(2, 3, 8, 9, generator=rng, dtype=torch.float64).requires_grad_()
    kernel = torch.rand(2, side, side, generator=rng, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda seen: convolve(Linear(seen), kernel), (light,))
