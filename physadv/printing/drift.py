"""How prints and photos of prints scatter around what a profile says."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Span, idle

UNCHANGED = Span.at(1.0, neutral=1.0)
NOTHING = Span.at(0.0, neutral=0.0)
CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True)
class Drift:
    """An affine change of a photo's printed reflectance, channel by channel: gain R + offset."""

    red_gain_ratio: Span = UNCHANGED
    green_gain_ratio: Span = UNCHANGED
    blue_gain_ratio: Span = UNCHANGED
    red_offset_ratio: Span = NOTHING
    green_offset_ratio: Span = NOTHING
    blue_offset_ratio: Span = NOTHING

    @classmethod
    def of(cls, gain_std_ratio: Tensor, offset_std_ratio: Tensor) -> "Drift":
        """Return the drift whose uniform spans have standard deviations (3,) of a profile."""
        reach = 3**0.5  # a uniform span of this many standard deviations to either side has them
        gains = [_about(1.0, reach * std) for std in gain_std_ratio.tolist()]
        return cls(*gains, *(_about(0.0, reach * std) for std in offset_std_ratio.tolist()))

    def __call__(self, given: Conditions) -> tuple[Tensor, Tensor] | None:
        """Return gain (B,3) and offset (B,3) of conditions (B,), None where nothing can change."""
        if idle(self):
            return None
        gain = torch.stack([given[f"{name}_gain_ratio"] for name in CHANNELS], dim=1)
        return gain, torch.stack([given[f"{name}_offset_ratio"] for name in CHANNELS], dim=1)


def _about(middle: float, reach: float) -> Span:
    return Span(middle - reach, middle + reach, neutral=middle)
