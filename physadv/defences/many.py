"""Defences that ask about many variants of each image, a part of them at a time."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from physadv.core import Answer, Encoded, generator, spawn
from physadv.defences.defended import Defended, sized
from physadv.victims import Victim

PART = 256
"""Variants that a victim is asked about at once."""

Scored = Callable[[Encoded, torch.Generator], Tensor]
"""Takes images (B,3,h,w) of the victim's size, asks it as it likes, and returns scores (B,K)."""


class Many(Defended):
    """A defended victim whose scores are put together from answers about many variants."""

    def __init__(self, victim: Victim, name: str, scored: Scored, *, seed: int = 0) -> None:
        """Put a defence around a victim; `name` says which."""
        super().__init__(victim, name, seed=seed)
        self.scored = scored

    def __call__(self, images: Encoded) -> Answer:
        """Answer for (B,3,H,W) images in [0,1] of any size."""
        rng = generator(spawn(self.seed, self.calls))
        self.calls += 1
        self.queries += len(images)
        return Answer(self.scored(sized(images, self.size_px), rng))


def votes(choices: Tensor, classes: int) -> Tensor:
    """Count how often each class is chosen: choices (B,N) of classes give counts (B,K)."""
    counts = torch.zeros(len(choices), classes, dtype=torch.int64, device=choices.device)
    return counts.scatter_add_(1, choices, torch.ones_like(choices))


def log_shares(counts: Tensor, among: int) -> Tensor:
    """Return scores (B,K) of votes `among` so many, in their order, ties kept, and finite."""
    classes = counts.shape[1]
    return ((counts.float() + 1 / classes) / (among + 1)).log()


def log_mean(scores: Tensor, dim: int) -> Tensor:
    """Return the logarithms of the mean probabilities over a dimension: the slope of votes.

    Counts have none; an attack on them follows this, as Salman et al. 2019 do.
    """
    return scores.log_softmax(dim=-1).logsumexp(dim=dim) - math.log(scores.shape[dim])
