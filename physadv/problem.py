"""A problem: victim, objective, patch and world; all that a physical attack ever sees."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Answer, Conditions, Photo, Touch, Varying
from physadv.core.device import CPU, device_now, device_of, moved, on
from physadv.objectives import Objective
from physadv.patch import Patch
from physadv.victims import Victim
from physadv.world import World

HARD_PX = 1024
"""Columns of the raster that is printed, judged and written as patch.png."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a batch: the photos, the answers, losses (B,) and successes (B,)."""

    photo: Photo
    answer: Answer
    loss: Tensor
    success: Tensor


@dataclass(frozen=True)
class Problem:
    """Make `victim` fail `objective` with `patch` in `world`."""

    victim: Victim
    objective: Objective
    patch: Patch
    world: World

    def declared(self) -> dict[str, Varying]:
        """List what varies from photo to photo."""
        return self.world.declared()

    def draw(self, n: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Draw n fresh conditions."""
        return self.world.draw(n, rng)

    def evaluate(self, theta: Tensor | None, given: Conditions) -> Outcome:
        """Photograph and ask, differentiably in theta; None leaves the sign bare.

        `theta` and `given` are the CPU's, and so are losses and successes; the rest happens where
        the victim is.
        """
        size_px = self.victim.size_px
        with on(device_of(self.victim)):
            touch = self._touch(theta, self.world.ink_px(size_px))
            return self._outcome(self.world.photograph(touch, given, size_px))

    @torch.no_grad()
    def judge(self, theta: Tensor | None, given: Conditions) -> Outcome:
        """As `evaluate`, printed hard, with 8-bit pixels and libjpeg. No gradient."""
        with on(device_of(self.victim)):
            touch = self._touch(theta, HARD_PX)
            photo = self.world.photograph(touch, given, self.victim.size_px, hardly=True)
            return moved(self._outcome(photo), CPU)

    @torch.no_grad()
    def succeeds(self, theta: Tensor | None, given: Conditions, *, hardly: bool = False) -> Tensor:
        """Return only whether each photo succeeds, (B,) bool: all that labels tell. No gradient.

        Photographed as in `evaluate`, or as in `judge` where `hardly`; no loss is asked for.
        """
        size_px = self.victim.size_px
        with on(device_of(self.victim)):
            touch = self._touch(theta, HARD_PX if hardly else self.world.ink_px(size_px))
            photo = self.world.photograph(touch, given, size_px, hardly=hardly)
            return self.objective.success(self.victim(photo.pixels), photo).to(CPU)

    def _touch(self, theta: Tensor | None, width_px: int) -> Touch | None:
        return None if theta is None else self.patch.touch(theta.to(device_now()), width_px)

    def _outcome(self, photo: Photo) -> Outcome:
        answer = self.victim(photo.pixels)
        loss = self.objective.loss(answer, photo)
        success = self.objective.success(answer, photo)
        return Outcome(photo, answer, loss.to(CPU), success.to(CPU))
