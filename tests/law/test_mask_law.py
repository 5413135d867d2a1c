"""Laws of where stickers lie: symmetry, distance from the letters, settled rectangles."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from physadv.attacks.masks import Rectangle, settled
from physadv.core import Face, UserError
from physadv.core.coverage import Contour
from physadv.patch import Limits, Mask, bars, candidates, check_mask, on_cells, pack, rectangle
from physadv.scene import sign
from physadv.scene.signs import render
from tests.law.test_patch_law import assert_apart

FACES = {name: render(sign(name), 512) for name in ("stop", "yield", "speed_limit_80", "us_stop")}
FEW = settings(max_examples=6, deadline=None)
AS_BEFORE = "663fb2afe3ad1a434633e8f5021c9fa1e187c37c02701fe143f458b3fb506725"


def test_layouts_without_the_new_limits_are_what_they_were() -> None:
    """The digest of all contours, taken before symmetry and distance came."""
    told = hashlib.sha256()
    for face in FACES.values():
        for limits in (Limits(), Limits(8, 4, 50, True)):
            seen = torch.rand(1, 1, 72, 72, generator=torch.Generator().manual_seed(0))
            for name, mask in candidates(face, limits, seen).items():
                told.update(repr((name, mask.pieces_mm)).encode())
            told.update(repr(bars(face, limits).pieces_mm).encode())
    assert told.hexdigest() == AS_BEFORE


def interest(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).random((9, 9)) ** 3 + 0.01


def spread(face: Face, limits: Limits, seed: int) -> NDArray[np.float64]:
    coarse = torch.from_numpy(interest(seed)).float()[None, None]
    return on_cells(face, limits, coarse)


def corners(mask: Mask) -> list[list[tuple[float, float]]]:
    return sorted(sorted((round(x, 3), round(y, 3)) for x, y in one) for one in mask.pieces_mm)


@pytest.mark.parametrize("name", FACES)
@FEW
@over(st.integers(0, 99), st.sampled_from([5.0, 12.0, 20.0]), st.integers(1, 9), st.booleans())
def test_symmetric_pieces_are_their_own_mirror_image(
    name: str, seed: int, area_pct: float, pieces: int, on_legend: bool
) -> None:
    face = FACES[name]
    limits = Limits(area_pct, pieces, 40.0, symmetric=True)
    mask = pack(face, spread(face, limits, seed), limits, on_legend=on_legend)
    check_mask(mask, face, limits)
    width = face.size_mm[1]
    mirrored = tuple(tuple((width - x, y) for x, y in piece) for piece in mask.pieces_mm)
    assert corners(mask) == corners(Mask(face.size_mm, mirrored))
    assert 1 <= len(mask.pieces_mm) <= pieces
    assert_apart(mask)


@pytest.mark.parametrize("name", FACES)
@FEW
@over(st.integers(0, 99), st.floats(0.5, 60), st.booleans())
def test_pieces_keep_away_from_the_letters(
    name: str, seed: int, away_mm: float, symmetric: bool
) -> None:
    """Measured from rectangles to the middles of the letters' pixels, by the closed form."""
    face = FACES[name]
    limits = Limits(8.0, 6, 30.0, symmetric=symmetric, away_mm=away_mm)
    try:
        mask = pack(face, spread(face, limits, seed), limits, on_legend=True)
    except UserError as error:
        assert "a smaller --away-mm" in str(error)
        return
    check_mask(mask, face, limits)
    if float(face.legend.max()) == 0:
        assert mask == pack(face, spread(face, limits, seed), replace(limits, away_mm=0.0))
        return
    pixel = face.size_mm[1] / face.legend.shape[-1]
    y, x = ((axis + 0.5) * pixel for axis in (face.legend[0, 0] >= 0.5).nonzero().double().T)
    for piece in mask.pieces_mm:
        (left, top), (right, bottom) = np.min(piece, axis=0), np.max(piece, axis=0)
        across = torch.stack([left - x, x - right]).amax(0).clamp_min(0)
        along = torch.stack([top - y, y - bottom]).amax(0).clamp_min(0)
        assert float(torch.hypot(across, along).min()) >= away_mm


def test_what_is_crooked_or_too_near_is_refused() -> None:
    face = FACES["stop"]
    pair = (rectangle(200, 150, 100, 60), rectangle(600, 150, 100, 60))
    check_mask(Mask((900.0, 900.0), pair), face, Limits(symmetric=True))
    crooked = Mask((900.0, 900.0), (pair[0], rectangle(600, 180, 100, 60)))
    check_mask(crooked, face, Limits())
    with pytest.raises(UserError, match=r"expected symmetric pieces, got .* without"):
        check_mask(crooked, face, Limits(symmetric=True))
    near = Mask((900.0, 900.0), (rectangle(300, 270, 200, 50),))
    check_mask(near, face, Limits())
    with pytest.raises(UserError, match="distance from the letters: expected at least 60 mm"):
        check_mask(near, face, Limits(away_mm=60.0))


@pytest.mark.parametrize("wrong", [{"away_mm": -1.0}, {"away_mm": 5.0, "allow_legend": True}])
def test_limits_that_contradict_themselves_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="away-mm"):
        replace(Limits(), **wrong)  # type: ignore[arg-type]  # floats and flags, by name


PLACES = st.builds(
    Rectangle,
    st.floats(50, 850),
    st.floats(50, 850),
    st.floats(40, 250),
    st.floats(40, 250),
    st.floats(0, 3.1),
)


@FEW
@over(st.lists(PLACES, min_size=1, max_size=5), st.booleans(), st.sampled_from([0.0, 25.0]))
def test_settled_rectangles_may_be_cut(
    wanted: list[Rectangle], symmetric: bool, away_mm: float
) -> None:
    face = FACES["stop"]
    limits = Limits(100.0, 10, 40.0, symmetric=symmetric, away_mm=away_mm)
    found = settled(wanted, face, limits)
    shapes: list[Contour] = []
    for own, one in zip(wanted, found, strict=True):
        if one is None:
            continue
        shapes += [one.contour, *([one.mirrored(900.0).contour] if symmetric else [])]
        assert one.turn_rad == own.turn_rad
        for before, after in ((own.long_mm, one.long_mm), (own.wide_mm, one.wide_mm)):
            assert min(before, 40.0) <= after <= before
    assert shapes, "the first, which may shrink to 40 mm, always finds a place"
    mask = Mask(face.size_mm, tuple(shapes))
    check_mask(mask, face, limits)
    assert_apart(mask)


def test_a_rectangle_that_lies_well_stays_there() -> None:
    own = Rectangle(450.0, 180.0, 200.0, 80.0, 0.3)
    (found,) = settled([own], FACES["stop"], Limits())
    assert found is not None
    assert (found.long_mm, found.wide_mm) == (own.long_mm, own.wide_mm)
    assert abs(found.x_mm - own.x_mm) < 4
    assert abs(found.y_mm - own.y_mm) < 4


def test_a_rectangle_s_contour_has_its_area_and_turn() -> None:
    own = Rectangle(400.0, 300.0, 200.0, 50.0, 0.5)
    cover = Mask((900.0, 900.0), (own.contour,)).cover(900)
    assert float(cover.double().sum()) == pytest.approx(200 * 50, rel=1e-4)
    (x, y), (far_x, far_y) = own.contour[0], own.contour[1]
    assert np.arctan2(far_y - y, far_x - x) == pytest.approx(0.5)
