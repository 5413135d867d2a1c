"""Tone: saturation and encoding, where light becomes picture values."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Encoded, Linear, Span, Window, encode


@dataclass(frozen=True)
class Tone:
    """Clip at full scale, encode as sRGB and raise to `gamma_ratio`, the camera's contrast."""

    gamma_ratio: Span = Span(0.85, 1.15)

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Encoded:
        """Encode light (B,3,H,W)."""
        image: Tensor = encode(Linear(light.clamp(0, 1)))
        if self.gamma_ratio.low == self.gamma_ratio.high == 1:
            return Encoded(image)
        power = given["gamma_ratio"][:, None, None, None]
        return Encoded(torch.pow(image.clamp_min(1e-4), power))
