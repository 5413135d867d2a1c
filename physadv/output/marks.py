"""What every page carries besides stickers: fiducials, ruler, bars, registration, footer."""

from functools import cache

import cv2
import numpy as np
from reportlab.lib.colors import CMYKColor, Color

from physadv.output.artwork import Artwork
from physadv.output.paper import EDGE_MM, MARKER_MM, Page
from physadv.output.pen import ALL_INKS, BLACK, GREY, WHITE, Pen, box_ring, text_width_mm
from physadv.output.polygon import Point

NOTICE = "robustness test artefact - not for use on public roads"
DICTIONARY = cv2.aruco.DICT_4X4_1000
"""Its first 50 markers, those of the first 12 pages, are DICT_4X4_50's."""
RULER_MM = 100
REGISTRATION_MM = 3.0

_MODULES = 6
_PATCH_MM = 5.0
_GREYS = [CMYKColor(0, 0, 0, step / 10) for step in range(11)]
_COLOURS = {
    "R": Color(1, 0, 0),
    "G": Color(0, 1, 0),
    "B": Color(0, 0, 1),
    "C": CMYKColor(1, 0, 0, 0),
    "M": CMYKColor(0, 1, 0, 0),
    "Y": CMYKColor(0, 0, 1, 0),
    "K": CMYKColor(0, 0, 0, 1),
}


def furnish(pen: Pen, page: Page, artwork: Artwork, number: int, count: int) -> None:
    """Draw all the marks of page `number` (from 1) of `count`."""
    for corner, place in enumerate(page.markers_mm):
        fiducial(pen, place, marker_id(number, corner))
    for centre in page.registration_mm:
        registration(pen, centre)
    ruler(pen, ((page.width_mm - RULER_MM) / 2, EDGE_MM + 6))
    _advice(pen, page)
    _bars(pen, page)
    _footer(pen, page, artwork, f"page {number} of {count}")


def marker_id(number: int, corner: int) -> int:
    """Return the ArUco id for a page (from 1) and a corner (from 0, clockwise from top left)."""
    return ((number - 1) * 4 + corner) % 1000


@cache
def _modules(marker: int) -> tuple[tuple[int, int], ...]:
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    bits = cv2.aruco.generateImageMarker(dictionary, marker, _MODULES)
    return tuple((int(row), int(column)) for row, column in np.argwhere(bits == 0))


def fiducial(pen: Pen, place: Point, marker: int) -> None:
    """Draw an ArUco marker as vector squares, its top left corner at `place`."""
    step = MARKER_MM / _MODULES
    squares = [
        box_ring((x, y, x + step, y + step))
        for x, y in ((place[0] + j * step, place[1] + i * step) for i, j in _modules(marker))
    ]
    pen.fill(squares)


def registration(pen: Pen, centre: Point, radius_mm: float = REGISTRATION_MM) -> None:
    """Draw a circle with a cross."""
    x, y = centre
    pen.circle(centre, radius_mm * 2 / 3)
    pen.line((x - radius_mm, y), (x + radius_mm, y), colour=ALL_INKS)
    pen.line((x, y - radius_mm), (x, y + radius_mm), colour=ALL_INKS)


def ruler(pen: Pen, start: Point) -> None:
    """Draw 100 mm from `start` to the right, with a tick for every mm."""
    x, y = start
    pen.line(start, (x + RULER_MM, y))
    for step in range(RULER_MM + 1):
        length = 4.0 if step % 10 == 0 else 3.0 if step % 5 == 0 else 2.0
        pen.line((x + step, y), (x + step, y + length))
        if step % 10 == 0:
            pen.text((x + step, y + 6.3), str(step), size_pt=5, align="centre")


def _advice(pen: Pen, page: Page) -> None:
    wide, high = page.width_mm - 2 * EDGE_MM, page.height_mm - 2 * EDGE_MM
    first = "Print at 100 % (actual size). The ruler is 100 mm long;"
    second = f"outside to outside the black markers span {wide:.1f} x {high:.1f} mm."
    middle = page.width_mm / 2
    pen.text((middle, EDGE_MM + 2), first, size_pt=5.5, align="centre")
    pen.text((middle, EDGE_MM + 4.6), second, size_pt=5.5, align="centre")


def _bars(pen: Pen, page: Page) -> None:
    count = len(_GREYS) + len(_COLOURS) + 1
    x = (page.width_mm - count * _PATCH_MM) / 2
    y = page.height_mm - EDGE_MM - MARKER_MM
    labels = [str(10 * step) for step in range(len(_GREYS))] + [""] + list(_COLOURS)
    colours: list[Color | None] = [*_GREYS, None, *_COLOURS.values()]
    for label, colour in zip(labels, colours, strict=True):
        box = box_ring((x, y, x + _PATCH_MM, y + 4))
        if colour is not None:
            pen.fill([box], colour)
            pen.outline(box, 0.15, GREY)
        pen.text((x + _PATCH_MM / 2, y + 5.8), label, size_pt=4, align="centre")
        x += _PATCH_MM


def _footer(pen: Pen, page: Page, artwork: Artwork, counted: str) -> None:
    middle, y = page.width_mm / 2, page.height_mm - EDGE_MM
    room = page.width_mm - 2 * (EDGE_MM + MARKER_MM + 2)
    rest = f" · {artwork.digest[:12]} · {artwork.date} · {counted}"
    name = artwork.name
    while name and text_width_mm(name + rest, 6.5) > room:
        name = name[:-2] + "…" if len(name) > 2 else ""
    pen.text((middle, y - 3.2), name + rest, size_pt=6.5, align="centre")
    pen.text((middle, y - 0.3), NOTICE, size_pt=6.5, align="centre", bold=True)


def crop_marks(pen: Pen, box: tuple[float, float, float, float], start: float, end: float) -> None:
    """Draw eight short lines outside a box's corners, from `start` to `end` mm away from it."""
    x0, y0, x1, y1 = box
    for x, way in ((x0, -1), (x1, 1)):
        for y in (y0, y1):
            pen.line((x + way * start, y), (x + way * end, y), colour=ALL_INKS)
    for y, way in ((y0, -1), (y1, 1)):
        for x in (x0, x1):
            pen.line((x, y + way * start), (x, y + way * end), colour=ALL_INKS)


def up_arrow(pen: Pen, place: Point, turned: bool) -> None:
    """Draw a small arrow that points to the sticker's top: up, or right where it is turned."""
    x, y = place
    up = ((x - 0.8, y + 0.9), (x + 0.8, y + 0.9), (x, y - 0.9))
    right = ((x - 0.9, y - 0.8), (x - 0.9, y + 0.8), (x + 0.9, y))
    pen.fill([right if turned else up], BLACK)


def disc(pen: Pen, centre: Point, text: str, radius_mm: float) -> None:
    """Draw a white disc with a number of up to two figures."""
    below = centre[0], centre[1] + 0.42 * radius_mm
    pen.circle(centre, radius_mm, WHITE)
    pen.text(below, text, size_pt=3.2 * radius_mm, align="centre", bold=True)
