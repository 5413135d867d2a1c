"""What a patch is: a tensor theta, what it puts on the sign, and fair stickers to compare with."""

from typing import Protocol

import torch
from torch import Tensor

from physadv.core import Ink


class Patch(Protocol):
    """Turns theta into what touches the path of the light; theta's `shape` is its own affair."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of theta."""

    def start(self, rng: torch.Generator) -> Tensor:
        """Return a first theta; another call gives another."""

    def project(self, theta: Tensor) -> Tensor:
        """Return the nearest theta that can be made."""

    def touch(self, theta: Tensor, width_px: int = ...) -> Ink:
        """Return what theta makes, on rasters of `width_px` columns, differentiably in theta."""

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Return reasons to distrust what theta makes."""

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return thetas of the same kind, place and size that a fair attack must beat."""
