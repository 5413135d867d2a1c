"""Tone: saturation and encoding, where light becomes picture values."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Encoded, Linear, Span, Window, encode

LEAST = 1e-4
"""The picture value below which the power's slope would run away."""


@dataclass(frozen=True)
class Tone:
    """Clip at full scale, encode as sRGB and raise to `gamma_ratio`, the camera's contrast."""

    gamma_ratio: Span = Span(0.85, 1.15)

    def power(self, given: Conditions) -> Tensor | None:
        """Return the exponents (B,1,1,1), None where they are always 1."""
        fixed = self.gamma_ratio.low == self.gamma_ratio.high == 1
        return None if fixed else given["gamma_ratio"][:, None, None, None]

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Encoded:
        """Encode light (B,3,H,W)."""
        image, power = encode(Linear(light.clamp(0, 1))), self.power(given)
        return image if power is None else Encoded(torch.pow(image.clamp_min(LEAST), power))
