"""Telling less: what changes the answers, as ART's postprocessors."""

from typing import Any

import numpy as np
import torch
from art.defences.postprocessor.postprocessor import Postprocessor

from physadv.core import Encoded, check, generator, spawn
from physadv.defences import Defence
from physadv_art.answers import are_shares, logits
from physadv_art.defences.stand_in import StandIn, check_kind
from physadv_art.frame import Array

EXPECTED = "one that changes answers, as LabelOnly()"


class AnswerDefence(Postprocessor):  # type: ignore[misc]  # ART has no types
    """A defence that changes what is told: `LabelOnly`, `RoundedScores`, `ReverseSigmoid`, …

    Of probabilities (n,K) it tells probabilities, which where they are rounded or noisy need not
    sum to 1; of logits it tells scores. What chance there is comes from (seed, call); `reset()`
    begins anew. Gradients pass by it, as by all of ART's postprocessors.
    """

    params = ("defence", "seed")

    def __init__(self, defence: Defence, *, seed: int = 0, **apply: bool) -> None:
        """Take a defence of physadv's. Raises `UserError` for others.

        `apply_fit` (False by default) and `apply_predict` (True) as in ART.
        """
        super().__init__(is_fitted=True, **({"apply_fit": False, "apply_predict": True} | apply))
        check_kind(defence, ("output",), EXPECTED)
        self.defence, self.seed, self.calls = defence, seed, 0

    def reset(self) -> None:
        """Go back to before the first call."""
        self.calls = 0

    @torch.no_grad()
    def __call__(self, preds: Any) -> Array:
        """Return what is told of answers (n,K), in their type."""
        given = torch.as_tensor(np.asarray(preds))
        scores, rng = logits(given), generator(spawn(self.seed, self.calls))
        made = self.defence(StandIn((1, 1), scores.shape[1]))
        got = type(self.defence).__name__
        check(made.told is not None, "defence", expected=EXPECTED, got=got)
        assert made.told is not None
        self.calls += 1
        told = made.told(scores, Encoded(scores.new_zeros(len(scores), 3, 1, 1)), rng)
        told = told.exp() if are_shares(given) and not are_shares(told) else told
        return np.asarray(told.to(given.dtype).numpy())


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
