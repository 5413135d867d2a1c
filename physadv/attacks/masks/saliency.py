"""Where the victim's gradient is large on the bare sign, and whether plain white succeeds there."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from physadv.core import Conditions, Face, Ink, generator, spawn, wilson
from physadv.patch import Mask, Pixels, rectangle
from physadv.problem import Problem

ALONE = 0.05
"""How often pieces may succeed in plain white, or a control, and still be chosen for their loss."""


def saliency(problem: Problem, face: Face, seed: int, n: int = 24) -> Tensor:
    """Return how strongly the loss answers to ink at each place of the face, (1,1,rows,columns).

    The gradient's size at grey ink laid thinly on the whole face, averaged over `n` conditions.
    """
    height, width = face.size_mm
    whole = Pixels(Mask(face.size_mm, (rectangle(0, 0, width, height),)), 20.0)
    given = problem.draw(n, generator(spawn(seed, "placement", "saliency")))
    theta = torch.full(whole.shape, 0.5, requires_grad=True)
    thin = replace(problem, patch=_Thin(whole.mask, whole.cell_mm))
    (slope,) = torch.autograd.grad(thin.evaluate(theta, given).loss.mean(), theta)
    return slope.abs().sum(dim=0)[None, None]


@dataclass(frozen=True)
class _Thin(Pixels):
    """Ink so thin that the sign shows through."""

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink at a tenth of its cover."""
        full = super().touch(theta, width_px)
        return replace(full, cover=full.cover * 0.1)


@torch.no_grad()
def white_succeeds(problem: Problem, mask: Mask, given: Conditions) -> bool:
    """Return whether pieces of plain white succeed by themselves: surely in more than `ALONE`.

    A success that a control shares is none, so places that need no picture are no use.
    """
    plain = Pixels(mask)
    hits = replace(problem, patch=plain).succeeds(torch.ones(plain.shape), given)
    return wilson(int(hits.sum()), len(hits)).low > ALONE
