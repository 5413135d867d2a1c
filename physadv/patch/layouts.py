"""Candidate placements: rectangles packed where a map of interest is high and ink is allowed."""

from dataclasses import dataclass, replace

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Face, UserError, check
from physadv.patch.boxes import Box, Map, Room, best_box
from physadv.patch.mask import Limits, Mask, apart_mm, measure, rectangle

CELL_MM = 10.0
GAP_CELLS = 1
FLOOR = 0.05
"""Of a map's mean, the interest that each place has at least."""
SAFE = 0.95
"""Of the legend that may be covered, the part that is used."""


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
    if limits.away_mm > 0:
        near = -F.adaptive_max_pool2d(-apart_mm(face), (rows, columns))[0, 0]
        free *= (near >= limits.away_mm + width_mm / face.cover.shape[-1]).numpy()
    strokes = F.adaptive_avg_pool2d(face.legend, (rows, columns))[0, 0].double().numpy()
    legend = strokes * 0 if limits.allow_legend else strokes / max(strokes.sum(), 1e-12)
    return Ground(free, legend, face.area_mm2, width_mm / columns)


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


def pack(
    face: Face, interest: Map, limits: Limits, *, flat: float = 0.0, on_legend: bool = False
) -> Mask:
    """Place rectangles greedily where the interest is highest, within the limits.

    `interest` (rows, columns) is positive, on the cells of `ground`. `flat` is the least ratio of
    width to height. With `on_legend` pieces may cover what the limits allow of the letters. What
    is to be symmetric comes in pairs, or on the face's vertical axis.
    Raises `UserError` where not one piece of the least size fits.
    """
    field = ground(face, limits)
    cell = field.cell_mm
    least = int(np.ceil(limits.min_mm / cell - 1e-6))
    budget = field.face_mm2 * limits.area_pct / 100 / cell**2
    strokes = SAFE * limits.legend_pct / 100 if on_legend else 0.0
    free, pieces, left = field.free.copy(), [], limits.pieces
    while left > 0:
        room = Room(budget / left * 1.15, budget, 2 * strokes / (left + 1), least, flat)
        best = _mirrored if limits.symmetric else _single
        chosen = best(free, interest, field.legend, room, left)
        for top, start, high, wide in chosen:
            strokes -= float(field.legend[top : top + high, start : start + wide].sum())
            pieces.append(rectangle(*(v * cell for v in (start, top, wide, high))))
            budget -= high * wide
            rows = slice(max(0, top - GAP_CELLS), top + high + GAP_CELLS)
            free[rows, max(0, start - GAP_CELLS) : start + wide + GAP_CELLS] = 0
        left -= max(1, len(chosen))
    if not pieces:
        raise UserError(
            "min-mm",
            expected=f"pieces that fit beside the legend of {face.name} in {limits.area_pct:g} %",
            got=f"{limits.min_mm:g} mm",
            fix="allow a larger area, smaller pieces or " + _loosened(limits),
        )
    return Mask(face.size_mm, tuple(pieces))


def _loosened(limits: Limits) -> str:
    return "a smaller --away-mm" if limits.away_mm > 0 else "--allow-legend"


def _single(free: Map, interest: Map, legend: Map, room: Room, _left: int) -> list[Box]:
    found = best_box(free, interest, legend, room)
    return [] if found is None else [found]


def _mirrored(free: Map, interest: Map, legend: Map, room: Room, left: int) -> list[Box]:
    """Return a box and its mirror image, or one that is its own, whichever has more a piece."""
    columns = free.shape[1]
    both, seen = free * free[:, ::-1], (interest + interest[:, ::-1]) / 2
    middle = best_box(both, seen, legend, replace(room, centred=True))
    if left < 2:
        return [] if middle is None else [middle]
    half = both.copy()
    half[:, (columns - GAP_CELLS) // 2 :] = 0
    narrow = replace(room, budget=room.budget / 2)
    side = best_box(half, seen, legend + legend[:, ::-1], narrow)
    if side is None or (middle is not None and _sum(seen, middle) > _sum(seen, side)):
        return [] if middle is None else [middle]
    top, start, high, wide = side
    return [side, (top, columns - start - wide, high, wide)]


def _sum(interest: Map, box: Box) -> float:
    top, start, high, wide = box
    return float(interest[top : top + high, start : start + wide].sum())


def on_cells(face: Face, limits: Limits, interest: Tensor) -> Map:
    """Return a map of interest (1,1,h,w) on the cells of `ground`, of mean 1, none without any.

    Raises `UserError` for one that is empty, negative or not finite.
    """
    rows, columns = ground(face, limits).free.shape
    good = interest.ndim == 4 and bool(interest.isfinite().all()) and float(interest.min()) >= 0
    good = good and float(interest.sum()) > 0
    wanted, got = "a map (1,1,h,w) of numbers, at least 0, not all 0", tuple(interest.shape)
    check(good, "interest", expected=wanted, got=f"{got}", fix="take another kind of map")
    if interest.shape[2] < rows or interest.shape[3] < columns:
        fine = F.interpolate(interest, (rows, columns), mode="bilinear", align_corners=False)
    else:
        fine = F.adaptive_avg_pool2d(interest, (rows, columns))
    seen = fine[0, 0].double()
    level: Map = (seen / seen.mean() + FLOOR).numpy()
    return level


def candidates(face: Face, limits: Limits, saliency: Tensor | None = None) -> dict[str, Mask]:
    """Return named placements within the limits; `saliency` (1,1,h,w) adds those it suggests.

    Each map of interest is packed with all pieces, the central ones also with about half as many
    and without touching the letters.
    """
    rows, columns = ground(face, limits).free.shape
    maps = templates((rows, columns))
    if saliency is not None:
        seen = F.adaptive_avg_pool2d(saliency, (rows, columns))[0, 0].double().numpy()
        maps["salient"] = seen / max(seen.mean(), 1e-12) + FLOOR
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
