"""Fitted classifiers of scikit-learn (or with its methods) as victims; nothing is unpickled here.

Load yours in a Python file, `--victim file.py:function`, and return `scikit_classifier(...)`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from physadv.core import UserError, check, generator
from physadv.victims.classifier import Classifier
from physadv.victims.door import first_line
from physadv.victims.labels import find_label

Array = NDArray[Any]
Features = Callable[[Array], Array]
"""Images (N,h,w,3), RGB in [0,1], float64, to features (N,D)."""

LEAST = 1e-9
"""The probability that classes with none are given, so that its logarithm is finite."""
TRIED = 4


def pixels(images: Array) -> Array:
    """Return images (N,h,w,3) as rows of their values (N,3hw): row by row, R G B by pixel."""
    return images.reshape(len(images), -1)


def hog(images: Array) -> Array:
    """Return histograms of oriented gradients (Dalal & Triggs 2005), by scikit-image.

    Nine orientations, cells of 8x8 px, blocks of 2x2 cells; of the channel that changes most.
    """
    from skimage.feature import hog as of_one

    shape = {"pixels_per_cell": (8, 8), "cells_per_block": (2, 2), "channel_axis": -1}
    return np.stack([of_one(image, **shape) for image in images])


def scikit_classifier(
    model: Any,
    labels: Sequence[str],
    *,
    size_px: int | tuple[int, int],
    features: Features = pixels,
    name: str = "",
) -> Classifier:
    """Return a fitted classifier as a victim: a black box that counts its queries.

    Images are brought to `size_px` and turned into `features`. Its `classes_` are labels, or
    their numbers. Scores are log-probabilities where it has `predict_proba`, else the values of
    `decision_function`, else 1 for the class it names and 0 for others. One that is linear in the
    pixels (its `coef_` and `intercept_` give what `decision_function` says) is differentiable
    instead, with those values as scores. Raises `UserError` for what is not fitted or does not fit.
    """
    columns = _columns(model, labels)
    plain = _Asked(model, columns, len(labels), features)
    name = name or type(model).__name__
    made = Classifier(plain, labels, size_px=size_px, name=name)
    tried = torch.rand(TRIED, 3, *made.size_px, generator=generator(0), dtype=torch.float64)
    plain.said = plain(tried)
    plain.queries = 0
    linear = _linear(model, columns, len(labels)) if features is pixels else None
    if linear is None or not _agree(linear, model, columns, tried):
        return made
    return Classifier(linear, labels, size_px=size_px, name=name)


class _Asked(nn.Module):
    """A model behind a torch module; what it `said` of fixed images tells models apart."""

    differentiable = False
    note = "black box: a scikit-learn model"

    said: Tensor

    def __init__(self, model: Any, columns: list[int], classes: int, features: Features) -> None:
        super().__init__()
        self.model, self.columns, self.classes, self.features = model, columns, classes, features
        self.queries = 0
        self.register_buffer("said", torch.zeros(0))

    def forward(self, images: Tensor) -> Tensor:
        self.queries += len(images)
        arrays = images.detach().cpu().double().permute(0, 2, 3, 1).numpy()
        try:
            known = self._scores(self.features(arrays))
        except Exception as error:
            fix = "check size_px and features: those that the model was fitted with"
            expected, got = "a model that takes these features", first_line(error)
            raise UserError("model", expected=expected, got=got, fix=fix) from error
        least = known.min(axis=1, keepdims=True) - 1
        scores = np.broadcast_to(least, (len(images), self.classes)).copy()
        scores[:, self.columns] = known
        return torch.from_numpy(scores).to(images)

    def _scores(self, found: Array) -> Array:
        """Return a score a class of the model's own, (N,K)."""
        if hasattr(self.model, "predict_proba"):
            shares = np.asarray(self.model.predict_proba(found), dtype=np.float64)
            return np.asarray(np.log(np.maximum(shares, LEAST)))
        if hasattr(self.model, "decision_function"):
            return _by_class(np.asarray(self.model.decision_function(found), dtype=np.float64))
        named = np.asarray(self.model.predict(found))
        return np.asarray(named[:, None] == np.asarray(self.model.classes_), dtype=np.float64)


def _by_class(decided: Array) -> Array:
    """Return decision values with a column a class, where two classes share one."""
    return np.stack([-decided, decided], axis=1) if decided.ndim == 1 else decided


def _columns(model: Any, labels: Sequence[str]) -> list[int]:
    """Return the label's number of each class that the model knows."""
    known = getattr(model, "classes_", None)
    fix = "call its fit first"
    check(known is not None, "model", expected="a fitted classifier", got=repr(model), fix=fix)
    columns = [find_label(labels, one) for one in np.asarray(known).tolist()]
    good = len(set(columns)) == len(columns)
    check(good, "labels", expected="another label for each of its classes", got=columns)
    return columns


def _linear(model: Any, columns: list[int], classes: int) -> nn.Module | None:
    """Return a model's layer of weights as a module, if it has one that could be it."""
    weight, bias = (getattr(model, name, None) for name in ("coef_", "intercept_"))
    if not isinstance(weight, np.ndarray) or not isinstance(bias, np.ndarray):
        return None
    if len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]), np.concatenate([-bias, bias])
    if len(weight) != len(columns) or bias.shape != (len(columns),) or len(columns) < classes:
        return None
    layer = nn.Linear(weight.shape[1], classes, dtype=torch.float64)
    order = np.argsort(columns)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight[order]))
        layer.bias.copy_(torch.from_numpy(bias[order]))
    return nn.Sequential(_Rows(), layer)


class _Rows(nn.Module):
    """Images (B,3,h,w) as rows of values, as `pixels` has them."""

    def forward(self, images: Tensor) -> Tensor:
        return images.permute(0, 2, 3, 1).flatten(1)


@torch.no_grad()
def _agree(linear: nn.Module, model: Any, columns: list[int], tried: Tensor) -> bool:
    """Whether a layer's scores are what the model decides by."""
    decided = _by_class(model.decision_function(pixels(tried.permute(0, 2, 3, 1).numpy())))
    return bool(np.allclose(linear(tried).numpy()[:, columns], decided))
