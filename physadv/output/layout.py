"""Where each sticker is printed: tiles for what is larger than a page, shelves for the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from physadv.output.paper import Page
from physadv.output.polygon import Box, Point, Polygon, bounds, grown, inside

BLEED_MM = 2.0
MARGIN_MM = 7.0
"""Around every cell: bleed, crop marks, label, the tiles' registration marks."""
OVERLAP_MM = 10.0
"""What neighbouring tiles share: the glue strip."""
_SLACK_MM = 1e-6

Size = tuple[float, float]


@dataclass(frozen=True)
class Cell:
    """What is printed in one go: a whole piece or one tile of it.

    `piece` counts from 1; `window_mm` is in the sign's frame; `tile` is (row, column) from 0.
    """

    piece: int
    window_mm: Box
    tile: tuple[int, int] = (0, 0)
    tiles: tuple[int, int] = (1, 1)

    @property
    def size_mm(self) -> Size:
        """Width and height of the window."""
        x0, y0, x1, y1 = self.window_mm
        return x1 - x0, y1 - y0

    @property
    def neighbours(self) -> tuple[bool, bool, bool, bool]:
        """Whether a tile follows at the left, top, right, bottom."""
        (row, column), (rows, columns) = self.tile, self.tiles
        return column > 0, row > 0, column < columns - 1, row < rows - 1


@dataclass(frozen=True)
class Spot:
    """A cell on a page (from 0): its window's top left corner there, maybe turned clockwise."""

    cell: Cell
    page: int
    x_mm: float
    y_mm: float
    turned: bool = False

    def __call__(self, points: Sequence[Point]) -> Polygon:
        """Map points of the sign's frame to the page, both in mm."""
        x0, y0, _, y1 = self.cell.window_mm
        if self.turned:
            return tuple((self.x_mm + y1 - y, self.y_mm + x - x0) for x, y in points)
        return tuple((self.x_mm + x - x0, self.y_mm + y - y0) for x, y in points)

    @property
    def box_mm(self) -> Box:
        """The window on the page."""
        wide, high = _turn(self.cell.size_mm, self.turned)
        return self.x_mm, self.y_mm, self.x_mm + wide, self.y_mm + high

    @property
    def outer_mm(self) -> Box:
        """The window and its margin on the page; nothing else may be there."""
        return grown(self.box_mm, MARGIN_MM)


def lay_out(pieces: Sequence[Polygon], page: Page) -> tuple[Spot, ...]:
    """Give every piece, or all its tiles, a place on as few pages as simple shelves manage."""
    x0, y0, x1, y1 = page.usable_mm
    room = x1 - x0 - 2 * MARGIN_MM, y1 - y0 - 2 * MARGIN_MM
    cells = [cell for i, piece in enumerate(pieces) for cell in _cells(i + 1, piece, room)]
    tries = [_shelve(cells, page, prefer) for prefer in (0, 1, -1)]
    return min(tries, key=page_count)


def page_count(spots: Sequence[Spot]) -> int:
    """Return how many pages the spots need."""
    return 1 + max(spot.page for spot in spots)


def contour(spot: Spot, piece: Polygon) -> Polygon:
    """Return what is cut at a spot, on the page: the contour, for a tile the part in its window."""
    whole = spot.cell.tiles == (1, 1)
    return spot(piece if whole else inside(piece, spot.cell.window_mm))


def _cells(number: int, piece: Polygon, room: Size) -> list[Cell]:
    x0, y0, x1, y1 = bounds(piece)
    size = x1 - x0, y1 - y0
    if any(_fits(_turn(size, turned), room) for turned in (False, True)):
        return [Cell(number, (x0, y0, x1, y1))]
    counts = [_counts(size, _turn(room, turned)) for turned in (False, True)]
    columns, rows = min(counts, key=lambda count: count[0] * count[1])
    found = [
        Cell(number, (left, top, right, bottom), (row, column), (rows, columns))
        for row, (top, bottom) in enumerate(_spans(y0, y1, rows))
        for column, (left, right) in enumerate(_spans(x0, x1, columns))
    ]
    return [cell for cell in found if inside(piece, cell.window_mm)]


def _counts(size: Size, room: Size) -> tuple[int, int]:
    wide, high = (
        max(1, ceil((length - OVERLAP_MM) / (most - OVERLAP_MM) - _SLACK_MM))
        for length, most in zip(size, room, strict=True)
    )
    return wide, high


def _spans(start: float, end: float, count: int) -> list[tuple[float, float]]:
    length = (end - start + (count - 1) * OVERLAP_MM) / count
    lefts = [start + i * (length - OVERLAP_MM) for i in range(count)]
    return [(left, end if i == count - 1 else left + length) for i, left in enumerate(lefts)]


def _turn(size: Size, turned: bool) -> Size:
    return (size[1], size[0]) if turned else size


def _fits(size: Size, room: Size) -> bool:
    return size[0] <= room[0] + _SLACK_MM and size[1] <= room[1] + _SLACK_MM


def _shelve(cells: list[Cell], page: Page, prefer: int) -> tuple[Spot, ...]:
    """First fit on shelves, highest cells first; `prefer` is 1 upright, -1 lying, 0 as drawn."""
    x0, y0, x1, y1 = page.usable_mm
    room = x1 - x0 - 2 * MARGIN_MM, y1 - y0 - 2 * MARGIN_MM
    turns = {cell: _turned(cell, room, prefer) for cell in cells}
    order = sorted(cells, key=lambda cell: -_outer(cell, turns[cell])[1])
    shelves: list[list[float]] = []
    spots = []
    for cell in order:
        wide, high = _outer(cell, turns[cell])
        shelf = next((one for one in shelves if one[1] + wide <= x1 + _SLACK_MM), None)
        if shelf is None:
            shelf = _next_shelf(shelves, high, page)
            shelves.append(shelf)
        number, x, y, _ = shelf
        spots.append(Spot(cell, int(number), x + MARGIN_MM, y + MARGIN_MM, turns[cell]))
        shelf[1] += wide
    return tuple(spots)


def _turned(cell: Cell, room: Size, prefer: int) -> bool:
    wide, high = cell.size_mm
    turned = prefer * (wide - high) > 0
    return turned if _fits(_turn(cell.size_mm, turned), room) else not turned


def _outer(cell: Cell, turned: bool) -> Size:
    wide, high = _turn(cell.size_mm, turned)
    return wide + 2 * MARGIN_MM, high + 2 * MARGIN_MM


def _next_shelf(shelves: list[list[float]], high: float, page: Page) -> list[float]:
    """Return page, x, y and bottom of a new shelf below the last, or on a new page."""
    x0, y0, _, y1 = page.usable_mm
    if not shelves:
        return [0, x0, y0, y0 + high]
    number, _, _, bottom = shelves[-1]
    if bottom + high <= y1 + _SLACK_MM:
        return [number, x0, bottom, bottom + high]
    return [number + 1, x0, y0, y0 + high]
