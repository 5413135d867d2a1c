"""Bounds of what a network can say of a box of images: intervals, the convex polytope, or both.

Intervals (Gowal et al. 2018; Mirman, Gehr & Vechev 2018) carry the ends of every value from layer
to layer. The convex outer adversarial polytope (Wong & Kolter, "Provable Defenses against
Adversarial Examples via the Convex Outer Adversarial Polytope", ICML 2018) puts between two lines
each ReLU whose input can have both signs, l < 0 < u, and bounds what is reachable by a dual network
(their theorem 1) with the slope alpha = u / (u - l) of their equation 9. With it the ReLU's output
is alpha x + e, 0 <= e <= -alpha l, and all that the dual network's variables depend on is linear in
what is asked: so they are made for all neurons at once and carried forward (their algorithm 1),
as the columns of a `Polytope`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from physadv.defences.certify.layers import Affine, Layer

Method = Literal["interval", "polytope", "both"]
Ends = tuple[Tensor, Tensor]
"""The lowest and the highest value of each neuron, (B, ...)."""


@dataclass(frozen=True, eq=False)
class Polytope:
    """All `centre + sum_g t_g columns_g` with t in [-1,1]: centre (B, ...), columns (B,G, ...).

    A column is of one pixel, or of one ReLU that can be on and off.
    """

    centre: Tensor
    columns: Tensor

    @classmethod
    def of_box(cls, low: Tensor, high: Tensor) -> "Polytope":
        """Return a box (B, ...) as a polytope."""
        empty = cls((low + high) / 2, low.new_empty(len(low), 0, *low.shape[1:]))
        return empty._with((high - low) / 2)

    def ends(self) -> Ends:
        """Return the lowest and the highest value of each neuron."""
        reach = self.columns.abs().sum(dim=1)
        return self.centre - reach, self.centre + reach

    def affine(self, layer: Affine) -> "Polytope":
        """Return what an affine step makes of it; exact."""
        count = self.columns.shape[:2]
        return Polytope(
            layer.whole(self.centre), layer.slope(self.columns.flatten(0, 1)).unflatten(0, count)
        )

    def relu(self, ends: Ends) -> "Polytope":
        """Return what holds all that ReLUs make of it, for inputs between `ends`."""
        low, high = ends
        mixed = (low < 0) & (high > 0)
        alpha = torch.where(mixed, high / torch.where(mixed, high - low, 1), (low >= 0).to(low))
        half = torch.where(mixed, -alpha * low / 2, 0)
        moved = Polytope(alpha * self.centre + half, alpha[:, None] * self.columns)
        return moved._with(half)

    def margins(self, labels: Tensor) -> Tensor:
        """Return the least of score y - score k, (B,K), for labels y (B,) and scores (B,K)."""
        own = self.centre.gather(1, labels[:, None])
        column = labels[:, None, None].expand(-1, self.columns.shape[1], 1)
        apart = self.columns.gather(2, column) - self.columns
        return own - self.centre - apart.abs().sum(dim=1)

    def _with(self, reach: Tensor) -> "Polytope":
        """Add a column for each neuron whose `reach` (B, ...) is above 0 in any image."""
        flat = reach.flatten(1)
        places = (flat > 0).any(dim=0).nonzero()[:, 0]
        added = flat.new_zeros(len(flat), len(places), flat.shape[1])
        index = places[None, :, None].expand(len(flat), -1, 1)
        added = added.scatter(2, index, flat[:, places, None])
        joined = torch.cat([self.columns, added.unflatten(2, reach.shape[1:])], dim=1)
        return Polytope(self.centre, joined)


@dataclass(frozen=True, eq=False)
class Reached:
    """What is known after some layers: a box and, but for bare intervals, a polytope.

    `before` are the bounds of each ReLU's input so far.
    """

    box: Ends
    polytope: Polytope | None
    before: tuple[Ends, ...] = ()

    def ends(self, method: Method) -> Ends:
        """Return the bounds that a method gives."""
        if self.polytope is None:
            return self.box
        own = self.polytope.ends()
        if method == "polytope":
            return own
        return torch.maximum(own[0], self.box[0]), torch.minimum(own[1], self.box[1])


def propagate(steps: Sequence[Layer], low: Tensor, high: Tensor, method: Method) -> Reached:
    """Return what the steps of a network reach from a box of images, low to high (B, ...).

    With "both", a ReLU's input lies where intervals and polytope both have it.
    """
    start = None if method == "interval" else Polytope.of_box(low, high)
    reached = Reached((low, high), start)
    for step in steps:
        reached = _affine(reached, step) if isinstance(step, Affine) else _relu(reached, method)
    return reached


def _affine(reached: Reached, step: Affine) -> Reached:
    low, high = reached.box
    centre, reach = step.whole((low + high) / 2), step.size((high - low) / 2)
    polytope = None if reached.polytope is None else reached.polytope.affine(step)
    return Reached((centre - reach, centre + reach), polytope, reached.before)


def _relu(reached: Reached, method: Method) -> Reached:
    ends = reached.ends(method)
    polytope = None if reached.polytope is None else reached.polytope.relu(ends)
    return Reached((ends[0].relu(), ends[1].relu()), polytope, (*reached.before, ends))


def worst_margins(steps: Sequence[Layer], ends: Ends, labels: Tensor, method: Method) -> Tensor:
    """Return lower bounds of score y - score k over a box, (B,K); 0 where k is y.

    They are the paper's J (theorem 1, with c = e_y - e_k). The last affine steps are taken for the
    differences of scores at once, exactly (Gowal et al. 2018, 3), for intervals, too.
    """
    last = max(
        (place for place, one in enumerate(steps) if not isinstance(one, Affine)), default=-1
    )
    body, tail = steps[: last + 1], steps[last + 1 :]
    reached = propagate(body, *ends, method)
    found = [_ended(start, tail).margins(labels) for start in _starts(reached, method)]
    return torch.stack(found).amax(dim=0)


def _starts(reached: Reached, method: Method) -> Iterator[Polytope]:
    if method != "polytope":
        yield Polytope.of_box(*reached.box)
    if reached.polytope is not None:
        yield reached.polytope


def _ended(start: Polytope, tail: Sequence[Layer]) -> Polytope:
    for step in tail:
        assert isinstance(step, Affine)
        start = start.affine(step)
    return start
