"""Light on the sign: a soft gradient across it and a veil of specular reflection."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Linear, Span


@dataclass(frozen=True)
class SignLight:
    """How the sign is lit beside the camera's exposure.

    `slope_ev` is the change of irradiance from one edge of the frame to the other, in the
    direction `slope_deg`; `veil_ratio` is the white specular reflection added to the face
    (the surface term of a dichromatic reflector, Shafer 1985).
    """

    slope_ev: Span = Span(0.0, 0.6, neutral=0.0)
    slope_deg: Span = Span(0.0, 360.0, neutral=0.0)
    veil_ratio: Span = Span(0.0, 0.06, neutral=0.0)


def light_sign(layer: Tensor, place: Tensor, given: Conditions) -> Linear:
    """Light a premultiplied layer (B,4,H,W) seen at `place` (B,H,W,2), the frame's -1..1.

    Colour is lit, cover is kept; at neutral this is the identity.
    """
    angle = torch.deg2rad(given["slope_deg"])
    direction = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    along = (place.clamp(-1, 1) @ direction[:, None, :, None])[..., 0]
    irradiance = 2 ** (along * given["slope_ev"][:, None, None] / 2)
    veil = given["veil_ratio"][:, None, None, None]
    cover = layer[:, 3:]
    colour = (layer[:, :3] * (1 - veil) + veil * cover) * irradiance[:, None]
    return Linear(torch.cat([colour, cover], dim=1))
