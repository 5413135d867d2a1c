"""Stickers: exact area, limits kept by every layout, controls of the same place and size."""

import math

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.core import Encoded, Ink, UserError, generator
from physadv.patch import (
    Limits,
    Mask,
    Pixels,
    bars,
    candidates,
    check_mask,
    controls,
    measure,
    pack,
    rectangle,
)
from physadv.patch.layouts import ground, templates
from physadv.printing import Printer, hard
from physadv.scene import SIGNS, sign
from physadv.scene.signs import render
from tests.worlds import two_bars

NAMES = ("blank", "mean colour", "random noise", "shuffled", "spectrum-matched")
STRETCH = st.floats(0, 400)


@settings(max_examples=60, deadline=None)
@over(STRETCH, STRETCH, st.floats(20, 400), st.floats(20, 400), st.sampled_from([37, 64, 200]))
def test_cover_is_the_area_exactly(
    x: float, y: float, wide: float, high: float, width_px: int
) -> None:
    """The sum over the raster is the contour's area, whatever its resolution."""
    mask = Mask((800.0, 900.0), (rectangle(x, y, wide, high),))
    cover = mask.cover(width_px)
    height_px = round(width_px * 800 / 900)
    assert cover.shape == (1, 1, height_px, width_px)
    cell = (800 / height_px) * (900 / width_px)
    assert float(cover.double().sum()) * cell == pytest.approx(wide * high, rel=1e-4)
    assert 0 <= float(cover.min()) <= float(cover.max()) <= 1


def test_cover_of_a_triangle_and_a_disc() -> None:
    triangle = ((100.0, 100.0), (500.0, 100.0), (100.0, 400.0))
    turns = [2 * math.pi * k / 200 for k in range(200)]
    disc = tuple((700 + 80 * math.sin(t), 600 - 80 * math.cos(t)) for t in turns)
    cover = Mask((900.0, 900.0), (triangle, disc)).cover(90)
    total = 400 * 300 / 2 + 0.5 * 200 * 80**2 * math.sin(2 * math.pi / 200)
    assert float(cover.double().sum()) * 100 == pytest.approx(total, rel=1e-5)


def test_pieces_that_overlap_count_once() -> None:
    one, other = rectangle(100, 100, 200, 100), rectangle(200, 100, 200, 100)
    cover = Mask((900.0, 900.0), (one, other)).cover(90)
    assert float(cover.sum()) * 100 == pytest.approx(300 * 100, rel=1e-5)


@pytest.mark.parametrize("name", SIGNS)
@settings(max_examples=6, deadline=None)
@over(
    area_pct=st.sampled_from([5.0, 10.0, 15.0, 25.0]),
    pieces=st.integers(1, 10),
    min_mm=st.sampled_from([30.0, 40.0, 55.0]),
    which=st.integers(0, 5),
    allow_legend=st.booleans(),
)
def test_packing_keeps_its_limits(  # hypothesis draws
    name: str, area_pct: float, pieces: int, min_mm: float, which: int, allow_legend: bool
) -> None:
    face = render(sign(name), 512)
    limits = Limits(area_pct, pieces, min_mm, allow_legend)
    shape = ground(face, limits).free.shape
    maps = list(templates((shape[0], shape[1])).values())
    try:
        mask = pack(face, maps[which], limits)
    except UserError as error:
        assert "min-mm" in str(error)
        return
    found = check_mask(mask, face, limits)
    assert 0 < found.area_pct <= area_pct + 0.05
    assert found.pieces <= pieces
    assert found.smallest_mm >= min_mm - 0.5
    assert_apart(mask)


def assert_apart(mask: Mask) -> None:
    """Hold that no two rectangles touch: the sum of the areas is the area of the union."""
    each = sum(float(Mask(mask.size_mm, (piece,)).cover(128).sum()) for piece in mask.pieces_mm)
    assert float(mask.cover(128).sum()) == pytest.approx(each, rel=1e-4)


@pytest.mark.parametrize("name", ["stop", "yield", "speed_limit_80", "us_stop"])
def test_the_usual_limits_give_many_layouts(name: str) -> None:
    """The issue's own limits: 15 %, 8 pieces of 40 mm, letters left readable."""
    face, limits = render(sign(name), 512), Limits()
    found = candidates(face, limits)
    assert len(found) >= 3
    for mask in (*found.values(), bars(face, limits)):
        check_mask(mask, face, limits)
    best = max(measure(mask, face).area_pct for mask in found.values())
    assert best > 0.8 * limits.area_pct


@pytest.mark.parametrize(
    ("mask", "clause"),
    [
        (Mask((900.0, 900.0), (rectangle(250, 80, 400, 800),)), "area"),
        (Mask((900.0, 900.0), (rectangle(200, 380, 400, 140),)), "legend"),
        (Mask((900.0, 900.0), (rectangle(0, 0, 60, 60),)), "outside"),
        (Mask((900.0, 900.0), (rectangle(400, 100, 20, 100),)), "piece size"),
        (
            Mask((900.0, 900.0), tuple(rectangle(200 + 55 * k, 120, 45, 45) for k in range(9))),
            "pieces",
        ),
    ],
)
def test_a_mask_that_breaks_a_limit_is_refused(mask: Mask, clause: str) -> None:
    with pytest.raises(UserError, match=f"mask .*{clause}"):
        check_mask(mask, render(sign("stop"), 512), Limits())


