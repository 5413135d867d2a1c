"""Foolbox models as our victims, our victims as Foolbox models."""

from collections.abc import Sequence
from typing import Any

import torch
from eagerpy.tensor.tensor import Tensor as EagerTensor
from foolbox.models.base import Model
from foolbox.models.pytorch import PyTorchModel
from torch import Tensor

from physadv.core import Answer, Encoded, check
from physadv.victims import Asked, Victim, check_gradients, find_label


class FoolboxVictim:
    """A Foolbox model, with its bounds and preprocessing, as a physadv victim."""

    differentiable = True

    def __init__(self, model: Model, labels: Sequence[str], size_px: tuple[int, int]) -> None:
        """Wrap a model that takes torch tensors; raises `UserError` for others."""
        check(isinstance(model, Model), "model", expected="a foolbox Model", got=type(model))
        self.model, self.labels, self.size_px = model, tuple(labels), size_px
        self.name = type(model).__name__

    def __call__(self, images: Encoded) -> Answer:
        """Answer for images (B,C,H,W) in [0,1]."""
        low, high = self.model.bounds
        scores: Any = self.model(images * (high - low) + low)
        return Answer(_raw(scores).to(images))

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label or index, or raise `UserError`."""
        return find_label(self.labels, name_or_index)


def as_victim(model: Model, labels: Sequence[str], size_px: tuple[int, int]) -> FoolboxVictim:
    """Return a Foolbox model as a victim; `size_px` (height, width) is what it is asked with."""
    return FoolboxVictim(model, labels, size_px)


def as_model(victim: Victim) -> PyTorchModel:
    """Return a victim with gradients as a Foolbox model for images in [0,1]."""
    check_gradients(victim)
    return PyTorchModel(Asked(victim).eval(), bounds=(0, 1), device="cpu")


def _raw(scores: Any) -> Tensor:
    """Return a tensor of torch's from one of eagerpy's, or as it is."""
    found = scores.raw if isinstance(scores, EagerTensor) else scores
    return torch.as_tensor(found)
