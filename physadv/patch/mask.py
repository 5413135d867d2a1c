"""Where the ink goes: the stickers' contours in millimetres, and what they cover."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from physadv.core import Face, UserError, check, load_rgba
from physadv.core.coverage import Contour, coverage
from physadv.core.device import here
from physadv.patch.contours import contours

UNLIKE_PCT = 2.0
"""What rounding may leave of a symmetric mask without its mirror image."""


@dataclass(frozen=True)
class Limits:
    """What stickers may be: their share of the face, number, least size, and where they lie.

    `area_pct` is per cent of the face's silhouette; `min_mm` holds in both directions; with
    `allow_legend` letters may be covered, else at most `legend_pct` per cent of their strokes, and
    with `away_mm` pieces keep that distance from them. `symmetric` pieces are their own mirror
    image about the frame's vertical axis; each counts.
    """

    area_pct: float = 15.0
    pieces: int = 8
    min_mm: float = 40.0
    allow_legend: bool = False
    legend_pct: float = 10.0
    symmetric: bool = False
    away_mm: float = 0.0

    def __post_init__(self) -> None:
        """Refuse limits that nothing can meet."""
        area, size = f"{self.area_pct:g}", f"{self.min_mm:g}"
        check(0 < self.area_pct <= 100, "area", expected="a per cent above 0, up to 100", got=area)
        check(self.pieces >= 1, "pieces", expected="at least 1", got=self.pieces)
        check(self.min_mm > 0, "min-mm", expected="millimetres above 0", got=size)
        away = f"{self.away_mm:g}"
        check(self.away_mm >= 0, "away-mm", expected="millimetres, at least 0", got=away)
        both = self.allow_legend and self.away_mm > 0
        check(not both, "away-mm", expected="none beside --allow-legend", got=away)


@dataclass(frozen=True)
class Mask:
    """Sticker contours on a frame of `size_mm` (height, width): polygons of (x, y) mm."""

    size_mm: tuple[float, float]
    pieces_mm: tuple[Contour, ...] = field(repr=False)

    @cached_property
    def _covers(self) -> dict[int, Tensor]:
        return {}

    def cover(self, width_px: int) -> Tensor:
        """Return the covered share (1,1,h,w) of each pixel, exactly."""
        if width_px not in self._covers:
            height_px = round(width_px * self.size_mm[0] / self.size_mm[1])
            shapes = tuple((piece,) for piece in self.pieces_mm)
            array = coverage(shapes, self.size_mm, (height_px, width_px))
            self._covers[width_px] = torch.from_numpy(array).float()[None, None]
        return here(self._covers[width_px])


def rectangle(x_mm: float, y_mm: float, width_mm: float, height_mm: float) -> Contour:
    """Return a rectangle's contour from its top left corner and size, clockwise."""
    right, bottom = x_mm + width_mm, y_mm + height_mm
    return ((x_mm, y_mm), (right, y_mm), (right, bottom), (x_mm, bottom))


def read_mask(path: str | Path, size_mm: tuple[float, float]) -> Mask:
    """Read a mask image laid over the frame: white, or opaque where it has alpha, is sticker.

    Raises `UserError` where nothing is marked.
    """
    colour, alpha = load_rgba(path)
    marked = (colour.mean(dim=1)[0] * alpha[0, 0] >= 0.5).numpy().astype(np.uint8)
    pieces = contours(marked, size_mm)
    if not pieces:
        raise UserError("mask", expected="an image with white stickers on black", got=str(path))
    return Mask(size_mm, pieces)


@dataclass(frozen=True)
class Measures:
    """What a mask takes of a face, in per cent, and how many and how small its pieces are."""

    area_pct: float
    legend_pct: float
    outside_pct: float
    pieces: int
    smallest_mm: float


def measure(mask: Mask, face: Face) -> Measures:
    """Measure a mask on a face's rasters; `outside_pct` is the part that leaves the field."""
    cover = mask.cover(face.cover.shape[-1])
    legend = float(face.legend.sum())
    points = [np.array(piece, dtype=np.float32) for piece in mask.pieces_mm]
    return Measures(
        100 * float((cover * face.cover).sum() / face.cover.sum()),
        100 * float((cover * face.legend).sum()) / legend if legend else 0.0,
        100 * float((cover * (1 - face.field)).sum() / cover.sum()),
        len(points),
        min(min(cv2.minAreaRect(piece)[1]) for piece in points),
    )


def check_mask(mask: Mask, face: Face, limits: Limits) -> Measures:
    """Return the measures of a mask, or raise `UserError` for the first limit it breaks."""
    found = measure(mask, face)
    legend = 100.0 if limits.allow_legend else limits.legend_pct
    rows = (
        ("area", found.area_pct <= limits.area_pct + 0.05, limits.area_pct, found.area_pct),
        ("pieces", found.pieces <= limits.pieces, limits.pieces, found.pieces),
        ("legend", found.legend_pct <= legend + 0.05, legend, found.legend_pct),
        ("outside the field", found.outside_pct <= 0.5, 0.0, found.outside_pct),
    )
    for name, holds, limit, value in rows:
        check(holds, f"mask {name}", expected=f"at most {limit:g}", got=f"{value:.1f}")
    least, size = f"at least {limits.min_mm:g} mm", f"{found.smallest_mm:.1f} mm"
    check(found.smallest_mm >= limits.min_mm - 0.5, "mask piece size", expected=least, got=size)
    _check_place(mask, face, limits)
    return found


def _check_place(mask: Mask, face: Face, limits: Limits) -> None:
    """Raise `UserError` for pieces too near to the letters, or not symmetric where they have to be.

    Distances are told to a pixel of the face's rasters.
    """
    cover = mask.cover(face.cover.shape[-1])
    if limits.away_mm > 0:
        near = float(torch.where(cover > 0.5, apart_mm(face), torch.inf).min())
        least, got = f"at least {limits.away_mm:g} mm", f"{near:.1f} mm"
        holds = near >= limits.away_mm - face.size_mm[1] / cover.shape[-1]
        check(holds, "mask distance from the letters", expected=least, got=got)
    if limits.symmetric:
        unlike = 100 * float((cover - cover.flip(3)).abs().sum() / cover.sum())
        got = f"{unlike:.1f} % without its mirror image"
        check(unlike <= UNLIKE_PCT, "mask", expected="symmetric pieces", got=got)


def apart_mm(face: Face) -> Tensor:
    """Return how far the middle of each pixel of a face (1,1,h,w) is from its letters, in mm.

    Where there are none everything is infinitely far.
    """
    strokes = (face.legend[0, 0] >= 0.5).cpu().numpy().astype(np.uint8)
    if not strokes.any():
        return torch.full_like(face.legend, torch.inf)
    far = cv2.distanceTransform(1 - strokes, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    far_mm = far * np.float32(face.size_mm[1] / strokes.shape[1])
    return torch.from_numpy(far_mm)[None, None]