def theta(seed: int = 0) -> Tensor:
    """Return a smooth, coloured grid (3,18,18), as a search would."""
    coarse = torch.rand(1, 3, 6, 6, generator=generator(seed))
    return torch.nn.functional.interpolate(coarse, (18, 18), mode="bilinear")[0]


def made(seed: int = 1) -> tuple[dict[str, Tensor], Tensor]:
    used = Pixels(two_bars(), 50.0).used()
    return controls(theta(), used, generator(seed)), used


def test_controls_are_all_there_and_printable() -> None:
    found, _ = made()
    assert tuple(found) == NAMES
    for value in found.values():
        assert value.shape == theta().shape
        assert 0 <= float(value.min()) <= float(value.max()) <= 1


def test_controls_lie_where_the_sticker_does() -> None:
    patch = Pixels(two_bars(), 50.0)
    cover = patch.touch(theta()).cover
    for value in patch.controls(theta(), generator(0)).values():
        assert torch.equal(patch.touch(value).cover, cover)


def test_simple_controls_are_what_they_say() -> None:
    found, used = made()
    assert torch.equal(found["blank"], torch.ones_like(theta()))
    mean = theta()[:, used].mean(dim=1)
    torch.testing.assert_close(
        found["mean colour"][:, used], mean[:, None].expand(3, int(used.sum()))
    )
    noise = found["random noise"]
    assert float(noise.mean()) == pytest.approx(0.5, abs=0.05)
    assert float(noise.std()) == pytest.approx(math.sqrt(1 / 12), abs=0.02)


def test_shuffled_has_the_same_colours_elsewhere() -> None:
    found, used = made()
    own, mixed = theta()[:, used].T.tolist(), found["shuffled"][:, used].T.tolist()
    assert sorted(own) == sorted(mixed)
    moved = sum(a != b for a, b in zip(own, mixed, strict=True))
    assert moved > 0.8 * len(own)


@pytest.mark.parametrize(("own", "least"), [(theta(), 0.8), (theta().round(), 0.5)])
def test_spectrum_matched_keeps_values_and_coarseness(own: Tensor, least: float) -> None:
    """Its values in each channel are the sticker's own, saturated or not, and its spectrum near."""
    used = Pixels(two_bars(), 50.0).used()
    found = controls(own, used, generator(1))
    other = found["spectrum-matched"]
    assert torch.equal(own[:, used].sort(dim=1).values, other[:, used].sort(dim=1).values)
    alike, unlike = (likeness(own, found[n], used) for n in ("spectrum-matched", "random noise"))
    assert alike > max(least, unlike + 0.3)
    assert abs(correlation(own[:, used], other[:, used])) < 0.6  # the picture itself is gone


def likeness(one: Tensor, other: Tensor, used: Tensor) -> float:
    """Return how far the amplitude spectra of what shows agree."""
    means = [value[:, used].mean(dim=1)[:, None, None] for value in (one, other)]
    return correlation(
        *(torch.fft.fft2((v - m) * used).abs() for v, m in zip((one, other), means, strict=True))
    )


def correlation(one: Tensor, other: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


def test_nothing_of_the_sticker_is_left_beside_what_shows() -> None:
    """Colour runs on between cells: what lies outside must not be the optimised one."""
    found, used = made()
    for name in ("shuffled", "spectrum-matched"):
        outside = found[name][:, ~used]
        assert float((outside - outside[:, :1]).abs().max()) == 0


def test_controls_differ_by_draw() -> None:
    one, other = made(1)[0], made(2)[0]
    for name in ("random noise", "shuffled", "spectrum-matched"):
        assert not torch.equal(one[name], other[name])


def test_hard_print_is_eight_bits_whole_pixels_and_idempotent() -> None:
    patch = Pixels(two_bars((870.0, 910.0)), 50.0)
    soft = patch.touch(theta(), 97)
    assert float(((soft.cover > 0) & (soft.cover < 1)).float().mean()) > 0
    once = hard(soft)
    assert set(once.cover.unique().tolist()) == {0.0, 1.0}
    steps = once.colour * 255
    torch.testing.assert_close(steps, steps.round(), atol=1e-4, rtol=0)
    twice = hard(once)
    assert torch.equal(once.colour, twice.colour)
    assert torch.equal(once.cover, twice.cover)
    assert float((once.cover - soft.cover).abs().max()) <= 0.5
    inside = (once.cover > 0).expand_as(once.colour)
    assert float((once.colour - soft.colour).abs()[inside].max()) <= 0.5 / 255 + 1e-6


def test_paper_lies_between_the_printer_s_black_and_white() -> None:
    """Full ink, sRGB 0.5 (reflectance 0.2140) and bare film."""
    printer = Printer()
    value = torch.tensor([0.0, 0.5, 1.0]).reshape(1, 1, 1, 3).expand(1, 3, 1, 3)
    printed = printer(Ink(Encoded(value), torch.ones(1, 1, 1, 3))).reflectance[0, 0, 0]
    black, white = printer.black_ratio, printer.white_ratio
    assert printed.tolist() == pytest.approx(
        [black, black + (white - black) * 0.21404, white], abs=1e-5
    )


def test_theta_is_drawn_where_it_can_be_printed() -> None:
    patch = Pixels(two_bars(), 50.0)
    start = patch.start(generator(0))
    assert start.shape == patch.shape == (3, 18, 18)
    assert torch.equal(patch.project(start), start)
    assert torch.equal(patch.project(start * 9 - 4), (start * 9 - 4).clamp(0, 1))
