"""Sign faces against closed forms and standards: areas, vertices, colours, classes."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from physadv.core import Face, UserError, encode
from physadv.core.coverage import coverage
from physadv.scene.signs import SIGNS, render, sign
from physadv.scene.signs.pen import outline
from physadv.scene.signs.shapes import area, circle, hole, octagon, polygon, rectangle

RED, WHITE, BLACK, YELLOW = (187, 30, 16), (241, 240, 234), (42, 41, 42), (247, 181, 0)


def area_mm2(face: Face, mask: torch.Tensor) -> float:
    height, width = face.size_mm
    return float(mask.double().mean()) * height * width


def redness(face: Face) -> torch.Tensor:
    """The share of red in each pixel of a red and white face."""
    green = face.texture[:, 1:2]
    red, white = (float(((c / 255 + 0.055) / 1.055) ** 2.4) for c in (RED[1], WHITE[1]))
    return face.cover * (white - green) / (white - red)


def colour_at(face: Face, x_mm: float, y_mm: float) -> tuple[int, ...]:
    rows, columns = face.texture.shape[-2:]
    column, row = int(x_mm / face.size_mm[1] * columns), int(y_mm / face.size_mm[0] * rows)
    return tuple((encode(face.texture)[0, :, row, column] * 255).round().int().tolist())


def test_coverage_of_a_rectangle_is_exact() -> None:
    got = coverage(((rectangle(0.25, 1.5, 2.5, 3.0),),), (4.0, 4.0), (4, 4))
    want = np.outer([0, 0.5, 1, 0], [0.75, 1, 0.5, 0])
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_coverage_of_a_triangle_is_exact() -> None:
    got = coverage((((((0.0, 0.0), (2.0, 0.0), (0.0, 2.0))),),), (2.0, 2.0), (2, 2))
    np.testing.assert_allclose(got, [[1, 0.5], [0.5, 0]], atol=1e-12)


def test_coverage_agrees_with_counting_points() -> None:
    """Slow reference: which of 64 x 64 points in each pixel lie in the ring."""
    ring = (circle((5.0, 5.0), 4.3), hole(circle((5.0, 5.0), 2.1)))
    at = (np.arange(640) + 0.5) / 64
    radius = np.hypot(at[None] - 5, at[:, None] - 5)
    counted = ((radius < 4.3) & (radius > 2.1)).reshape(10, 64, 10, 64).mean((1, 3))
    np.testing.assert_allclose(coverage((ring,), (10, 10), (10, 10)), counted, atol=1.5 / 255)


@pytest.mark.parametrize(("name", "width"), [("stop", 900), ("us_stop", 750)])
def test_octagon(name: str, width: float) -> None:
    face = render(sign(name), 300)
    whole = 2 * (math.sqrt(2) - 1)
    assert area_mm2(face, face.cover) == pytest.approx(whole * width**2, rel=1e-3)
    assert area(face.outline_mm) == pytest.approx(whole * width**2, rel=1e-12)
    cut = width / (2 + math.sqrt(2))
    near, far = cut, width - cut
    want = [(near, 0), (far, 0), (width, near), (width, far)]
    want += [(far, width), (near, width), (0, far), (0, near)]
    np.testing.assert_allclose(face.outline_mm, want, atol=1e-9)
    assert len({round(math.dist(a, b), 6) for a, b in pairwise(want)}) == 1


def test_octagon_inset_moves_every_side() -> None:
    inner = octagon(900, 27)
    middle = np.subtract(np.mean(inner[1:3], axis=0), 450)
    assert np.hypot(*middle) == pytest.approx(450 - 27)


@pytest.mark.parametrize("name", ["speed_limit_50", "no_vehicles", "no_passing", "no_entry"])
def test_disc(name: str) -> None:
    face = render(sign(name), 400)
    assert area_mm2(face, face.cover) == pytest.approx(math.pi * 300**2, rel=1e-3)
    assert len(face.outline_mm) >= 64
    assert face.outline_mm[0] == pytest.approx((300, 0))


def test_ring_area() -> None:
    face = render(sign("no_vehicles"), 400)
    want = math.pi * (292**2 - 210**2)
    assert area_mm2(face, redness(face)) == pytest.approx(want, rel=1e-3)


def test_no_entry_bar_area() -> None:
    face = render(sign("no_entry"), 400)
    assert area_mm2(face, face.legend) == pytest.approx(528 * 92, rel=1e-4)


def test_yield_is_900_wide_with_rounded_corners() -> None:
    face = render(sign("yield"), 450)
    side = 900 + 2 * 40 * (math.sqrt(3) - 1)
    lost = 40**2 * (3 * math.sqrt(3) - math.pi)
    assert face.size_mm[1] == 900
    assert area_mm2(face, face.cover) == pytest.approx(math.sqrt(3) / 4 * side**2 - lost, rel=1e-3)
    xs, ys = np.array(face.outline_mm).T
    assert (xs.min(), ys.min()) == pytest.approx((0, 0), abs=0.05)
    assert (xs.max(), ys.max()) == pytest.approx((900, face.size_mm[0]), abs=0.05)


def test_priority_road_is_600_across_flats() -> None:
    face = render(sign("priority_road"), 400)
    lost = 20**2 * (4 - math.pi)
    assert area_mm2(face, face.cover) == pytest.approx(600**2 - lost, rel=1e-3)


def test_pen_area_of_a_zero_is_length_times_width() -> None:
    path = np.array(polygon(((0, 0, 10), (40, 0, 10), (40, 90, 10), (0, 90, 10))))
    outer, inner = outline(path, 6.0, closed=True)
    length = 2 * (20 + 70) + 2 * math.pi * 10
    assert area(outer) + area(inner) == pytest.approx(6 * length, rel=1e-3)


def test_pen_cuts_ends_square_and_mitres_corners() -> None:
    (stroke,) = outline(np.array([(0.0, 0.0), (10.0, 0.0), (10.0, 20.0)]), 2.0, closed=False)
    assert area(stroke) == pytest.approx(2 * 30)
    assert {(0, -1), (11, -1), (11, 20), (9, 20), (9, 1), (0, 1)} == {
        (round(x, 9), round(y, 9)) for x, y in stroke
    }


@pytest.mark.parametrize(
    ("name", "x", "y", "colour"),
    [
        ("stop", 450, 100, RED),
        ("stop", 450, 10, WHITE),
        ("us_stop", 375, 100, RED),
        ("yield", 450, 300, WHITE),
        ("yield", 450, 50, RED),
        ("priority_road", 416, 416, YELLOW),
        ("priority_road", 416, 80, WHITE),
        ("no_entry", 300, 300, WHITE),
        ("no_entry", 300, 150, RED),
        ("no_vehicles", 300, 300, WHITE),
        ("no_passing", 200, 330, RED),
        ("no_passing", 400, 330, BLACK),
        ("speed_limit_80", 300, 50, RED),
        ("speed_limit_80", 300, 100, WHITE),
    ],
)
def test_colours(name: str, x: float, y: float, colour: tuple[int, ...]) -> None:
    assert colour_at(render(sign(name), 300), x, y) == colour


def test_digits_and_letters_have_the_standard_height() -> None:
    for name, height in {"stop": 300, "us_stop": 250, "speed_limit_80": 252}.items():
        face = render(sign(name), 900)
        rows = face.legend[0, 0].sum(1) * face.size_mm[1] / 900
        high = float((rows / rows.clamp(min=1)).sum()) * face.size_mm[0] / rows.numel()
        assert high == pytest.approx(height, abs=2), name


def test_classes() -> None:
    speeds = {20: 0, 30: 1, 50: 2, 60: 3, 70: 4, 80: 5, 100: 7, 120: 8}
    want = {f"speed_limit_{speed}": label for speed, label in speeds.items()}
    want |= {"stop": 14, "us_stop": 14, "yield": 13, "priority_road": 12, "no_entry": 17}
    want |= {"no_passing": 9, "no_vehicles": 15, "end_of_speed_limit_80": 6}
    assert {name: sign(name).labels["gtsrb"] for name in SIGNS} == want
    lisa = {name: sign(name).labels["lisa"] for name in SIGNS if "lisa" in sign(name).labels}
    assert lisa == {"stop": 14, "us_stop": 14, "yield": 17}


def test_unknown_sign_gives_the_nearest_name() -> None:
    with pytest.raises(UserError, match="did you mean 'stop'"):
        sign("stopp")


def test_width_must_be_positive() -> None:
    with pytest.raises(UserError, match="width_px"):
        render(sign("stop"), 0)
