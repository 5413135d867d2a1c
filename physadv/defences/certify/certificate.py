"""What is proved of a network's answers, and what an attack found: two types, never one column.

A certificate bounds from above what any attack can do, an attack from below: one network is never
better in the one because it is in the other, and a table has a column for each.
"""

from dataclasses import dataclass
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from physadv.core import Rate, check, wilson
from physadv.core.check import one_of
from physadv.defences.certify.bounds import Ends, Method, propagate, worst_margins
from physadv.defences.certify.layers import input_box, layers

Within = tuple[float, float] | None
UNIT = (0.0, 1.0)
PARTS = 50
"""Images bounded at once: the polytope has a column for each pixel and each undecided ReLU."""


@dataclass(frozen=True)
class Certified:
    """How many images are read right whatever happens within a threat, proved `by` a method."""

    verified: Rate
    by: str
    threat: str

    @property
    def error(self) -> Rate:
        """The certified error: an upper bound of the errors that any attack can reach."""
        return wilson(self.verified.n - self.verified.hits, self.verified.n)

    def __str__(self) -> str:
        """Say it in a line."""
        return f"certified error, {self.threat}, by {self.by}: at most {self.error}"


@dataclass(frozen=True)
class Attacked:
    """How many images an attack got misread within a threat, clean errors among them."""

    broken: Rate
    by: str
    threat: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"empirical error, {self.threat}, by {self.by}: at least {self.broken}"


@dataclass(frozen=True, eq=False)
class Certificate:
    """Lower bounds (B,K) of score y - score k within a threat; the column y is 0."""

    margins: Tensor
    labels: Tensor
    by: str
    threat: str

    @property
    def worst(self) -> Tensor:
        """The bound for the class that comes nearest, (B,)."""
        own = F.one_hot(self.labels, self.margins.shape[1]).bool()
        return self.margins.masked_fill(own, torch.inf).amin(dim=1)

    @property
    def holds(self) -> Tensor:
        """Whether an image is read right whatever happens, (B,) bool."""
        return self.worst > 0

    def count(self) -> Certified:
        """Return how many hold, with Wilson's interval."""
        return Certified(wilson(int(self.holds.sum()), len(self.holds)), self.by, self.threat)


def certify(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    eps: float,
    *,
    method: Method = "both",
    within: Within = UNIT,
) -> Certificate:
    """Certify a sequential ReLU network's answers for images (B, ...) and labels (B,) against Linf.

    "polytope" is Wong & Kolter's bound, "interval" Gowal's and Mirman's; "both" the best of either
    and of the two together, class by class. `eps` and `within` are as in `input_box`. Computed as
    `net` is in evaluation mode, in the images' precision: roundings of the order of 1e-6 of the
    scores are not bounded. Raises `UserError` for a layer that no bound is known for, by its name.
    """
    _check_labels(images, labels)
    one_of("method", method, get_args(Method))
    each: tuple[Method, ...] = ("both", "polytope", "interval") if method == "both" else (method,)
    steps, ends = layers(net), input_box(images, eps, within)
    parts = zip(*(one.split(PARTS) for one in (*ends, labels)), strict=True)
    with torch.no_grad():
        margins = torch.cat(
            [
                torch.stack([worst_margins(steps, (low, high), own, one) for one in each]).amax(0)
                for low, high, own in parts
            ]
        )
    inside = "" if within is None else f" in [{within[0]:g},{within[1]:g}]"
    return Certificate(margins, labels, method, f"Linf {eps:g}{inside}")


def reachable(
    net: nn.Module,
    images: Tensor,
    eps: float,
    *,
    method: Method = "both",
    within: Within = UNIT,
) -> list[Ends]:
    """Return (low, high) of each ReLU's input, then of the scores, for images (B, ...)."""
    one_of("method", method, get_args(Method))
    reached = propagate(layers(net), *input_box(images, eps, within), method)
    return [*reached.before, reached.ends(method)]


def robust_loss(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    eps: float,
    *,
    method: Method = "polytope",
    within: Within = UNIT,
) -> Tensor:
    """Return an upper bound of the worst cross entropy within the threat, (B,); differentiable.

    Wong & Kolter's equation 14: the cross entropy of the scores -J, whose every wrong one is as
    high as it can get beside the right one.
    """
    _check_labels(images, labels)
    margins = worst_margins(layers(net), input_box(images, eps, within), labels, method)
    return F.cross_entropy(-margins, labels, reduction="none")


def _check_labels(images: Tensor, labels: Tensor) -> None:
    expected = f"shape ({len(images)},), one label an image"
    fits = tuple(labels.shape) == (len(images),)
    check(fits, "labels", expected=expected, got=tuple(labels.shape))
