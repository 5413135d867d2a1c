"""RP2's first stage: a change of the whole face under an L1 penalty; what stays is where to stick.

Eykholt et al., "Robust Physical-World Attacks on Deep Learning Visual Classification" (2018),
section 4.2: the L1 norm makes the change sparse, and stickers are then laid where it is not zero.
There by hand; here `Interest.packed` lays them.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.attacks.gradient import BLACK_BOX
from physadv.attacks.masks.interest import Interest
from physadv.core import Encoded, Face, Ink, check, encode, generator, spawn
from physadv.core.device import here
from physadv.patch import Camouflage, Mask
from physadv.problem import Problem
from physadv.victims import check_gradients


@dataclass(frozen=True)
class Sparse:
    """How the L1 problem is solved: `steps` of proximal gradient (ISTA, Beck & Teboulle 2009).

    The penalty's weight is `strength` times the least that leaves the face as it is (the largest
    slope at no change, over `first` times as many conditions as a step sees); a step changes
    colours by at most `rate`, in encoded units, where the slope is that large. One colour is
    changed in each cell of `cell_mm`.
    """

    strength: float = 0.3
    steps: int = 40
    rate: float = 0.1
    cell_mm: float = 25.0
    first: int = 4

    def __post_init__(self) -> None:
        """Refuse a penalty that leaves nothing, or everything, and a budget of nothing."""
        inside = 0 < self.strength < 1
        check(inside, "strength", expected="between 0 and 1", got=f"{self.strength:g}")
        check(self.steps >= 1, "steps", expected="at least 1", got=self.steps)
        check(self.rate > 0, "rate", expected="above 0", got=f"{self.rate:g}")


def l1_map(
    problem: Problem, face: Face, *, seed: int, n: int = 24, sparse: Sparse = Sparse()
) -> Interest:
    """Return the change that survives an L1 penalty, |change| summed over R, G, B.

    The whole field is printed anew with a change of its own colours, `n` fresh conditions a step.
    Raises `UserError` for a black box, and for a victim that no change of the field moves.
    """
    check_gradients(problem.victim, BLACK_BOX)
    change = _Change(Mask(face.size_mm, ()), face, cell_mm=sparse.cell_mm)
    trial, rng = replace(problem, patch=change), generator(spawn(seed, "masks", "l1"))
    least, most = change.bounds()
    theta = torch.zeros(change.shape)
    scale = float(_slope(trial, theta, sparse.first * n, rng).abs().max())
    fix = "take --layout occlusion, or another goal"
    wanted = "one that answers to ink on the field"
    check(scale > 0, "victim", expected=wanted, got="a flat gradient", fix=fix)
    for _ in range(sparse.steps):
        ahead = theta - sparse.rate / scale * _slope(trial, theta, n, rng)
        theta = soft_threshold(ahead, sparse.rate * sparse.strength).clamp(least, most)
    return Interest(theta.abs().sum(dim=0)[None, None], (sparse.first + sparse.steps) * n)


def soft_threshold(values: Tensor, by: float) -> Tensor:
    """Return values nearer to zero by `by`, zero where they are within: the L1 norm's proximal."""
    return values.sign() * (values.abs() - by).clamp_min(0)


def _slope(trial: Problem, theta: Tensor, n: int, rng: torch.Generator) -> Tensor:
    free = theta.clone().requires_grad_()
    (slope,) = torch.autograd.grad(trial.evaluate(free, trial.draw(n, rng)).loss.mean(), free)
    return slope


@dataclass(frozen=True, eq=False)
class _Change(Camouflage):
    """The whole field printed in the face's own colours and a change of them, without a bound."""

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the field's ink at `width_px` columns."""
        shape = self.face.field.shape
        size = (round(width_px * shape[2] / shape[3]), width_px)
        cover = F.interpolate(here(self.face.field), size, mode="area")
        change = F.interpolate(theta[None], size, mode="nearest")
        return Ink(Encoded((here(self._base(size)) + change).clamp(0, 1)), cover)

    def bounds(self) -> tuple[Tensor, Tensor]:
        """Return how far each cell's mean colour (3,rows,columns) can go down and up."""
        _, rows, columns = self.shape
        mean = F.adaptive_avg_pool2d(encode(self.face.texture), (rows, columns))[0]
        return -mean, 1 - mean
