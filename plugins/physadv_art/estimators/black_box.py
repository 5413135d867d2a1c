"""A physadv victim without gradients as ART's black box: it is shown images and told answers."""

from typing import Any

import numpy as np
import torch
from art.estimators.classification import BlackBoxClassifierNeuralNetwork
from torch import Tensor

from physadv.core import Encoded, UserError
from physadv.core.check import one_of
from physadv.victims import Victim
from physadv_art.frame import Array, Frame

DEFENCES = ("preprocessing", "preprocessing_defences", "postprocessing_defences")
"""What may be given to it besides: all the rest of a `PyTorchClassifier` needs a network."""


class BlackBoxVictim(BlackBoxClassifierNeuralNetwork):  # type: ignore[misc]  # ART has no types
    """An ART black box that asks a physadv victim; made by `from_victim`.

    Images are cast to float32 and clipped to the clip values before they are shown (some of ART's
    attacks hand on float64, and points a rounding outside). The victim counts its queries. One
    that tells labels alone scores 1 for the label and 0 for the others, which is all that ART's
    decision-based attacks look at. Errors of the victim (`BudgetError` of a remote one) come
    through; what it kept by then is not asked again.
    """

    def __init__(
        self,
        victim: Victim,
        frame: Frame,
        *,
        input_shape: tuple[int, ...],
        last: Any,
        **kwargs: Any,
    ) -> None:
        """Hold the victim; `last` is what its scores (B,K) go through. Raises `UserError`."""
        for name in kwargs:
            one_of("from_victim, black box", name, DEFENCES)
        self.victim, self.frame, self.last = victim, frame, last
        super().__init__(
            predict_fn=self._told,
            input_shape=input_shape,
            nb_classes=len(victim.labels),
            channels_first=frame.channels_first,
            clip_values=(frame.low, frame.high),
            **kwargs,
        )

    def __repr__(self) -> str:
        """Say what it is as ART's estimators do, without the function, which holds itself."""
        own = ("_predict_fn", "victim", "frame", "last")
        values = {name: value for name, value in vars(self).items() if name not in own}
        told = [f"{name.removeprefix('_')}={value}" for name, value in values.items()]
        return f"BlackBoxVictim(victim={self.victim.name}, {', '.join(told)})"

    @property
    def queries(self) -> int:
        """How many images the victim was shown, by whomever."""
        return int(getattr(self.victim, "queries", 0))

    def clone_for_refitting(self) -> "BlackBoxVictim":
        """Refuse: there are no weights to fit."""
        raise UserError("victim", expected="weights to fit", got=f"{self.victim.name}, a black box")

    @torch.no_grad()
    def _told(self, x: Array) -> Array:
        """Return the scores (B,K), float32; of a detector the best of each class."""
        device = getattr(self.victim, "device", torch.device("cpu"))
        scores = self.victim(Encoded(self.frame.images(x).to(device))).scores
        each: Tensor = self.last(scores.amax(dim=1) if scores.ndim == 3 else scores)
        return np.asarray(each.float().cpu().numpy())
