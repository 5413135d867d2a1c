"""A framework's architecture by name: built the same each time, and filled from a file."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from physadv.core import check
from physadv.victims.weights import load_weights

UNTRAINED = "untrained: its weights are random; give a file of weights, or the trained object"


def by_name(
    model: str | nn.Module, file: str | Path | None, build: Callable[[str], nn.Module]
) -> tuple[nn.Module, str]:
    """Return an object as it is, or what `build` makes of a name with the weights in `file`.

    Also returns what there is to say about the weights: they are random without a file, and then
    the same each time. Raises `UserError` for a file that does not fit.
    """
    if not isinstance(model, str):
        fix = "fill an object with load_weights yourself"
        check(file is None, "file", expected="nothing with an object", got=file, fix=fix)
        good, got = isinstance(model, nn.Module), type(model).__name__
        check(good, "model", expected="a name or an nn.Module", got=got)
        return model, ""
    with torch.random.fork_rng(devices=[]):  # networks draw from the global generator
        torch.manual_seed(0)
        built = build(model).eval()
    if file is None:
        return built, UNTRAINED
    load_weights(built, file)
    return built, ""


def kind(model: str | nn.Module) -> str:
    """Return what reports call a model: its name, or its class's."""
    return model if isinstance(model, str) else type(model).__name__
