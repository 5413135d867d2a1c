"""Exposure: how much light the sensor collects, set by hand or by the meter, in stops."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Linear, Span, Window
from physadv.core.types import MIDDLE_GREY

DARKEST = 1e-4
"""The least light that a meter reads, as a share of what a white diffuser gives."""


@dataclass(frozen=True)
class Exposure:
    """Gain of 2 ** gain_ev; 0 EV puts a white diffuser lit like the sign at full scale.

    The meter brings the mean of the whole frame to middle grey (ISO 2720): not at all at a
    `meter_ratio` of 0, wholly at 1, by that share of the stops between. Stops add up.
    """

    gain_ev: Span = Span(-1.5, 1.5, neutral=0.0)
    meter_ratio: Span = Span.at(0.0, neutral=0.0)

    def gain(self, given: Conditions, window: Window) -> Tensor:
        """Return the factor a channel, (B,3)."""
        factor = torch.exp2(given["gain_ev"])
        if "meter_ratio" in given:
            wanted = MIDDLE_GREY / window.metered.clamp_min(DARKEST)
            factor = factor * wanted ** given["meter_ratio"]
        return factor[:, None].expand(-1, 3)

    def __call__(self, light: Linear, given: Conditions, window: Window) -> Linear:
        """Scale light (B,3,H,W)."""
        return Linear(light * self.gain(given, window)[:, :, None, None])
