"""Shapes that are moved: areas in closed form, limits for any theta, slopes by differences."""

import math

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.core import UserError, generator
from physadv.patch import Bars, Glyphs, Strokes
from physadv.patch.glyphs import _inside
from physadv.patch.shapes import laid, traced
from physadv.patch.strokes import _spline
from physadv.printing import hard

SIZE = (900.0, 900.0)
BARS = Bars(SIZE, 400.0, 60_000.0)
FEW = settings(max_examples=25, deadline=None)
SEEDS = st.integers(0, 2**31 - 1)


def printed_mm2(patch: Bars | Strokes | Glyphs, theta: Tensor, width_px: int = 900) -> float:
    cover = hard(patch.touch(theta, width_px)).cover
    return float(cover.sum()) * (SIZE[1] / width_px) ** 2


def one_bar(length: float, height: float, turn: float) -> tuple[Bars, Tensor]:
    patch = Bars(SIZE, 400.0, 90_000.0, count=1)
    span = patch.most_mm - patch.min_mm
    sides = [(side - patch.min_mm) / span for side in (length, height)]
    return patch, torch.tensor([[0.5, 0.5, *sides, turn, 0.2, 0.5, 0.9]])


@pytest.mark.parametrize("turn", [0.0, 0.13, 0.5, 0.77])
def test_a_bar_s_area_is_its_sides_product(turn: float) -> None:
    patch, theta = one_bar(300.0, 80.0, turn)
    assert printed_mm2(patch, theta) == pytest.approx(300 * 80, rel=0.01)


def test_a_bar_is_turned_clockwise_as_seen() -> None:
    """y runs down: an eighth of the circle is a fall to the right."""
    patch, theta = one_bar(300.0, 60.0, 0.25)
    cover = hard(patch.touch(theta, 300)).cover[0, 0]
    y, x = cover.nonzero().float().unbind(1)
    both = torch.stack([x, y])
    assert float(torch.corrcoef(both)[0, 1]) == pytest.approx(0.92, abs=0.03)


def test_a_bar_s_contour_is_its_rectangle() -> None:
    patch, theta = one_bar(300.0, 80.0, 0.0)
    (piece,) = patch.cut(theta).pieces_mm
    x, y = zip(*piece, strict=True)
    assert max(x) - min(x) == pytest.approx(300, abs=0.5)
    assert max(y) - min(y) == pytest.approx(80, abs=0.5)


@pytest.mark.parametrize("turn", [0.0, 0.2])
def test_contours_enclose_what_is_printed(turn: float) -> None:
    """By the mask's own exact coverage, and clockwise with few points."""
    patch, theta = one_bar(300.0, 80.0, turn)
    mask = patch.cut(theta)
    inside = float(mask.cover(900).sum())
    assert inside == pytest.approx(300 * 80, rel=0.005)
    assert len(mask.pieces_mm[0]) <= 24


def test_a_loop_s_hole_is_no_piece() -> None:
    y, x = torch.meshgrid(torch.arange(90.0), torch.arange(90.0), indexing="ij")
    away = torch.hypot(x - 44.5, y - 44.5)
    ring = ((away < 30) & (away > 15)).float()[None, None]
    (piece,) = traced(ring, SIZE).pieces_mm
    assert min(math.dist(point, (450.0, 450.0)) for point in piece) > 280


@FEW
@over(SEEDS, st.integers(1, 8), st.booleans())
def test_bars_keep_their_limits_whatever_is_wanted(seed: int, count: int, grey: bool) -> None:
    patch = Bars(SIZE, 380.0, 30_000.0, count=count, grey=grey)
    theta = patch.project(1.5 * torch.randn(patch.shape, generator=generator(seed)))
    middle, half, _, _ = patch._parts(theta)
    assert float((4 * half.prod(dim=1)).sum()) <= 30_000 * 1.001
    assert float(2 * half.min()) >= patch.min_mm - 0.01
    assert float((middle.norm(dim=1) + half.norm(dim=1)).max()) <= 380.05


