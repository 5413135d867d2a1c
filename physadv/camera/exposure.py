"""Exposure: how much light the sensor collects, in stops."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Linear, Span, Window


@dataclass(frozen=True)
class Exposure:
    """Gain of 2 ** gain_ev; 0 EV puts a white diffuser lit like the sign at full scale."""

    gain_ev: Span = Span(-1.5, 1.5, neutral=0.0)

    def gain(self, given: Conditions) -> Tensor:
        """Return the factor a channel, (B,3)."""
        return torch.exp2(given["gain_ev"])[:, None].expand(-1, 3)

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Scale light (B,3,H,W)."""
        return Linear(light * self.gain(given)[:, :, None, None])
