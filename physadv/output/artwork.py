"""The artwork that goes to print: the sign's frame, the stickers' contours and their ink."""

from dataclasses import dataclass
from math import ceil, floor, isfinite

import numpy as np
from numpy.typing import NDArray

from physadv.core.check import check
from physadv.output.polygon import Polygon, area, bounds

SMALLEST_MM = 1.0
OUTSIDE_MM = 0.5
OPAQUE = 128
"""Alpha from which a pixel of the patch counts as ink."""


@dataclass(frozen=True, eq=False)
class Artwork:
    """What the sheet, the placement page and the cut file are made from.

    Points are (x, y) mm from the top left corner of the sign's frame, y down. `size_mm` is the
    frame's (height, width), `outline_mm` the sign's silhouette, `pieces_mm` each sticker's contour,
    clockwise. `patch` (H,W,4) uint8 RGBA is the ink over the whole frame, transparent where there
    is none; `sign` (H,W,4) uint8 RGBA is the sign with the stickers on. `digest` is the design's
    hexadecimal hash; `date` (ISO) is given, not read from a clock, so that output can be repeated.
    """

    name: str
    digest: str
    date: str
    size_mm: tuple[float, float]
    outline_mm: Polygon
    pieces_mm: tuple[Polygon, ...]
    patch: NDArray[np.uint8]
    sign: NDArray[np.uint8]


def check_artwork(artwork: Artwork) -> None:
    """Raise `UserError` when the artwork cannot be printed."""
    height, width = artwork.size_mm
    check(
        0 < height < 1e5 and 0 < width < 1e5,
        "size_mm",
        expected="(height, width) of the sign's frame in mm, above 0",
        got=artwork.size_mm,
    )
    check(bool(artwork.pieces_mm), "pieces_mm", expected="at least one sticker", got="none")
    _check_polygon("outline_mm", artwork.outline_mm, artwork.size_mm)
    for i, piece in enumerate(artwork.pieces_mm):
        _check_polygon(f"pieces_mm[{i}]", piece, artwork.size_mm)
    _check_picture("patch", artwork.patch, artwork.size_mm)
    _check_picture("sign", artwork.sign, artwork.size_mm)
    _check_ink(artwork)


def _check_polygon(argument: str, points: Polygon, size_mm: tuple[float, float]) -> None:
    finite = len(points) > 2 and all(isfinite(x) and isfinite(y) for x, y in points)
    check(finite, argument, expected="at least 3 points (x, y) in mm", got=str(points)[:80])
    x0, y0, x1, y1 = bounds(points)
    check(
        min(x1 - x0, y1 - y0) >= SMALLEST_MM and abs(area(points)) >= SMALLEST_MM**2,
        argument,
        expected=f"a contour of at least {SMALLEST_MM:g} mm in both directions that encloses area",
        got=f"{x1 - x0:.2f} x {y1 - y0:.2f} mm enclosing {abs(area(points)):.2f} mm2",
        fix="drop this sticker or make it larger",
    )
    height, width = size_mm
    check(
        min(x0, y0) >= -OUTSIDE_MM and x1 <= width + OUTSIDE_MM and y1 <= height + OUTSIDE_MM,
        argument,
        expected=f"points inside the sign's frame of {width:g} x {height:g} mm",
        got=f"x {x0:.1f} to {x1:.1f}, y {y0:.1f} to {y1:.1f} mm",
        fix="points are (x, y) in mm from the frame's top left corner, y down",
    )


def _check_picture(argument: str, picture: NDArray[np.uint8], size_mm: tuple[float, float]) -> None:
    rgba = picture.ndim == 3 and picture.shape[2] == 4 and picture.dtype == np.uint8
    got = f"{picture.shape} {picture.dtype}"
    check(rgba and picture.size > 0, argument, expected="RGBA (H,W,4) uint8", got=got)
    high, wide = picture.shape[:2]
    check(
        abs(wide * size_mm[0] / size_mm[1] - high) <= 1 + 0.01 * high,
        argument,
        expected=f"the frame's proportions, height / width = {size_mm[0] / size_mm[1]:.3f}",
        got=f"{high} / {wide} pixels",
        fix="the picture must cover the sign's whole frame",
    )


def _check_ink(artwork: Artwork) -> None:
    """Raise `UserError` where the patch has no ink at a sticker: they are not from one design."""
    high, wide = artwork.patch.shape[:2]
    across, down = wide / artwork.size_mm[1], high / artwork.size_mm[0]
    for i, piece in enumerate(artwork.pieces_mm):
        x0, y0, x1, y1 = bounds(piece)
        rows = slice(max(0, floor(y0 * down)), ceil(y1 * down))
        columns = slice(max(0, floor(x0 * across)), ceil(x1 * across))
        check(
            bool((artwork.patch[rows, columns, 3] >= OPAQUE).any()),
            "patch",
            expected=f"ink (alpha of at least {OPAQUE}) inside pieces_mm[{i}]",
            got="none",
            fix="give the patch and the contours of the same design",
        )
