"""The way back: a PyTorch classifier of ART's as a physadv victim."""

from collections.abc import Sequence
from typing import Any

import torch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.core import Answer, Detections, Encoded, UserError, check
from physadv.victims import Detector, find_label
from physadv.victims.frozen import frozen
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

    def __init__(self, estimator: PyTorchClassifier, labels: Sequence[str] | None = None) -> None:
        """Wrap an estimator, which is left as it is; without `labels` classes are numbered."""
        good = isinstance(estimator, PyTorchClassifier)
        check(good, "estimator", expected="a PyTorchClassifier", got=type(estimator).__name__)
        self.estimator, self.frame = estimator, frame_of(estimator)
        self.labels = tuple(labels or (f"class {k}" for k in range(estimator.nb_classes)))
        count = f"{estimator.nb_classes} names"
        good = len(self.labels) == estimator.nb_classes
        check(good, "labels", expected=count, got=len(self.labels))
        self.name = type(estimator).__name__
        shape = estimator.input_shape
        sides = shape[1:3] if self.frame.channels_first else shape[:2]
        self.grey = len(shape) == 3 and shape[0 if self.frame.channels_first else -1] == 1
        self.size_px = (int(sides[0]), int(sides[1])) if len(shape) == 3 else (1, int(shape[-1]))

    @property
    def module(self) -> torch.nn.Module:
        """The estimator's network."""
        model: torch.nn.Module = self.estimator.model
        return model

    def __call__(self, images: Encoded) -> Answer:
        """Answer for images in [0,1]; gradients reach them, never the weights."""
        seen: Tensor = grey(images) if self.grey and images.shape[1] == 3 else images
        if seen.ndim == 4 and tuple(seen.shape[2:]) != self.size_px:
            seen = interpolate(seen, self.size_px, mode="bilinear", antialias=True)
        with frozen(self.module):
            x = self.frame.back(seen).to(self.estimator.device)
            operations = self.estimator.preprocessing_operations
            scores = model_scores(self.estimator.model, operations, x)
        return Answer(_logits(scores).to(images))

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


def as_victim(estimator: Any, labels: Sequence[str] | None = None) -> EstimatorVictim:
    """Return an ART `PyTorchClassifier` as a physadv victim; raises `UserError` for others."""
    try:
        return EstimatorVictim(estimator, labels)
    except UserError:
        raise
    except ValueError as error:
        raise UserError("estimator", expected="one with clip_values", got=str(error)) from error


def _logits(scores: Tensor) -> Tensor:
    """Return scores as they are, probabilities as logarithms."""
    if scores.ndim == 1 or scores.shape[1] == 1:
        raise UserError(
            "estimator", expected="one score a class", got=f"scores {tuple(scores.shape)}"
        )
    values = scores.detach()
    if bool((values >= 0).all() & ((values.sum(dim=1) - 1).abs() < 1e-3).all()):
        return scores.clamp_min(1e-12).log()
    return scores
