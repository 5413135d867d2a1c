"""A network as certificates read it: affine steps and ReLUs in a row, or the layer refused by name.

An affine step offers what bounds are made of: the map itself, its matrix W without the bias, and
|W|. All keep the first dimension apart, so a batch of images and a batch of directions pass alike.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from physadv.core import UserError, check

Map = Callable[[Tensor], Tensor]
KNOWN = "Linear, Conv2d, AvgPool2d, BatchNorm2d, ReLU, Flatten, Identity, Dropout, Sequential"


@dataclass(frozen=True)
class Affine:
    """x -> W x + b as a whole, W x alone (`slope`), and |W| x (`size`); x is (n, ...)."""

    whole: Map
    slope: Map
    size: Map


@dataclass(frozen=True)
class Relu:
    """max(x, 0)."""


Layer = Affine | Relu


def layers(net: nn.Module) -> list[Layer]:
    """Return a sequential network as affine steps and ReLUs, as it is in evaluation mode.

    Networks may be nested (`nn.Sequential` in `nn.Sequential`). Raises `UserError` that names the
    path and the type of the first layer that is none of those that bounds are known for.
    """
    return list(_layers(net, ""))


def _layers(module: nn.Module, path: str) -> Iterator[Layer]:
    if isinstance(module, nn.Sequential):
        for name, child in module.named_children():
            yield from _layers(child, f"{path}.{name}".lstrip("."))
    elif isinstance(module, nn.ReLU):
        yield Relu()
    elif not isinstance(module, nn.Identity | nn.Dropout):
        yield _affine(module, path)


def _affine(module: nn.Module, path: str) -> Affine:
    if isinstance(module, nn.Linear):
        return _weighted(F.linear, module.weight, module.bias)
    if isinstance(module, nn.Conv2d) and module.padding_mode == "zeros":
        return _convolution(module)
    if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
        return _normalisation(module)
    if isinstance(module, nn.AvgPool2d):
        return Affine(module, module, module)
    if isinstance(module, nn.Flatten) and module.start_dim == 1:
        return Affine(module, module, module)
    got = f"{type(module).__name__} at {path or 'the top'}: {module}".splitlines()[0]
    fix = "build the network of these, without other padding, statistics or flattening"
    raise UserError("net", expected=f"layers of {KNOWN}", got=got, fix=fix)


def _weighted(apply: Callable[..., Tensor], weight: Tensor, bias: Tensor | None) -> Affine:
    return Affine(
        lambda x: apply(x, weight, bias),
        lambda x: apply(x, weight, None),
        lambda x: apply(x, weight.abs(), None),
    )


def _convolution(module: nn.Conv2d) -> Affine:
    def apply(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = module.padding
        return F.conv2d(
            x, weight, bias, module.stride, padding, module.dilation, groups=module.groups
        )

    return _weighted(apply, module.weight, module.bias)


def _normalisation(module: nn.BatchNorm2d) -> Affine:
    mean, variance = module.running_mean, module.running_var
    assert mean is not None
    assert variance is not None
    weight = (variance + module.eps).rsqrt()
    weight = weight if module.weight is None else weight * module.weight
    bias = -mean * weight if module.bias is None else module.bias - mean * weight

    def apply(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        scaled = x * weight[:, None, None]
        return scaled if bias is None else scaled + bias[:, None, None]

    return _weighted(apply, weight, bias)


def input_box(
    images: Tensor, eps: float, within: tuple[float, float] | None
) -> tuple[Tensor, Tensor]:
    """Return the lowest and the highest images, each as `images`, of a ball of norm inf.

    `eps` is its radius in the images' own values; `within` is where images can be at all, None for
    the whole ball, as Wong & Kolter have it. Raises `UserError` for an eps below 0, or for images
    outside `within`, around which there may be no ball.
    """
    check(eps >= 0, "eps", expected="0 or above", got=eps)
    if within is None:
        return images - eps, images + eps
    low, high = (float(end) for end in torch.aminmax(images.detach()))
    inside = within[0] <= low and high <= within[1]
    fix = "scale the images, or give within=None"
    expected = f"values in [{within[0]:g},{within[1]:g}]"
    check(inside, "images", expected=expected, got=f"{low:.3g} to {high:.3g}", fix=fix)
    return (images - eps).clamp(*within), (images + eps).clamp(*within)
