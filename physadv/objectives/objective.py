"""Objectives: what the attacker wants of an answer, as a loss and a success, added and scaled."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Answer, Detections, Photo

Term = Callable[[Answer, Photo], Tensor]
"""Returns (B,) losses, lower is better for the attacker, or (B,) successes."""


@dataclass(frozen=True)
class Objective:
    """A weighted sum of losses; it succeeds where all of its goals do.

    `terms` are (weight, loss) pairs and `goals` the conditions of success; a regulariser has none.
    """

    terms: tuple[tuple[float, Term], ...]
    goals: tuple[Term, ...] = ()

    def loss(self, answer: Answer, photo: Photo) -> Tensor:
        """Return the loss of every row, (B,); the mean over the answer's members, if it has any."""
        asked = answer.members or (answer,)
        weighted = [
            weight * term(one, photo) / len(asked) for weight, term in self.terms for one in asked
        ]
        return torch.stack(torch.broadcast_tensors(*weighted)).sum(dim=0)

    def success(self, answer: Answer, photo: Photo) -> Tensor:
        """Return whether every row succeeds, (B,) bool; against several detectors, with each."""
        several = isinstance(answer, Detections) and answer.members
        reached = torch.ones(len(answer.scores), dtype=torch.bool, device=answer.scores.device)
        for one in answer.members if several else (answer,):
            for goal in self.goals:
                reached = reached & goal(one, photo)
        return reached

    def __add__(self, other: "Objective") -> "Objective":
        """Want both."""
        return Objective(self.terms + other.terms, self.goals + other.goals)

    def __mul__(self, weight: float) -> "Objective":
        """Weigh the loss; success stays as it is."""
        return Objective(tuple((weight * own, term) for own, term in self.terms), self.goals)

    __rmul__ = __mul__
