"""The way back: a classifier of ART's as a physadv victim."""

from collections.abc import Sequence
from typing import Any

import torch
from art.estimators.classification import PyTorchClassifier

from physadv.core import Answer, Detections, Encoded, UserError, check
from physadv.victims import Detector, find_label
from physadv.victims.frozen import frozen
from physadv_art.answers import logits, names_of, resized, size_of
from physadv_art.black_box import EstimatorBlackBox
from physadv_art.frame import frame_of
from physadv_art.graph import model_scores, prepared
from physadv_art.grey import grey


class EstimatorVictim:
    """An ART classifier with its range, channel order, preprocessing and preprocessing defences.

    Images (B,C,H,W) in [0,1] of another size than the estimator's `input_shape` are resized
    (antialiased bilinear); RGB is made grey (BT.601) for an estimator of grey images.
    Probabilities are turned into their logarithms. Postprocessing defences are not part of it:
    they have no gradient, as in ART.
    """

    differentiable = True
    queries = 0
    """It has gradients, and no query is counted."""

    def __init__(self, estimator: PyTorchClassifier, labels: Sequence[str] | None = None) -> None:
        """Wrap an estimator, which is left as it is; without `labels` classes are numbered."""
        good = isinstance(estimator, PyTorchClassifier)
        check(good, "estimator", expected="a PyTorchClassifier", got=type(estimator).__name__)
        self.estimator, self.frame = estimator, frame_of(estimator)
        self.labels, self.name = names_of(estimator, labels), type(estimator).__name__
        self.size_px = size_of(estimator.input_shape, self.frame.channels_first)
        shape = estimator.input_shape
        self.grey = len(shape) == 3 and shape[0 if self.frame.channels_first else -1] == 1

    @property
    def module(self) -> torch.nn.Module:
        """The estimator's network."""
        model: torch.nn.Module = self.estimator.model
        return model

    def __call__(self, images: Encoded) -> Answer:
        """Answer for images in [0,1]; gradients reach them, never the weights."""
        seen = grey(images) if self.grey and images.shape[1] == 3 else images
        with frozen(self.module):
            x = self.frame.back(resized(seen, self.size_px)).to(self.estimator.device)
            operations = self.estimator.preprocessing_operations
            scores = model_scores(self.estimator.model, operations, x)
        return Answer(logits(scores).to(images))

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label or index, or raise `UserError`."""
        return find_label(self.labels, name_or_index)


class EstimatorDetector(EstimatorVictim):
    """A `DetectorClassifier` as the detector it was made of, with all of its candidates.

    Its preprocessing and preprocessing defences are applied, differentiably. Images of any size
    are taken, since the detector owns its resizing; boxes are in pixels of these images.
    """

    def __init__(self, estimator: PyTorchClassifier) -> None:
        """Wrap an estimator, which is left as it is."""
        super().__init__(estimator)
        self.detector: Detector = estimator.model.victim
        self.labels, self.name = self.detector.labels, self.detector.name

    def __call__(self, images: Encoded) -> Detections:
        """Answer for images in [0,1]; gradients reach them, never the weights."""
        x = self.frame.back(images).to(self.estimator.device)
        ready = self.frame.unit(prepared(self.estimator.preprocessing_operations, x))
        expected, got = f"preprocessing that keeps {len(images)} images", len(ready)
        check(got == len(images), "estimator", expected=expected, got=got)
        return self.detector(Encoded(ready))


def as_victim(
    estimator: Any,
    labels: Sequence[str] | None = None,
    *,
    input_shape: Sequence[int] | None = None,
) -> EstimatorVictim | EstimatorBlackBox:
    """Return an ART classifier as a physadv victim; raises `UserError` for other things.

    A `PyTorchClassifier` as an `EstimatorVictim`, with gradients. Any other classifier of ART's
    (`BlackBoxClassifier`, `SklearnClassifier`, …) as an `EstimatorBlackBox`, which counts its
    queries; `input_shape` (C,H,W) or (H,W,C) says what images look like to one that does not, or
    takes them flattened.
    """
    try:
        if not isinstance(estimator, PyTorchClassifier):
            return EstimatorBlackBox(estimator, labels, input_shape=input_shape)
        own, fix = tuple(estimator.input_shape), "leave it out"
        fits = input_shape is None or tuple(input_shape) == own
        check(fits, "input_shape", expected=f"the estimator's, {own}", got=input_shape, fix=fix)
        return EstimatorVictim(estimator, labels)
    except UserError:
        raise
    except ValueError as error:
        raise UserError("estimator", expected="one with clip_values", got=str(error)) from error
