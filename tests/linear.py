"""What is known of a linear victim in closed form: its best change in a ball, its distances."""

from math import inf

import torch
from torch import Tensor

from physadv.attacks.digital import lowest
from tests.victims import LinearVictim


def margins(victim: LinearVictim, images: Tensor, ways: list[tuple[int, int]]) -> Tensor:
    """Return score(a) - score(b) of each image (B,) for its way (a, b), in double."""
    weight, bias = victim.weight.double().flatten(1), victim.bias.double()
    scores = images.double().flatten(1) @ weight.T + bias
    return torch.stack([row[a] - row[b] for row, (a, b) in zip(scores, ways, strict=True)])


def optimum(
    victim: LinearVictim, clean: Tensor, ways: list[tuple[int, int]], eps: float, norm: float
) -> Tensor:
    """Return the images (double) of largest margin of (a, b) in the ball, cut by [0,1].

    Independently of the package for the norms inf and 0; for 2 and 1 its function for linear ones,
    which tests/oracle/test_ball.py holds against a linear program and the KKT conditions.
    """
    size = (clean.shape[2], clean.shape[3])
    slope = -torch.cat([victim.margin_gradient(a, b, size) for a, b in ways]).double()
    x = clean.double()
    if norm == inf:
        return (x - eps * slope.sign()).clamp(0, 1)
    if norm == 0:
        ideal = (slope < 0).double()
        gain = ((ideal - x) * -slope).sum(dim=1).flatten(1)
        best = [sorted(range(gain.shape[1]), key=lambda p: -row[p])[: int(eps)] for row in gain]
        for row, wanted, pixels in zip(x.flatten(2), ideal.flatten(2), best, strict=True):
            row[:, pixels] = wanted[:, pixels]
        return x
    return x + lowest(slope, -x, 1 - x, eps, norm)


def distance(
    victim: LinearVictim, clean: Tensor, ways: list[tuple[int, int]], norm: float
) -> Tensor:
    """Return the smallest norm (B,) at which the margin of (a, b) reaches 0, by bisection."""
    found = []
    for k, way in enumerate(ways):
        low, high = 0.0, float(clean[k].numel())
        for _ in range(60):
            middle = (low + high) / 2
            far = optimum(victim, clean[k : k + 1], [way], middle, norm)
            crossed = float(margins(victim, far, [way])) >= 0
            low, high = (low, middle) if crossed else (middle, high)
        found.append(high)
    return torch.tensor(found)
