"""Using somebody's network and leaving its modes, flags and gradients as they were found."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def as_found(module: nn.Module, *, learn: bool = False) -> Iterator[None]:
    """Restore modes, `requires_grad` and gradients afterwards.

    Inside, parameters take no gradient unless they are to `learn`.
    """
    modes = [(part, part.training) for part in module.modules()]
    weights = [(weight, weight.requires_grad, weight.grad) for weight in module.parameters()]
    try:
        for weight, _, _ in weights:
            weight.requires_grad_(weight.requires_grad and learn)
        yield
    finally:
        for part, mode in modes:
            part.training = mode
        for weight, asks, slope in weights:
            weight.requires_grad_(asks)
            weight.grad = slope
