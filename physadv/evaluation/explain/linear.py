"""How linear a victim is around images, and why many small changes add up.

Goodfellow, Shlens & Szegedy, "Explaining and Harnessing Adversarial Examples", ICLR 2015: along the
signs of the gradient w a change of eps in each value moves a linear score by eps |w|_1, which grows
with the number of values while each changes as little as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.core import generator, spawn
from physadv.evaluation.explain.slopes import Slopes, margins
from physadv.victims import Victim


@dataclass(frozen=True, eq=False)
class Linearity:
    """Falls of the margin (E,B) at each eps (E,) along the gradient's signs, foreseen and seen."""

    eps: Tensor
    foreseen: Tensor
    seen: Tensor

    @property
    def ratio(self) -> Tensor:
        """Quartiles (E,3) of the fall seen, as a share of the one foreseen."""
        return _quartiles(self.seen / self.foreseen.clamp_min(1e-12))


@dataclass(frozen=True, eq=False)
class Dimensions:
    """Falls of the margin at one eps by how many values are changed independently, (D,).

    Of each (D,B): `foreseen` and `seen` along the gradient's signs, and for `random` signs the
    size of the change, whatever its sign.
    """

    eps: float
    values: Tensor
    foreseen: Tensor
    seen: Tensor
    random: Tensor


def linearity(victim: Victim, known: Slopes, eps: Sequence[float]) -> Linearity:
    """Compare what the gradient foresees with what happens, at changes of each eps.

    Changed images stay in [0,1], and what is foreseen is of the change that is left.
    """
    made = [known.changed(one * known.signs) for one in eps]
    foreseen = torch.stack([known.fall(one) for one in made])
    seen = [known.margins - margins(victim, one, known.labels) for one in made]
    return Linearity(torch.tensor(list(eps)), foreseen, torch.stack(seen))


def by_dimension(
    victim: Victim, known: Slopes, eps: float, grids: Sequence[int], *, seed: int
) -> Dimensions:
    """Change images by eps in n x n cells for each n of `grids`, a cell and channel by one sign.

    A grid finer than the images is their own.
    """
    size, rng = known.images.shape[-2:], generator(spawn(seed, "dimension"))
    rows = [_cells(victim, known, eps, (min(n, size[0]), min(n, size[1])), rng) for n in grids]
    values, foreseen, seen, random = zip(*rows, strict=True)
    return Dimensions(
        eps, torch.tensor(values), torch.stack(foreseen), torch.stack(seen), torch.stack(random)
    )


def _cells(
    victim: Victim, known: Slopes, eps: float, grid: tuple[int, int], rng: torch.Generator
) -> tuple[int, Tensor, Tensor, Tensor]:
    """Return the values of a grid, and the falls (B,) foreseen, seen, and by chance."""
    size = (known.images.shape[-2], known.images.shape[-1])
    with torch.enable_grad():
        cell = torch.zeros(len(known.images), known.images.shape[1], *grid, requires_grad=True)
        (slope,) = torch.autograd.grad((interpolate(cell, size) * known.slopes).sum(), cell)
    drawn = torch.randint(0, 2, slope.shape, generator=rng) * 2.0 - 1

    def falls(signs: Tensor) -> tuple[Tensor, Tensor]:
        made = known.changed(eps * interpolate(signs, size))
        return known.fall(made), known.margins - margins(victim, made, known.labels)

    foreseen, seen = falls(-slope.sign())
    return slope[0].numel(), foreseen, seen, falls(drawn)[1].abs()


def _quartiles(values: Tensor) -> Tensor:
    return values.quantile(torch.tensor([0.25, 0.5, 0.75]), dim=1).T
