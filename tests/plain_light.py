"""How SignLight lights a layer, said plainly: the oracle of the folded light."""

import torch
from torch import Tensor

from physadv.core import Conditions, Linear


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
