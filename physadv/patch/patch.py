"""What a patch is: a tensor theta, what it puts on the light's path, and fair ones beside it."""

from typing import Protocol

import torch
from torch import Tensor

from physadv.core import Ink, Touch, UserError

MOST = 0.95
"""The share at the limits from which on a search may want more than it is allowed."""


class Patch(Protocol):
    """Turns theta into what touches the path of the light; theta's `shape` is its own affair."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of theta."""

    def start(self, rng: torch.Generator) -> Tensor:
        """Return a first theta; another call gives another."""

    def project(self, theta: Tensor) -> Tensor:
        """Return the nearest theta that can be made."""

    def touch(self, theta: Tensor, width_px: int = ...) -> Touch:
        """Return what theta makes, on rasters of `width_px` columns, differentiably in theta."""

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Return reasons to distrust what theta makes."""

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return thetas of the same kind, place and size that a fair attack must beat."""


def ink(patch: Patch, theta: Tensor, width_px: int) -> Ink:
    """Return what is to be printed of theta. Raises `UserError` where that is light, or no ink."""
    touch = patch.touch(theta, width_px)
    if not isinstance(touch, Ink):
        kind, what = type(patch).__name__, type(touch).__name__.lower()
        expected = "a patch of ink, which can be printed"
        raise UserError("patch", expected=expected, got=f"{kind}, which is {what}")
    return touch


def at_limits(what: str, limited: Tensor) -> tuple[str, ...]:
    """Doubt `what` where more than `MOST` of it is limited, a tensor of bool."""
    share = float(limited.float().mean())
    return (f"{100 * share:.0f} % of the {what} are at their limits",) if share > MOST else ()
