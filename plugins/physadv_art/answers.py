"""What all wrapped ART classifiers share: names of classes, the size of images, scores."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn.functional import interpolate

from physadv.core import UserError, check
from physadv.victims.labels import numbered


def names_of(estimator: Any, labels: Sequence[str] | None) -> tuple[str, ...]:
    """Return a name for each class, by default its number; raises `UserError` for another count."""
    names = tuple(labels or numbered(estimator.nb_classes))
    good, expected = len(names) == estimator.nb_classes, f"{estimator.nb_classes} names"
    check(good, "labels", expected=expected, got=len(names))
    return names


def size_of(shape: Sequence[int], channels_first: bool) -> tuple[int, int]:
    """Return (height, width) of an estimator's `input_shape`; of a table it is one row."""
    sides = shape[1:3] if channels_first else shape[:2]
    return (int(sides[0]), int(sides[1])) if len(shape) == 3 else (1, int(shape[-1]))


def resized(images: Tensor, size_px: tuple[int, int]) -> Tensor:
    """Return images (B,C,h,w) of that size, antialiased bilinear; others, and tables, as is."""
    if images.ndim != 4 or tuple(images.shape[2:]) == size_px:
        return images
    return interpolate(images, size_px, mode="bilinear", antialias=True)


def logits(scores: Tensor) -> Tensor:
    """Return scores (B,K) as they are, probabilities as logarithms; raises `UserError`."""
    if scores.ndim == 1 or scores.shape[1] == 1:
        raise UserError(
            "estimator", expected="one score a class", got=f"scores {tuple(scores.shape)}"
        )
    return scores.clamp_min(1e-12).log() if are_shares(scores) else scores


def are_shares(scores: Tensor) -> bool:
    """Return whether scores (B,K) are probabilities: none below 0, and 1 in all."""
    values = scores.detach()
    return bool((values >= 0).all() & ((values.sum(dim=1) - 1).abs() < 1e-3).all())
