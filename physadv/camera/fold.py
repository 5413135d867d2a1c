"""Exposure, noise and tone in one go: what adjacent per-pixel effects do, and their slope.

Each picture value depends on its own light alone, so that forwards one pass writes the values and
their derivatives, and backwards is one multiplication.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from physadv.camera.tone import LEAST
from physadv.core import Encoded, Linear

LINEAR_UP_TO = 0.0031308
"""Where the linear part of the sRGB curve ends (IEC 61966-2-1)."""
DARK_RISE = math.log2(12.92) - math.log2(1.055 / 2.4 * LINEAR_UP_TO ** (1 / 2.4 - 1))
"""How many times, as a power of 2, the linear part is steeper than the curve where they meet."""
STEEP = 1e12
"""Turns the least difference of two numbers into more than any limit."""
NONE = 1e3
"""A power of 2 by whose negative nothing is left of a slope."""


@dataclass(frozen=True, eq=False)
class Development:
    """What light is multiplied by, the noise's variance `slope` x light + `floor`, the contrast.

    `factor` is (B,3,1,1) or (B,3,H,W); `slope` and `floor` are (B,1,1,1) and `unit` the field of
    unit variance (B,3,H,W), all None without noise; `power` is (B,1,1,1), None for 1.
    """

    factor: Tensor
    slope: Tensor | None
    floor: Tensor | None
    unit: Tensor | None
    power: Tensor | None


def developed(light: Linear, how: Development) -> Encoded:
    """Return the pictures (B,3,H,W) of light (B,3,H,W)."""
    return Encoded(_Developed.apply(light, how))


class _Developed(torch.autograd.Function):
    """Values forwards; backwards the derivative that was written beside them."""

    @staticmethod
    def forward(ctx: Any, light: Tensor, how: Development) -> Tensor:
        """Return the pictures."""
        image, slope = _values(light, how, wanted=ctx.needs_input_grad[0])
        if slope is not None:
            ctx.save_for_backward(slope)
        return image

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        """Return the gradient to the light."""
        (own,) = ctx.saved_tensors
        return slope * own, None


def _values(light: Tensor, how: Development, *, wanted: bool) -> tuple[Tensor, Tensor | None]:
    """Return values and, where `wanted`, derivatives."""
    signal = light * how.factor
    if how.unit is not None and how.slope is not None and how.floor is not None:
        spread = signal.clamp(0, 1).mul_(how.slope).add_(how.floor).sqrt_()
        signal.addcmul_(spread, how.unit)
    image, slope = _encoded(signal, how.power, wanted=wanted)
    return image, None if slope is None else slope.mul_(how.factor)


def _encoded(signal: Tensor, power: Tensor | None, *, wanted: bool) -> tuple[Tensor, Tensor | None]:
    """Clip, encode and raise to a power; `signal` is used up.

    Powers are taken through logarithms, and what the straight part of the sRGB curve lacks is
    added to the curve's end instead of choosing between them: both are several times as quick.
    """
    curve = torch.log2(signal.clamp(LINEAR_UP_TO, 1))
    image = (curve * (1 / 2.4)).exp2_().mul_(1.055).sub_(0.055)
    slope = _steepness(curve, signal) if wanted else None
    image.add_(signal.clamp_(0, LINEAR_UP_TO).sub_(LINEAR_UP_TO), alpha=12.92)
    if power is None:
        return image, None if slope is None else slope.exp2_()
    image = image.clamp_min_(LEAST).log2_()
    if slope is not None:
        slope.add_(image * (power - 1)).add_(torch.log2(power)).exp2_()
    return image.mul_(power).exp2_(), slope


def _steepness(curve: Tensor, signal: Tensor) -> Tensor:
    """Return the logarithm (base 2) of the encoding's slope; `curve`, that of light, is used up.

    On the straight part the curve's end is too flat by a factor; where light is clipped there is
    no slope. Both are told by arithmetic, as choosing takes longer.
    """
    slope = curve.mul_(1 / 2.4 - 1).add_(math.log2(1.055 / 2.4))
    slope.add_(torch.rsub(signal, LINEAR_UP_TO).mul_(STEEP).clamp_(0, DARK_RISE))
    beyond = (signal - 0.5).abs_().sub_(0.5).mul_(-STEEP).clamp_(-NONE, 0)
    return slope.add_(beyond)
