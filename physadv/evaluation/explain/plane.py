"""A slice of the decision regions around an image: the gradient's signs across, chance upwards.

After Warde-Farley & Goodfellow, "Adversarial Perturbations of Deep Neural Networks", 2016 (church
windows).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Encoded, generator, spawn
from physadv.evaluation.explain.slopes import BATCH, Slopes
from physadv.victims import Victim


@dataclass(frozen=True, eq=False)
class Plane:
    """Classes (n,n) that an image is read as; rows go up, columns across, both -span to span.

    Lengths are the largest change of a value.
    """

    span: float
    label: int
    classes: Tensor


@torch.no_grad()
def decision_plane(
    victim: Victim, known: Slopes, row: int, *, span: float, n: int = 41, seed: int = 0
) -> Plane:
    """Read an image moved by up to `span` along its signs and along random ones.

    The random signs are made orthogonal to the others. Images stay in [0,1].
    """
    image, across = known.images[row : row + 1], known.signs[row : row + 1]
    drawn = torch.randint(0, 2, across.shape, generator=generator(spawn(seed, "plane"))) * 2.0 - 1
    up = drawn - (drawn * across).sum() / (across**2).sum().clamp_min(1) * across
    steps = torch.linspace(-span, span, n)
    places = torch.cartesian_prod(steps, steps).split(BATCH)
    moved = (image + at[:, :1, None, None] * up + at[:, 1:, None, None] * across for at in places)
    read = torch.cat([victim(Encoded(some.clamp(0, 1))).best for some in moved])
    return Plane(span, int(known.labels[row]), read.view(n, n))
