"""A problem: victim, objective, patch and world; all that a physical attack ever sees."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Answer, Conditions, Photo, Varying
from physadv.objectives import Objective
from physadv.patch import Pixels
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
    patch: Pixels
    world: World

    def declared(self) -> dict[str, Varying]:
        """List what varies from photo to photo."""
        return self.world.declared()

    def draw(self, n: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Draw n fresh conditions."""
        return self.world.draw(n, rng)

    def evaluate(self, theta: Tensor | None, given: Conditions) -> Outcome:
        """Photograph and ask, differentiably in theta; None leaves the sign bare."""
        size_px = self.victim.size_px
        ink = None if theta is None else self.patch.ink(theta, self.world.ink_px(size_px))
        photo = self.world.photograph(ink, given, size_px)
        return self._outcome(photo)

    @torch.no_grad()
    def judge(self, theta: Tensor | None, given: Conditions) -> Outcome:
        """As `evaluate`, printed hard, with 8-bit pixels and libjpeg. No gradient."""
        ink = None if theta is None else self.patch.ink(theta, HARD_PX)
        return self._outcome(self.world.photograph(ink, given, self.victim.size_px, hardly=True))

    def _outcome(self, photo: Photo) -> Outcome:
        answer = self.victim(photo.pixels)
        loss = self.objective.loss(answer, photo)
        return Outcome(photo, answer, loss, self.objective.success(answer, photo))
