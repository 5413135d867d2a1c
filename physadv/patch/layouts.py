"""Candidate placements: rectangles packed where a map of interest is high and ink is allowed."""

from dataclasses import dataclass, replace

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from physadv.core import Face, UserError
from physadv.patch.mask import Limits, Mask, measure, rectangle

CELL_MM = 10.0
GAP_CELLS = 1
LONGEST = 6
SAFE = 0.95
"""Of the legend that may be covered, the part that is used."""
Map = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ground:
    """The face on a grid of cells: which are free for ink, and each cell's share of the legend."""

    free: Map
    legend: Map
    face_mm2: float
    cell_mm: float


def ground(face: Face, limits: Limits) -> Ground:
    """Return the cells that lie in the field, and what they would cover of the legend."""
    height_mm, width_mm = face.size_mm
    rows, columns = int(height_mm // CELL_MM), int(width_mm // CELL_MM)
    worst = F.adaptive_max_pool2d(1 - face.field, (rows, columns))[0, 0]
    free = (worst <= 0.02).numpy().astype(np.float64)
    strokes = F.adaptive_avg_pool2d(face.legend, (rows, columns))[0, 0].double().numpy()
    legend = strokes * 0 if limits.allow_legend else strokes / max(strokes.sum(), 1e-12)
    area = float(face.cover.mean()) * height_mm * width_mm
    return Ground(free, legend, area, width_mm / columns)


def templates(shape: tuple[int, int]) -> dict[str, Map]:
    """Return the maps of interest that need no victim, over (rows, columns) of cells."""
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    middle = np.maximum(np.abs(x), np.abs(y))
    return {
        "top and bottom": np.abs(y) + 0.1,
        "left and right": np.abs(x) + 0.1,
        "around": middle + 0.1,
        "middle": 1.6 - middle,
        "above": 1.1 - y,
        "below": 1.1 + y,
    }


@dataclass(frozen=True)
class Room:
    """What is left to place: cells for a piece and in all, the least side, and how flat.

    `legend` is the share of the legend's strokes that this piece may cover.
    """

    share: float
    budget: float
    legend: float
    least: int
    flat: float


def pack(
    face: Face, interest: Map, limits: Limits, *, flat: float = 0.0, on_legend: bool = False
) -> Mask:
    """Place rectangles greedily where the interest is highest, within the limits.

    `interest` (rows, columns) is positive, on the cells of `ground`. `flat` is the least ratio of
    width to height. With `on_legend` pieces may cover what the limits allow of the letters.
    Raises `UserError` where not one piece of the least size fits.
    """
    field = ground(face, limits)
    cell = field.cell_mm
    least = int(np.ceil(limits.min_mm / cell - 1e-6))
    budget = field.face_mm2 * limits.area_pct / 100 / cell**2
    strokes = SAFE * limits.legend_pct / 100 if on_legend else 0.0
    free, pieces = field.free.copy(), []
    for left in range(limits.pieces, 0, -1):
        room = Room(budget / left * 1.15, budget, 2 * strokes / (left + 1), least, flat)
        chosen = _best(free, interest, field.legend, room)
        if chosen is None:
            continue
        top, start, high, wide = chosen
        strokes -= float(field.legend[top : top + high, start : start + wide].sum())
        pieces.append(rectangle(*(v * cell for v in (start, top, wide, high))))
        budget -= high * wide
        rows = slice(max(0, top - GAP_CELLS), top + high + GAP_CELLS)
        free[rows, max(0, start - GAP_CELLS) : start + wide + GAP_CELLS] = 0
    if not pieces:
        raise UserError(
            "min-mm",
            expected=f"pieces that fit beside the legend of {face.name} in {limits.area_pct:g} %",
            got=f"{limits.min_mm:g} mm",
            fix="allow a larger area, smaller pieces or --allow-legend",
        )
    return Mask(face.size_mm, tuple(pieces))


def _best(free: Map, interest: Map, legend: Map, room: Room) -> tuple[int, int, int, int] | None:
    """Return (top, left, height, width) in cells of the best free rectangle that has room."""
    sums, blocked, strokes = _integral(interest), _integral(1 - free), _integral(legend)
    found, score = None, 0.0
    for high, wide in _sizes(free.shape, room):
        clear = _boxes(blocked, high, wide) < 0.5
        clear &= _boxes(strokes, high, wide) <= room.legend + 1e-5
        value = np.where(clear, _boxes(sums, high, wide), 0.0)
        place = int(value.argmax())
        if value.flat[place] > score:
            score = float(value.flat[place])
            top, left = divmod(place, value.shape[1])
            found = (top, left, high, wide)
    return found


def _sizes(shape: tuple[int, ...], room: Room) -> list[tuple[int, int]]:
    cells = min(room.share, room.budget)
    return [
        (high, wide)
        for high in range(room.least, shape[0])
        for wide in range(room.least, shape[1])
        if high * wide <= cells
        and max(high, wide) <= LONGEST * min(high, wide)
        and wide >= room.flat * high
    ]


def _integral(values: Map) -> Map:
    total: Map = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    return total


def _boxes(integral: Map, high: int, wide: int) -> Map:
    """Return the sums over all boxes of one size."""
    below = integral[high:] - integral[:-high]
    sums: Map = below[:, wide:] - below[:, :-wide]
    return sums


def candidates(face: Face, limits: Limits, saliency: Tensor | None = None) -> dict[str, Mask]:
    """Return named placements within the limits; `saliency` (1,1,h,w) adds those it suggests.

    Each map of interest is packed with all pieces, the central ones also with about half as many
    and without touching the letters.
    """
    rows, columns = ground(face, limits).free.shape
    maps = templates((rows, columns))
    if saliency is not None:
        seen = F.adaptive_avg_pool2d(saliency, (rows, columns))[0, 0].double().numpy()
        maps["salient"] = seen / max(seen.mean(), 1e-12) + 0.05
    masks = {name: pack(face, interest, limits, on_legend=True) for name, interest in maps.items()}
    fewer = replace(limits, pieces=max(1, round(limits.pieces * 0.6)))
    masks["middle, fewer pieces"] = pack(face, maps["middle"], fewer, on_legend=True)
    masks["middle, off the letters"] = pack(face, maps["middle"], limits)
    least = 0.6 * limits.area_pct
    return {n: m for n, m in masks.items() if measure(m, face).area_pct > least} or masks


def bars(face: Face, limits: Limits) -> Mask:
    """Return horizontal bars above and below the legend, at least three times as long as high.

    Raises `UserError` where none of the least size fits.
    """
    shape = ground(face, limits).free.shape
    return pack(face, templates((shape[0], shape[1]))["middle"], limits, flat=3.0)
