"""Candidate placements: rectangles packed where a map of interest is high and ink is allowed."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from physadv.core import Face, UserError
from physadv.patch.mask import Limits, Mask, measure, rectangle

CELL_MM = 10.0
GAP_CELLS = 1
LONGEST = 6
Map = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ground:
    """The face on a grid of cells: which are free for ink, and how much area the face has."""

    free: Map
    face_mm2: float
    cell_mm: float


def ground(face: Face, limits: Limits) -> Ground:
    """Return the cells that lie in the field and, unless allowed, off the legend."""
    height_mm, width_mm = face.size_mm
    rows, columns = int(height_mm // CELL_MM), int(width_mm // CELL_MM)
    blocked = 1 - face.field if limits.allow_legend else torch.maximum(1 - face.field, face.legend)
    worst = F.adaptive_max_pool2d(blocked, (rows, columns))[0, 0]
    free = (worst <= 0.02).numpy().astype(np.float64)
    area = float(face.cover.mean()) * height_mm * width_mm
    return Ground(free, area, width_mm / columns)


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
    """What is left to place: cells for a piece and in all, the least side, and how flat."""

    share: float
    budget: float
    least: int
    flat: float


def pack(face: Face, interest: Map, limits: Limits, *, flat: float = 0.0) -> Mask:
    """Place rectangles greedily where the interest is highest, within the limits.

    `interest` (rows, columns) is positive, on the cells of `ground`. `flat` is the least ratio of
    width to height. Raises `UserError` where not one piece of the least size fits.
    """
    field = ground(face, limits)
    cell = field.cell_mm
    least = int(np.ceil(limits.min_mm / cell - 1e-6))
    budget = field.face_mm2 * limits.area_pct / 100 / cell**2
    free, pieces = field.free.copy(), []
    for left in range(limits.pieces, 0, -1):
        chosen = _best(free, interest, Room(budget / left * 1.15, budget, least, flat))
        if chosen is None:
            continue
        top, start, high, wide = chosen
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


def _best(free: Map, interest: Map, room: Room) -> tuple[int, int, int, int] | None:
    """Return (top, left, height, width) in cells of the best free rectangle that has room."""
    sums, blocked = _integral(interest), _integral(1 - free)
    found, score = None, 0.0
    for high, wide in _sizes(free.shape, room):
        clear = _boxes(blocked, high, wide) < 0.5
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
    """Return named placements within the limits; `saliency` (1,1,h,w) adds those it suggests."""
    shape = ground(face, limits).free.shape
    maps = templates((shape[0], shape[1]))
    if saliency is not None:
        seen = F.adaptive_avg_pool2d(saliency, (shape[0], shape[1]))[0, 0].double().numpy()
        seen = seen / max(seen.mean(), 1e-12)
        maps |= {"salient": seen + 0.05, "most salient": seen**2 + 0.05}
    masks = {name: pack(face, interest, limits) for name, interest in maps.items()}
    return {
        n: m for n, m in masks.items() if measure(m, face).area_pct > 0.6 * limits.area_pct
    } or masks


def bars(face: Face, limits: Limits) -> Mask:
    """Return horizontal bars above and below the legend, at least three times as long as high.

    Raises `UserError` where none of the least size fits.
    """
    shape = ground(face, limits).free.shape
    return pack(face, templates((shape[0], shape[1]))["middle"], limits, flat=3.0)
