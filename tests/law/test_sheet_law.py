"""Laws of the print sheet: nothing overlaps, nothing is lost, sizes are kept, tiles cover."""

import math
from collections import defaultdict
from itertools import combinations, pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from physadv.output.layout import OVERLAP_MM, contour, lay_out
from physadv.output.ordinates import spread
from physadv.output.paper import Page, page_of
from physadv.output.polygon import Box, Polygon, area, bounds, grown, inside, outset

papers = st.sampled_from(["A5", "A4", "Letter", "A3", "148x148", "420x297"]).map(page_of)
lengths = st.floats(5, 800)


@st.composite
def rectangles(draw: st.DrawFn) -> Polygon:
    x, y, wide, high = draw(lengths), draw(lengths), draw(lengths), draw(lengths)
    return (x, y), (x + wide, y), (x + wide, y + high), (x, y + high)


@st.composite
def convex(draw: st.DrawFn) -> Polygon:
    """A convex polygon on an ellipse, clockwise."""
    count, a, b = draw(st.integers(3, 9)), draw(st.floats(10, 300)), draw(st.floats(10, 300))
    turns = [2 * math.pi * (i + 0.3) / count for i in range(count)]
    return tuple((400 + a * math.cos(t), 400 + b * math.sin(t)) for t in turns)


few = settings(max_examples=40, deadline=None)
pieces_of_a_sign = st.lists(st.one_of(rectangles(), convex()), min_size=1, max_size=8)


@few
@given(pieces_of_a_sign, papers)
def test_cells_and_their_margins_never_overlap_and_stay_on_the_page(
    pieces: list[Polygon], page: Page
) -> None:
    by_page: dict[int, list[Box]] = defaultdict(list)
    left, top, right, bottom = grown(page.usable_mm, 1e-4)
    for spot in lay_out(pieces, page):
        x0, y0, x1, y1 = spot.outer_mm
        assert left <= x0 < x1 <= right
        assert top <= y0 < y1 <= bottom
        by_page[spot.page].append(spot.outer_mm)
    assert sorted(by_page) == list(range(len(by_page)))
    for boxes in by_page.values():
        for a, b in combinations(boxes, 2):
            apart = max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])
            assert apart > -1e-4


@few
@given(pieces_of_a_sign, papers)
def test_every_piece_is_there_once_or_its_tiles_cover_it(pieces: list[Polygon], page: Page) -> None:
    spots = lay_out(pieces, page)
    for number, piece in enumerate(pieces, start=1):
        windows = [spot.cell.window_mm for spot in spots if spot.cell.piece == number]
        assert windows
        assert len(set(windows)) == len(windows)
        if len(windows) == 1:
            assert np.allclose(windows[0], bounds(piece))
        for x, y in _samples(piece):
            assert any(
                a - 1e-6 <= x <= c + 1e-6 and b - 1e-6 <= y <= d + 1e-6 for a, b, c, d in windows
            )


def _samples(piece: Polygon) -> NDArray[np.float64]:
    """Corners, edge middles, and points between them and the centre."""
    points = np.array(piece)
    middles = (points + np.roll(points, -1, axis=0)) / 2
    rim, centre = np.concatenate([points, middles]), points.mean(axis=0)
    return np.concatenate([centre + share * (rim - centre) for share in (0, 0.3, 0.7, 1)])


@few
@given(rectangles(), papers)
def test_neighbouring_tiles_share_the_glue_strip(piece: Polygon, page: Page) -> None:
    cells = {spot.cell.tile: spot.cell.window_mm for spot in lay_out([piece], page)}
    for (row, column), window in cells.items():
        if (row, column + 1) in cells:
            assert math.isclose(window[2] - cells[row, column + 1][0], OVERLAP_MM, abs_tol=1e-6)
        if (row + 1, column) in cells:
            assert math.isclose(window[3] - cells[row + 1, column][1], OVERLAP_MM, abs_tol=1e-6)


@few
@given(pieces_of_a_sign, papers)
def test_a_whole_contour_keeps_its_edges_and_its_sense(pieces: list[Polygon], page: Page) -> None:
    for spot in lay_out(pieces, page):
        piece = pieces[spot.cell.piece - 1]
        if spot.cell.tiles == (1, 1):
            on_page = contour(spot, piece)
            assert math.isclose(area(on_page), area(piece), rel_tol=1e-6)
            assert np.allclose(_edges(on_page), _edges(piece), atol=1e-6)


def _edges(points: Polygon) -> NDArray[np.float64]:
    array = np.array(points)
    edges: NDArray[np.float64] = np.linalg.norm(array - np.roll(array, -1, axis=0), axis=1)
    return edges


@few
@given(convex(), st.floats(0.5, 5))
def test_outset_of_a_convex_polygon_keeps_its_distance(piece: Polygon, by: float) -> None:
    """Every edge's line moves outwards by the same distance, unless the mitre is cut short."""
    out = outset(piece, by)
    assert area(out) > area(piece)
    for i, point in enumerate(piece):
        assert math.dist(point, out[i]) <= 2 * by + 1e-6
        assert math.dist(point, out[i]) >= by - 1e-6


@few
@given(convex(), st.floats(150, 650))
def test_a_cut_divides_the_area(piece: Polygon, x: float) -> None:
    parts = [inside(piece, box) for box in ((0, 0, x, 900), (x, 0, 900, 900))]
    assert math.isclose(sum(area(part) for part in parts if part), area(piece), rel_tol=1e-6)


@few
@given(st.lists(st.floats(0, 100), min_size=1, max_size=20).map(sorted), st.floats(0.5, 5))
def test_spread_labels_keep_order_and_pitch(values: list[float], pitch: float) -> None:
    spots = spread(values, pitch)
    assert len(spots) == len(values)
    assert all(b - a >= pitch - 1e-6 for a, b in pairwise(spots))
    if all(b - a >= pitch for a, b in pairwise(values)):
        assert np.allclose(spots, values)
