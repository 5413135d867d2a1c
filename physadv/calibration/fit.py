"""Fits colour to colour: several smooth regressions, of which cross-validation picks one."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from physadv.calibration.chart import Array
from physadv.calibration.colour import de2000

Map = Callable[[Array], Array]
"""From rows (N,3) to rows (N,3)."""
Fitter = Callable[[Array, Array], Map]

FOLDS = 10


@dataclass(frozen=True, eq=False)
class Fit:
    """The chosen regression, and what it says (N,3) of each row when that was left out."""

    name: str
    map: Map
    held_out: Array


def fit(colour: Array, seen: Array) -> Fit:
    """Fit encoded `seen` (N,3) as a function of encoded `colour` (N,3).

    The one with the least mean CIEDE2000 of ten-fold cross-validation, fitted to all rows.
    """
    tried = {name: hold_out(fitter, colour, seen) for name, fitter in FITTERS.items()}
    best = min(tried, key=lambda name: float(de2000(tried[name], seen).mean()))
    return Fit(best, FITTERS[best](colour, seen), tried[best])


def hold_out(fitter: Fitter, colour: Array, seen: Array) -> Array:
    """Return what each row is predicted as by the rows of the other folds; row k is in k mod 10."""
    predicted = np.empty_like(seen)
    fold = np.arange(len(colour)) % FOLDS
    for k in range(FOLDS):
        rest = fold != k
        predicted[~rest] = fitter(colour[rest], seen[rest])(colour[~rest])
    return predicted


def polynomial(degree: int, ridge: float = 1e-6) -> Fitter:
    """Return the fitter of a polynomial in three variables, with a small ridge."""
    powers = [p for p in product(range(degree + 1), repeat=3) if sum(p) <= degree]

    def terms(colour: Array) -> Array:
        return np.stack([np.prod((2 * colour - 1) ** p, axis=1) for p in powers], axis=1)

    def fitted(colour: Array, seen: Array) -> Map:
        known = terms(colour)
        normal = known.T @ known + ridge * len(colour) * np.eye(len(powers))
        weights = np.linalg.solve(normal, known.T @ seen)
        return lambda at: terms(at) @ weights

    return fitted


def thin_plate(smoothing: float) -> Fitter:
    """Return the fitter of a smoothing spline: kernel -|r|, which is biharmonic in 3-D, + affine.

    Wahba, Spline Models for Observational Data, 1990, section 2.4.
    """

    def kernel(one: Array, other: Array) -> Array:
        return np.asarray(-np.linalg.norm(one[:, None] - other[None], axis=2))

    def affine(colour: Array) -> Array:
        return np.concatenate([np.ones((len(colour), 1)), colour], axis=1)

    def fitted(colour: Array, seen: Array) -> Map:
        bend = kernel(colour, colour) + smoothing * np.eye(len(colour))
        plain = affine(colour)
        system = np.block([[bend, plain], [plain.T, np.zeros((4, 4))]])
        weights = np.linalg.solve(system, np.concatenate([seen, np.zeros((4, 3))]))
        return lambda at: kernel(at, colour) @ weights[:-4] + affine(at) @ weights[-4:]

    return fitted


FITTERS: dict[str, Fitter] = {
    **{f"polynomial of degree {degree}": polynomial(degree) for degree in (2, 3, 4)},
    **{f"thin plate, smoothing {value:g}": thin_plate(value) for value in (0.01, 0.1, 0.3, 1.0)},
}
