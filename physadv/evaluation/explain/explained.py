"""All that is measured of why small changes fool a victim."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from physadv.core import Encoded, check
from physadv.evaluation.explain.boundary import Reach, reach
from physadv.evaluation.explain.errors import Errors, error_curve
from physadv.evaluation.explain.linear import Dimensions, Linearity, by_dimension, linearity
from physadv.evaluation.explain.plane import Plane, decision_plane
from physadv.evaluation.explain.slopes import Slopes, read_slopes
from physadv.evaluation.explain.transfer import Others, Shared, shared_errors
from physadv.victims import Victim

EPS = tuple(2.0**k / 1024 for k in range(9))
"""From 1/1024 to 1/4 of the whole range of a value."""
STEP = 2 / 255
"""The change in each value where the number of values is varied."""
DIRECTIONS = 3
PARTS = 5


@dataclass(frozen=True, eq=False)
class Explained:
    """What was measured on the `n` images, of those given, that are read correctly."""

    given: int
    known: Slopes
    linearity: Linearity
    dimensions: Dimensions
    reach: Reach
    errors: Errors
    plane: Plane
    shared: Shared | None = None

    @property
    def n(self) -> int:
        """The number of images."""
        return len(self.known.images)

    def facts(self) -> dict[str, Any]:
        """Return the figures as JSON takes them."""
        reached, errors = self.reach, self.errors
        return {
            "images": {"given": self.given, "read correctly": self.n},
            "linearity": {
                "eps": _listed(self.linearity.eps),
                "fall by that foreseen, quartiles": _listed(self.linearity.ratio),
            },
            "dimensions": {
                "eps": self.dimensions.eps,
                "values": _listed(self.dimensions.values),
                "median fall foreseen": _medians(self.dimensions.foreseen),
                "median fall seen": _medians(self.dimensions.seen),
                "median change by random signs": _medians(self.dimensions.random),
            },
            "boundary": {
                "median L2, along the gradient": _median(reached.adversarial),
                "median L2, random directions": _median(reached.random.flatten()),
                "median of their ratio": reached.ratio,
                "square root of the values": reached.values**0.5,
                "median eps along the signs": _median(reached.signed),
                "median eps foreseen": _median(reached.foreseen),
                "rank correlation with that foreseen": rank_correlation(
                    reached.foreseen, reached.signed
                ),
                "rank correlation with the margin alone": rank_correlation(
                    self.known.margins, reached.signed
                ),
                "rank correlation with 1 / |gradient| alone": rank_correlation(
                    -self.known.slopes.flatten(1).abs().sum(dim=1), reached.signed
                ),
            },
            "errors": {
                "eps": _listed(errors.eps),
                "misread": [[one.hits, one.n, one.low, one.high] for one in errors.seen],
                "foreseen": _listed(errors.foreseen),
                "power of eps": errors.power,
            },
            **({} if self.shared is None else {"transfer": self.shared.facts()}),
        }


def explain(
    victim: Victim,
    images: Encoded,
    labels: Tensor,
    *,
    others: Others | None = None,
    seed: int = 0,
    watch: Callable[[float], None] = lambda _share: None,
) -> Explained:
    """Measure how linear a victim is around images (B,C,H,W) of labels (B,), and what follows.

    Only images that are read correctly are looked at. With `others` it is measured, too, which of
    them misread what was made on which. `watch` is told the share done. Raises `UserError` for
    victims without gradients, images that are all misread, or others of other labels.
    """
    fits = tuple(labels.shape) == (len(images),)
    check(fits, "labels", expected=f"shape ({len(images)},)", got=tuple(labels.shape))
    known = read_slopes(victim, images, labels)
    every = () if others is None else others.beside(victim)
    first = sum(one.differentiable for one in every)  # parts of the work, as long as one of ours
    whole = PARTS + first

    def tell(share: float) -> None:
        watch(first * share / whole)

    shared = shared_errors(every, known, others, seed=seed, watch=tell) if others else None
    watch((first + 1) / whole)
    straight = linearity(victim, known, EPS)
    longest = max(known.images.shape[-2:])
    grids = [2**k for k in range(12) if 2**k < longest] + [longest]
    dimensions = by_dimension(victim, known, STEP, grids, seed=seed)
    watch((first + 2) / whole)
    far = reach(victim, known, directions=DIRECTIONS, seed=seed)
    watch((first + 3) / whole)
    errors = error_curve(victim, known, EPS, seed=seed)
    watch((first + 4) / whole)
    row = _middle_row(far.signed)
    span = 3 * float(far.signed[row]) if bool(far.signed[row].isfinite()) else EPS[-1]
    plane = decision_plane(victim, known, row, span=span, seed=seed)
    watch(1.0)
    return Explained(len(images), known, straight, dimensions, far, errors, plane, shared)


def rank_correlation(first: Tensor, second: Tensor) -> float | None:
    """Return Spearman's rank correlation of finite pairs, None for fewer than three or no spread.

    Ties get the mean of their ranks.
    """
    good = first.isfinite() & second.isfinite()
    if int(good.sum()) < 3:
        return None
    found = torch.corrcoef(torch.stack([_ranks(first[good]), _ranks(second[good])]))[0, 1]
    return float(found) if bool(found.isfinite()) else None


def _ranks(values: Tensor) -> Tensor:
    below = (values[:, None] > values).sum(dim=1)
    same = (values[:, None] == values).sum(dim=1)
    return below.double() + (same + 1) / 2


def _middle_row(reached: Tensor) -> int:
    """Return the row whose boundary is nearest to the median distance."""
    return int((reached.nan_to_num(posinf=1e9) - reached.quantile(0.5)).abs().argmin())


def _listed(values: Tensor) -> list[Any]:
    return values.tolist()


def _medians(rows: Tensor) -> list[float]:
    return [float(row.quantile(0.5)) for row in rows]


def _median(values: Tensor) -> float | None:
    found = float(values.quantile(0.5)) if len(values) else torch.inf
    return found if found < torch.inf else None