def test_grey_bars_are_printed_black_or_white() -> None:
    patch = Bars(SIZE, 380.0, 60_000.0, grey=True)
    ink = hard(patch.touch(patch.start(generator(0)), 300))
    shown = ink.colour[0][:, ink.cover[0, 0] > 0]
    assert set(shown.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("patch", [BARS, Strokes(SIZE, 400.0), Glyphs(SIZE, 400.0, "AB")])
def test_slopes_are_difference_quotients(patch: Bars | Strokes | Glyphs) -> None:
    """Of the ink weighted by a smooth picture, along a random direction, over a small step.

    Edges run over a few pixels and have kinks: what remains is small beside the slope's size.
    """
    theta = patch.project(0.5 + 0.1 * torch.randn(patch.shape, generator=generator(1)))
    ramp = torch.linspace(0, 1, 160)
    weight = ramp[:, None] * (1 - ramp) + 0.3

    def value(at: Tensor) -> Tensor:
        ink = patch.touch(at, 160)
        return ((ink.colour - 0.3) * ink.cover * weight).double().sum()

    free = theta.clone().requires_grad_()
    (slope,) = torch.autograd.grad(value(free), free)
    way = torch.randn(patch.shape, generator=generator(2))
    step = 5e-4
    found = float(value(theta + step * way) - value(theta - step * way)) / (2 * step)
    error = abs(float((slope * way).sum()) - found)
    assert error < 0.02 * float(slope.norm() * way.norm())


def test_a_straight_stroke_s_area_is_a_stadium() -> None:
    patch = Strokes(SIZE, 400.0, count=1, knots=2, width_mm=60.0)
    theta = torch.tensor([[[0.3, 0.5], [0.7, 0.5], [0.0, 0.0], [0.0, 0.0]]])
    assert printed_mm2(patch, theta) == pytest.approx(320 * 60 + math.pi * 30**2, rel=0.01)


def test_strokes_go_through_their_points() -> None:
    knots = torch.rand(2, 5, 2, generator=generator(3))
    apart = (knots[:, :, None] - _spline(knots)[:, None]).norm(dim=3).amin(dim=2)
    torch.testing.assert_close(apart, torch.zeros(2, 5), atol=1e-6, rtol=0)


def test_a_spline_of_points_on_a_line_is_the_line() -> None:
    knots = torch.stack([torch.linspace(0, 3, 4), torch.linspace(1, 7, 4)], dim=1)[None]
    line = _spline(knots)[0]
    torch.testing.assert_close(line[:, 1], 1 + 2 * line[:, 0])


@FEW
@over(SEEDS)
def test_strokes_keep_their_limits(seed: int) -> None:
    patch = Strokes(SIZE, 380.0, most_mm=450.0)
    theta = patch.project(torch.randn(patch.shape, generator=generator(seed)) + 0.5)
    line = _spline(patch._knots(theta))
    assert float(line.diff(dim=1).norm(dim=2).sum(dim=1).max()) <= 451
    assert float(patch._knots(theta).norm(dim=2).max()) <= 380 - patch.width_mm / 2 + 0.05


def test_a_letter_s_area_is_its_outline_s() -> None:
    """I is a rectangle in DejaVu Sans Bold: 0.729 high, 0.188 wide (of the em)."""
    patch = Glyphs(SIZE, 400.0, "I", 100.0, 300.0)
    theta = torch.tensor([[0.5, 0.5, 1.0, 0.5, 0.0]])
    assert printed_mm2(patch, theta) == pytest.approx(300**2 * 0.188 / 0.729, rel=0.03)


def test_distances_inside_a_letter_are_to_its_nearest_edge() -> None:
    inside = _inside("I")
    middle = float(inside[inside.shape[0] // 2, inside.shape[1] // 2])
    assert middle == pytest.approx(0.188 / 0.729 / 2, abs=0.01)


def test_letters_stay_in_their_place() -> None:
    patch = Glyphs(SIZE, 400.0, "WAY")
    theta = patch.project(torch.randn(patch.shape, generator=generator(4)))
    away = patch._middles(theta).norm(dim=1) + patch._heights(theta)
    assert float(away.max()) <= 400.1


def test_later_shapes_lie_over_earlier_ones() -> None:
    inside = torch.full((2, 4, 4), 100.0)
    inside[1, :, 2:] = -100
    ink = laid(inside, torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    assert ink.colour[0, :, 0, 0].tolist() == [0, 0, 1]
    assert ink.colour[0, :, 0, 3].tolist() == [1, 0, 0]
    assert bool((ink.cover == 1).all())


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UserError, match=r"area: .*at least 6400 mm2 for 4 bars"):
        Bars(SIZE, 400.0, 5000.0)
    with pytest.raises(UserError, match="text"):
        Glyphs(SIZE, 400.0, " ")
    with pytest.raises(UserError, match="knots"):
        Strokes(SIZE, 400.0, knots=1)


def test_strokes_are_the_same_with_and_without_a_gradient() -> None:
    """Print looks near each piece alone, the search everywhere."""
    patch = Strokes(SIZE, 400.0, count=4, width_mm=50.0, most_mm=700.0)
    theta = patch.start(generator(2))
    printed, searched = patch.touch(theta, 300), patch.touch(theta.clone().requires_grad_(), 300)
    assert torch.equal(printed.cover, searched.cover)
    assert torch.equal(printed.colour, searched.colour)
    assert 0.02 < float(printed.cover.mean()) < 0.3
