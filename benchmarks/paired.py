"""Two treatments of the same photos compared: the exact McNemar test, and its like for scenes."""

from dataclasses import dataclass

from torch import Tensor

from physadv.core import mcnemar


@dataclass(frozen=True)
class Paired:
    """How often only the `first`, or only the `second`, succeeded; pairs that agree say nothing."""

    first: int
    second: int

    @property
    def p(self) -> float:
        """The two-sided p-value of a fair coin: the exact McNemar test (McNemar 1947), 1 for none.

        The sign test is the same for differences in place of successes.
        """
        return mcnemar(self.first, self.second)

    def __str__(self) -> str:
        """Say it in few words: 5 : 1, p = 0.22."""
        return f"{self.first} : {self.second}, p = {self.p:.2g}"


def by_row(first: Tensor, second: Tensor) -> Paired:
    """Compare two successes (n,) bool of the same n rows; raises `ValueError` for other shapes."""
    if first.shape != second.shape:
        raise ValueError(f"expected as many rows, got {tuple(first.shape)}, {tuple(second.shape)}")
    return Paired(int((first & ~second).sum()), int((second & ~first).sum()))


def by_cluster(first: Tensor, second: Tensor, cluster: Tensor) -> Paired:
    """Compare in how many clusters (ids (n,)) which one succeeded more often.

    The sign test of clusters' differences: rows of one scene are no independent rows.
    """
    _, index = cluster.unique(return_inverse=True)
    ahead = index.bincount(weights=first.double() - second.double())
    return by_row(ahead > 0, ahead < 0)


def comparison(first: Tensor, second: Tensor, cluster: Tensor) -> tuple[str, str]:
    """Return both comparisons in words: by row, and by cluster."""
    return str(by_row(first, second)), str(by_cluster(first, second, cluster))
