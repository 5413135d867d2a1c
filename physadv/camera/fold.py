"""Exposure, noise and tone in one go: what adjacent per-pixel effects do, and their slope.

Each picture value depends on its own light alone, so that forwards one pass writes the values and
their derivatives, and backwards is one multiplication.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from physadv.camera.tone import LEAST
from physadv.core import Encoded, Linear

LINEAR_UP_TO = 0.0031308
"""Where the linear part of the sRGB curve ends (IEC 61966-2-1)."""
DARK_RISE = 12.92 - (0.04045 + 0.055) / (2.4 * LINEAR_UP_TO)
"""How much steeper the linear part is than the curve where they meet."""


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
    slope: Tensor | None = how.factor if wanted else None
    if how.unit is not None and how.slope is not None and how.floor is not None:
        spread = signal.clamp(0, 1).mul_(how.slope).add_(how.floor).clamp_min_(1e-12).sqrt_()
        signal += spread.mul_(how.unit)
    return _encoded(signal, slope, how.power)


def _encoded(
    signal: Tensor, slope: Tensor | None, power: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Clip, encode and raise to a power.

    Powers are taken through logarithms, and the two parts of the sRGB curve added up instead of
    chosen between, since both are several times as quick.
    """
    curve = signal.clamp(LINEAR_UP_TO, 1)
    image = torch.log2(curve).mul_(1 / 2.4).exp2_().mul_(1.055).sub_(0.055)
    if slope is not None:
        rise = image.add(0.055).div_(curve.mul_(2.4))
        rise += (signal < LINEAR_UP_TO).mul(DARK_RISE)
        slope = rise.mul_(signal.clamp(0, 1) == signal).mul_(slope)
    image += signal.clamp_(0, LINEAR_UP_TO).sub_(LINEAR_UP_TO).mul_(12.92)
    if power is None:
        return image, slope
    image.clamp_min_(LEAST)
    raised = torch.log2(image).mul_(power).exp2_()
    if slope is not None:
        slope = slope.mul_(raised).div_(image).mul_(power)
    return raised, slope
