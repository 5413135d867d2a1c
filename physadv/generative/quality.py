"""How near made pictures are to real ones: Frechet distance, precision, recall, density, coverage.

All on features (n,d) that somebody else computes, as the penultimate layer of a recogniser.
"""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from physadv.core import check

NEIGHBOURS = 5
"""The k of the k-th nearest neighbour (Naeem et al. 2020, section 4)."""


@dataclass(frozen=True)
class Quality:
    """Figures of n made against n real features; `spread` is the mean distance between made ones.

    `spread_real` is that between real ones; see `frechet` and `neighbours` for the rest.
    """

    n: int
    frechet: float
    precision: float
    recall: float
    density: float
    coverage: float
    spread: float
    spread_real: float


def compare(real: Tensor, made: Tensor, k: int = NEIGHBOURS) -> Quality:
    """Return all figures for features (n,d) of real and of made pictures, as many of each.

    Figures depend on n: compare those of the same n only. Raises `UserError` where the two differ
    in shape or there are no more than k.
    """
    same = real.shape == made.shape and real.ndim == 2
    check(same, "made", expected=f"features {tuple(real.shape)}", got=tuple(made.shape))
    check(len(real) > k, "real", expected=f"more than {k} features", got=len(real))
    near = neighbours(real, made, k)
    own = (mean_distance(made), mean_distance(real))
    return Quality(len(real), frechet(real, made), *near, *own)


def frechet(real: Tensor, made: Tensor) -> float:
    """Return the Frechet distance of the normal distributions with the features' moments.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), with features (n,d) and (m,d) (Heusel et al. 2017,
    eq. 6). It is estimated too high, the more the fewer features there are (Chong & Forsyth 2020).
    """
    (m1, s1), (m2, s2) = _moments(real), _moments(made)
    # tr (S1 S2)^(1/2) is the sum of the roots of the eigenvalues of S1^(1/2) S2 S1^(1/2)
    root = _root(s1)
    mixed = torch.linalg.eigvalsh(root @ s2 @ root).clamp_min(0).sqrt().sum()
    distance = (m1 - m2).square().sum() + s1.trace() + s2.trace() - 2 * mixed
    return max(0.0, float(distance))


def neighbours(
    real: Tensor, made: Tensor, k: int = NEIGHBOURS
) -> tuple[float, float, float, float]:
    """Return precision, recall, density and coverage of made features (m,d) for real ones (n,d).

    With balls around each feature up to its k-th nearest of the same kind: precision is the share
    of made ones in a real ball, recall that of real ones in a made ball (Kynkaanniemi et al. 2019);
    density is the mean number of real balls that a made one is in, over k, and coverage the share
    of real balls with a made one in them (Naeem et al. 2020).
    """
    between = torch.cdist(real.double(), made.double())
    in_real = between <= _radius(real, k)[:, None]
    in_made = between <= _radius(made, k)[None, :]
    shares = in_real.any(dim=0), in_made.any(dim=1), in_real.any(dim=1)
    precision, recall, coverage = (float(share.double().mean()) for share in shares)
    density = float(in_real.double().sum(dim=0).mean()) / k
    return precision, recall, density, coverage


def expected_coverage(n: int, m: int, k: int = NEIGHBOURS) -> float:
    """Return the coverage that m further real pictures would have of n (Naeem et al. 2020, eq. 9).

    1 - (n-1)...(n-k) / (m+n-1)...(m+n-k), whatever the distribution.
    """
    return 1 - prod((n - j) / (m + n - j) for j in range(1, k + 1))


def mean_distance(features: Tensor) -> float:
    """Return the mean Euclidean distance between two of the features (n,d)."""
    n = len(features)
    return float(torch.cdist(features.double(), features.double()).sum()) / (n * (n - 1))


def _radius(features: Tensor, k: int) -> Tensor:
    """Return the distance (n,) of each feature to its k-th nearest other one."""
    own = torch.cdist(features.double(), features.double())
    own.fill_diagonal_(torch.inf)
    return own.kthvalue(k, dim=1).values


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    wide = features.double()
    return wide.mean(dim=0), torch.cov(wide.T).reshape(wide.shape[1], wide.shape[1])


def _root(matrix: Tensor) -> Tensor:
    """Return the root of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    return root
