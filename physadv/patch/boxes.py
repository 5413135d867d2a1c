"""The best free rectangle on a grid of cells: by sums over all boxes of every size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float64]
Box = tuple[int, int, int, int]
"""Top, left, height and width in cells."""
LONGEST = 6
"""How many times as long as wide a rectangle may be."""


@dataclass(frozen=True)
class Room:
    """What is left to place: cells for a piece and in all, the least side, and how flat.

    `legend` is the share of the legend's strokes that this piece may cover; with `centred` its
    middle is on the vertical axis.
    """

    share: float
    budget: float
    legend: float
    least: int
    flat: float
    centred: bool = False


def best_box(free: Map, interest: Map, legend: Map, room: Room) -> Box | None:
    """Return the best free rectangle that has room, where the interest summed over it is highest.

    With `room.centred` only those whose middle is the grid's vertical axis.
    """
    sums, blocked, strokes = _integral(interest), _integral(1 - free), _integral(legend)
    found, score = None, 0.0
    for high, wide in _sizes(free.shape, room):
        clear = _boxes(blocked, high, wide) < 0.5
        clear &= _boxes(strokes, high, wide) <= room.legend + 1e-5
        if room.centred:
            clear &= 2 * np.arange(clear.shape[1]) + wide == free.shape[1]
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
