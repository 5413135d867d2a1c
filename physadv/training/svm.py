"""A support vector machine with radial basis functions, by sequential minimal optimisation.

Platt 1998; the pair that is optimised next is the one that violates optimality most (Keerthi et al.
2001, Fan, Chen & Lin 2005, "WSS 1").
"""

import numpy as np
from numpy.typing import NDArray

from physadv.core import check

Array = NDArray[np.float64]
MOST_STEPS = 1_000_000


def fit_svm(
    vectors: Array, signs: Array, *, gamma: float, cost: float = 1.0, tolerance: float = 1e-4
) -> tuple[Array, float]:
    """Return weights (n,) and a bias for vectors (n,D) of signs (n,), 1 or -1.

    The decision is sum_i weights_i exp(-gamma |x - vectors_i|^2) + bias; weights are 0 to `cost`
    times the signs. Raises `UserError` unless both signs are there.
    """
    good = set(np.unique(signs).tolist()) == {-1.0, 1.0}
    check(good, "signs", expected="both 1 and -1, and no other", got=np.unique(signs).tolist())
    kernel = _kernel(vectors, gamma)
    share = np.zeros(len(signs))
    rest = signs.astype(np.float64)  # signs less the decision without bias
    for _ in range(MOST_STEPS):
        rises = np.where(signs > 0, share < cost, share > 0)
        falls = np.where(signs > 0, share > 0, share < cost)
        i = int(np.argmax(np.where(rises, rest, -np.inf)))
        j = int(np.argmin(np.where(falls, rest, np.inf)))
        gap = rest[i] - rest[j]
        if gap < tolerance:
            break
        room_i = cost - share[i] if signs[i] > 0 else share[i]
        room_j = share[j] if signs[j] > 0 else cost - share[j]
        bend = max(kernel[i, i] + kernel[j, j] - 2 * kernel[i, j], 1e-12)
        step = min(gap / bend, room_i, room_j)
        share[i] = _kept(share[i] + signs[i] * step, cost)
        share[j] = _kept(share[j] - signs[j] * step, cost)
        rest -= step * (kernel[i] - kernel[j])
    return share * signs, float(rest[i] + rest[j]) / 2


def _kernel(vectors: Array, gamma: float) -> Array:
    squares = np.square(vectors).sum(axis=1)
    apart = squares[:, None] + squares - 2 * vectors @ vectors.T
    kernel: Array = np.exp(-gamma * np.maximum(apart, 0))
    return kernel


def _kept(share: float, cost: float) -> float:
    """Return a share that is exactly at an end where it is there but for rounding."""
    if share < 1e-12 * cost:
        return 0.0
    return cost if share > (1 - 1e-12) * cost else share
