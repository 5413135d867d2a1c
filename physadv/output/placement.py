"""The placement page: the sign at a stated scale with every sticker's position in millimetres."""

from collections.abc import Callable, Sequence

import numpy as np

from physadv.output.artwork import Artwork
from physadv.output.layout import Spot
from physadv.output.marks import disc
from physadv.output.ordinates import draw_ordinates
from physadv.output.paper import Page
from physadv.output.pen import BLACK, GREY, PALE, WHITE, Pen
from physadv.output.polygon import Box, Point, bounds

SCALES = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200)
_ROW_MM = 3.8
_BLOCK_MM = 60.0
_HEAD_MM = 16.0
_GAP_MM = 6.0
_GUTTER_MM = 16.0
"""Room for the ordinates left of and above the sign."""
_COLUMNS = (
    ("no.", 5.0),
    ("x", 16.0),
    ("y", 27.0),
    ("width", 38.0),
    ("height", 49.0),
    ("page", 58.0),
)
_FAINT = 0.45

Row = tuple[str, ...]
Tables = list[list[Row]]


def placement_tables(artwork: Artwork, page: Page, spots: Sequence[Spot]) -> Tables:
    """Split the pieces' rows into tables, one a page; nearly always there is one."""
    x0, y0, x1, y1 = page.usable_mm
    blocks = int((x1 - x0) / _BLOCK_MM)
    first = blocks * int(0.4 * (y1 - y0) / _ROW_MM - 1)
    later = blocks * int((y1 - y0 - _HEAD_MM) / _ROW_MM - 1)
    rows = [_row(artwork, number, spots) for number in range(1, len(artwork.pieces_mm) + 1)]
    rest = rows[first:]
    return [rows[:first], *(rest[i : i + later] for i in range(0, len(rest), later))]


def _row(artwork: Artwork, number: int, spots: Sequence[Spot]) -> Row:
    x0, y0, x1, y1 = bounds(artwork.pieces_mm[number - 1])
    pages = sorted({spot.page + 1 for spot in spots if spot.cell.piece == number})
    where = f"{pages[0]}" if len(pages) == 1 else f"{pages[0]}-{pages[-1]}"
    return (f"{number}", *(f"{value:.1f}" for value in (x0, y0, x1 - x0, y1 - y0)), where)


def draw_placement(pen: Pen, artwork: Artwork, page: Page, tables: Tables, *, index: int) -> None:
    """Draw one placement page: the sign and the first table, or a further table."""
    x0, y0, x1, y1 = page.usable_mm
    blocks = int((x1 - x0) / _BLOCK_MM)
    deep = -(-len(tables[index]) // blocks)
    if index:
        pen.text((x0, y0 + 4), "Placement, continued", size_pt=9, bold=True)
        _table(pen, tables[index], deep, (x0, y0 + _HEAD_MM))
        return
    bottom = _drawing(pen, artwork, (x0, y0, x1, y1 - (deep + 1) * _ROW_MM - _GAP_MM))
    _table(pen, tables[index], deep, (x0, bottom + _GAP_MM))


def scale_for(size_mm: tuple[float, float], room: tuple[float, float]) -> float:
    """Return the least n of `SCALES` at which 1:n of (height, width) fits (width, height)."""
    need = max(size_mm[1] / room[0], size_mm[0] / room[1])
    return next((scale for scale in SCALES if scale >= need), float(np.ceil(need)))


def _drawing(pen: Pen, artwork: Artwork, box: Box) -> float:
    """Draw the sign as large as the box allows; return where the drawing ends."""
    x0, y0, x1, y1 = box
    room = x1 - x0 - _GUTTER_MM, y1 - y0 - _HEAD_MM - _GUTTER_MM
    scale = scale_for(artwork.size_mm, room)
    height, width = artwork.size_mm[0] / scale, artwork.size_mm[1] / scale
    left = x0 + _GUTTER_MM + (room[0] - width) / 2
    frame = left, y0 + _HEAD_MM + _GUTTER_MM, left + width, y0 + _HEAD_MM + _GUTTER_MM + height

    def place(point: Point) -> Point:
        return frame[0] + point[0] / scale, frame[1] + point[1] / scale

    _heading(pen, artwork, (x0, y0), scale)
    _sign(pen, artwork, frame, place)
    draw_ordinates(pen, [bounds(piece) for piece in artwork.pieces_mm], frame, scale)
    for i, piece in enumerate(artwork.pieces_mm):
        px0, py0, px1, py1 = bounds(piece)
        radius = min(2.0, max(0.6, 0.45 * min(px1 - px0, py1 - py0) / scale))
        disc(pen, place(((px0 + px1) / 2, (py0 + py1) / 2)), str(i + 1), radius)
    return frame[3]


def _heading(pen: Pen, artwork: Artwork, at: Point, scale: float) -> None:
    height, width = artwork.size_mm
    x, y = at
    pen.text((x, y + 4), f"Placement, scale 1:{scale:g}", size_pt=9, bold=True)
    lines = (
        f"The sign's frame is {width:.1f} mm wide and {height:.1f} mm high, seen from the front.",
        "x and y: from the frame's top left corner (x to the right, y down) to each sticker's "
        "top left corner. All in mm.",
    )
    for i, line in enumerate(lines):
        pen.text((x, y + 8 + 3 * i), line, size_pt=6.5)


def _sign(pen: Pen, artwork: Artwork, frame: Box, place: Callable[[Point], Point]) -> None:
    faint = artwork.sign.copy()
    faint[..., :3] = 255 - (_FAINT * (255 - faint[..., :3].astype(float))).round()
    pen.picture(faint, frame)
    x0, y0, x1, y1 = frame
    pen.line((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0), colour=GREY, dash=True)
    pen.outline([place(point) for point in artwork.outline_mm], 0.5)
    for piece in artwork.pieces_mm:
        ring = [place(point) for point in piece]
        pen.outline(ring, 1.2, WHITE)
        pen.outline(ring, 0.5)


def _table(pen: Pen, rows: list[Row], deep: int, at: Point) -> None:
    """Draw the rows in blocks side by side, `deep` rows each."""
    for i in range(0, len(rows), deep):
        x, y = at[0] + i // deep * _BLOCK_MM, at[1]
        _line(pen, tuple(name for name, _ in _COLUMNS), (x, y), bold=True)
        for row in rows[i : i + deep]:
            y += _ROW_MM
            _line(pen, row, (x, y))


def _line(pen: Pen, row: Row, at: Point, bold: bool = False) -> None:
    x, y = at
    for (_, column), value in zip(_COLUMNS, row, strict=True):
        pen.text((x + column, y + 2.7), value, size_pt=6, align="right", bold=bold)
    rule = (x, y + _ROW_MM), (x + _BLOCK_MM - 2, y + _ROW_MM)
    pen.line(*rule, colour=BLACK if bold else PALE)
