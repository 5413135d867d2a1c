"""The colour chart, layout 1: which colours in what order, and where on the paper they lie."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import product

import numpy as np
from numpy.typing import NDArray

from physadv.core.papers import PAPERS

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]
"""A photo (H,W,3), RGB, or (H,W)."""

LAYOUT = "physadv chart 1"
FIRST_ID = 900
"""Marker ids from here on are charts': four to a paper, one a corner, clockwise from top left."""
MARKER_MM = 12.0
EDGE_MM, SIDE_MM, STRIP_MM = 8.0, 14.0, 24.0
"""From the paper's edge to the markers, to the patches beside and above."""
GAP_MM = 0.5
ROWS, COLUMNS = 20, 15
WHITE_ROWS, WHITE_COLUMNS = (0, 3, 6, 10, 13, 16, 19), (0, 4, 7, 10, 14)
WHITE = (255, 255, 255)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Chart:
    """The chart on one paper; points are (x, y) mm from the sheet's top left corner, y down."""

    paper: str

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width of the sheet."""
        width, height = PAPERS[self.paper]
        return height, width

    @property
    def marker_ids(self) -> tuple[int, ...]:
        """Ids of the ArUco markers (4x4), clockwise from top left."""
        first = FIRST_ID + 4 * list(PAPERS).index(self.paper)
        return tuple(range(first, first + 4))

    @property
    def markers_mm(self) -> Array:
        """The markers' corners (4,4,2), each clockwise from its top left one."""
        height, width = self.size_mm
        right, bottom = width - EDGE_MM - MARKER_MM, height - EDGE_MM - MARKER_MM
        left_top = ((EDGE_MM, EDGE_MM), (right, EDGE_MM), (right, bottom), (EDGE_MM, bottom))
        square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * MARKER_MM
        return np.array(left_top)[:, None] + square

    @property
    def cell_mm(self) -> tuple[float, float]:
        """Height and width of a patch with its gap."""
        height, width = self.size_mm
        return (height - 2 * STRIP_MM) / ROWS, (width - 2 * SIDE_MM) / COLUMNS

    @property
    def centres_mm(self) -> Array:
        """The patches' middles (N,2), row by row."""
        high, wide = self.cell_mm
        cells = product(range(ROWS), range(COLUMNS))
        return np.array(
            [(SIDE_MM + (j + 0.5) * wide, STRIP_MM + (i + 0.5) * high) for i, j in cells]
        )

    def patches_mm(self, share: float = 1.0) -> Array:
        """Return the patches' corners (N,4,2), clockwise, shrunk to a share of their sides."""
        high, wide = self.cell_mm
        reach = np.array([wide - GAP_MM, high - GAP_MM]) * share / 2
        square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * reach
        corners: Array = self.centres_mm[:, None] + square
        return corners


@cache
def colours() -> tuple[Colour, ...]:
    """Return the patches' 8-bit colours, row by row.

    White on a lattice, to see the light by; between, in an order that mixes them (by hash): a cube
    of 6 levels, a grey ramp of 16, six ramps from white over a full colour, 9 inside the cube.
    """
    rest = iter(sorted(_set(), key=lambda one: sha256(LAYOUT.encode() + bytes(one)).digest()))
    cells = product(range(ROWS), range(COLUMNS))
    return tuple(WHITE if _is_white(*cell) else next(rest) for cell in cells)


def _is_white(row: int, column: int) -> bool:
    return row in WHITE_ROWS and column in WHITE_COLUMNS


def _set() -> set[Colour]:
    steps = range(0, 256, 51)
    cube = set(product(steps, steps, steps))
    greys = {(level, level, level) for level in range(0, 255, 17)}
    full = [one for one in product((0, 1), repeat=3) if 0 < sum(one) < 3]
    ramps = {_tint(one, level) for one in full for level in (25, 76, 128, 178, 230)}
    inside = {(128, 128, 128), *product((77, 179), (77, 179), (77, 179))}
    return cube | greys | ramps | inside


def _tint(full: tuple[int, ...], level: int) -> Colour:
    red, green, blue = (255 if one else level for one in full)
    return red, green, blue


def chart_of(marker: int) -> Chart | None:
    """Return the chart that a marker's id belongs to, None if to none that is known."""
    number = (marker - FIRST_ID) // 4
    return Chart(list(PAPERS)[number]) if 0 <= number < len(PAPERS) else None
