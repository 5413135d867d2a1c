"""Running somebody's module without leaving a trace on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Hold a module in evaluation mode, its parameters without gradient; then restore both.

    What is recorded inside has no edge to the parameters, so a later `backward` through it
    leaves their `grad` alone. Costs nothing where the module is already so; fit for TorchScript.
    Only flags are set: a `train()` that does more than that is not called.
    """
    training = [part for part in module.modules() if getattr(part, "training", False)]
    learning = [parameter for parameter in module.parameters() if parameter.requires_grad]
    try:
        for part in training:
            part.training = False
        for parameter in learning:
            parameter.requires_grad_(False)
        yield
    finally:
        for part in training:
            part.training = True
        for parameter in learning:
            parameter.requires_grad_(True)
