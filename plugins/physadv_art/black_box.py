"""ART classifiers that only predict as physadv victims: black boxes that count their queries."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from art.estimators.classification.classifier import ClassifierMixin

from physadv.core import Answer, Encoded, UserError, check
from physadv.victims import find_label
from physadv.victims.door import check_scores
from physadv_art.answers import logits, names_of, resized, size_of
from physadv_art.frame import CHANNELS, Frame, ends

SHAPE = "give as_victim input_shape=(3, H, W) or (H, W, 3)"


class EstimatorBlackBox:
    """An ART classifier that is asked through `predict` alone; made by `as_victim`.

    All that its `predict` does is part of it, postprocessing defences too. Images (B,C,H,W) in
    [0,1] of another size than `input_shape` are resized (antialiased bilinear) and go in as
    float32 in its clip range and channel order, flattened where it takes rows of a table.
    Probabilities, and one-hot labels, become their logarithms. `queries` counts the images it was
    shown.
    """

    differentiable = False

    def __init__(
        self,
        estimator: Any,
        labels: Sequence[str] | None = None,
        *,
        input_shape: Sequence[int] | None = None,
    ) -> None:
        """Wrap an estimator, which is left as it is; `input_shape` where it has none of an image.

        Without `labels` classes are numbered. Raises `UserError`, `ValueError` for clip values.
        """
        good, kind = isinstance(estimator, ClassifierMixin), type(estimator).__name__
        check(good, "estimator", expected="a classifier of ART's", got=kind)
        own = tuple(getattr(estimator, "input_shape", None) or ())
        shape = tuple(input_shape or own)
        check(len(shape) == 3, "estimator", expected="one that takes images", got=own, fix=SHAPE)
        self.flat = own == (prod(shape),)
        fits = self.flat or own in ((), shape)
        check(fits, "input_shape", expected=f"what fits the estimator's {own}", got=shape)
        first = _channels_first(estimator, shape)
        self.estimator, self.frame = estimator, Frame(first, *ends(estimator.clip_values))
        self.labels, self.size_px = names_of(estimator, labels), size_of(shape, first)
        self.channels = int(shape[0] if first else shape[2])
        self.name, self.queries = kind, 0
        self.note = "black box: an ART classifier that is asked through predict"

    def __repr__(self) -> str:
        """Say what it is in one line."""
        return f"<EstimatorBlackBox {self.name}: {len(self.labels)} classes, {self.queries} asked>"

    @torch.no_grad()
    def __call__(self, images: Encoded) -> Answer:
        """Answer for images (B,C,H,W) in [0,1]; there is no gradient. Raises `UserError`."""
        good, got = images.ndim == 4 and images.shape[1] == self.channels, tuple(images.shape)
        check(good, "images", expected=f"(B,{self.channels},H,W)", got=got)
        x = self.frame.array(resized(images.float(), self.size_px))
        self.queries += len(x)
        told = np.asarray(self.estimator.predict(x.reshape(len(x), -1) if self.flat else x))
        scores = logits(torch.as_tensor(told.astype(np.float32)))
        known = check_scores(scores, rows=len(x), classes=len(self.labels))
        return Answer(known.to(images))

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label or index, or raise `UserError`."""
        return find_label(self.labels, name_or_index)


def _channels_first(estimator: Any, shape: Sequence[int]) -> bool:
    """Return what the estimator says, else what the shape (three numbers) does."""
    said = getattr(estimator, "channels_first", None)
    if said is not None:
        return bool(said)
    first, last = shape[0] in CHANNELS, shape[2] in CHANNELS
    if first == last and tuple(shape[:2]) != (1, 1):  # one line of one channel
        expected, fix = "channels first or last", "BlackBoxClassifierNeuralNetwork says which"
        raise UserError("input_shape", expected=expected, got=tuple(shape), fix=fix)
    return first
