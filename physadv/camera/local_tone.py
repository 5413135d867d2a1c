"""Local tone mapping: the camera lifts the shades and holds the lights, and keeps detail."""

from dataclasses import dataclass

import torch

from physadv.camera.colour_matrix import LUMINANCE
from physadv.camera.guided import guided
from physadv.core import Conditions, Linear, Span, Window
from physadv.core.types import MIDDLE_GREY

RADIUS = 8
DARKEST = 2e-3
"""Light below which nothing is lifted further: nine stops under white."""


@dataclass(frozen=True)
class LocalTone:
    """Stops of large areas from middle grey shrink by `strength_ratio`; those of detail stay.

    The base of luminance is split from detail in stops (Durand & Dorsey, SIGGRAPH 2002) by a
    guided filter over 17 x 17 pixels; steps well above `edge_ev` belong to the base.
    """

    strength_ratio: Span = Span(0.0, 0.5, neutral=0.0)
    edge_ev: float = 1.0

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Compress light (B,3,H,W), before it is encoded; hues stay."""
        weight = light.new_tensor(LUMINANCE)[:, None, None]
        luminance = (light * weight).sum(dim=1, keepdim=True).clamp_min(DARKEST)
        base = guided(torch.log2(luminance / MIDDLE_GREY), RADIUS, self.edge_ev)
        return Linear(light * torch.exp2(-given["strength_ratio"][:, None, None, None] * base))
