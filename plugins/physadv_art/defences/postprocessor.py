"""Hiding scores: a service that tells its best answers only."""

from typing import Any

import numpy as np
from art.defences.postprocessor.postprocessor import Postprocessor

from physadv.core import check
from physadv_art.frame import Array


class TopScores(Postprocessor):  # type: ignore[misc]  # ART has no types
    """Keeps the `count` largest scores of a row, rounded to `decimals`; the others get its least.

    So that score-based attacks see no more than a remote service shows (Tramèr et al. 2016). The
    best class stays the best. Gradients pass by it, as by all of ART's postprocessors.
    """

    params = ("count", "decimals")

    def __init__(self, count: int = 1, decimals: int = 3, **apply: bool) -> None:
        """Keep `count` scores with `decimals` digits. Raises `UserError`."""
        super().__init__(is_fitted=True, **({"apply_fit": False, "apply_predict": True} | apply))
        check(count >= 1, "count", expected="at least 1", got=count)
        check(decimals >= 0, "decimals", expected="0 or more", got=decimals)
        self.count, self.decimals = count, decimals

    def __call__(self, preds: Any) -> Array:
        """Return scores (n,K) of which `count` in a row are told."""
        scores = np.asarray(preds)
        order = np.argsort(-scores, axis=1, kind="stable")
        told = np.take_along_axis(scores, order, axis=1).round(self.decimals)
        told[:, 1:] = np.minimum(told[:, 1:], told[:, :1] - 10.0**-self.decimals)
        told[:, self.count :] = scores.min(axis=1, keepdims=True) - 1.0
        found = np.empty_like(scores)
        np.put_along_axis(found, order, told.astype(scores.dtype), axis=1)
        return found
