"""How a camera bends the picture: from its pixels back to those of the ideal pinhole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from physadv.core.types import Sensor
from physadv.core.vary import Conditions, take

ROUNDS, STEP = 40, 0.5
"""How often the inverse is corrected, and by how much of what is missing: it then settles
wherever the map's slope is below 4."""


class Shift(Protocol):
    """A where-effect: a frozen dataclass of Spans that moves points of the picture."""

    def shift(self, points_px: Tensor, given: Conditions, sensor: Sensor, /) -> Tensor:
        """Return how far points (B,N,2) of the photo are from where a pinhole sees them."""


@dataclass(frozen=True, eq=False)
class Warp:
    """The where-effects of a batch: each with its conditions (B,); their shifts add up."""

    effects: Sequence[tuple[Shift, Conditions]]
    sensor: Sensor

    def ideal(self, points_px: Tensor) -> Tensor:
        """Return where an ideal pinhole sees what the photo shows at points (B,N,2)."""
        shifts = [effect.shift(points_px, given, self.sensor) for effect, given in self.effects]
        return points_px + torch.stack(shifts).sum(dim=0)

    def photo(self, points_px: Tensor) -> Tensor:
        """Return where the photo shows what an ideal pinhole sees at points (B,N,2)."""
        found = points_px
        for _ in range(ROUNDS):
            missing = points_px - self.ideal(found)
            found = found + STEP * missing.nan_to_num(0.0, 0.0, 0.0)
        return found

    def take(self, rows: Tensor | slice) -> "Warp":
        """Return the warp of the chosen rows."""
        return Warp([(effect, take(given, rows)) for effect, given in self.effects], self.sensor)
