"""Fog and haze: contrast fades with distance into the airlight."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Linear, Sight, Span

THRESHOLD = 0.05
"""Contrast left at the distance of visibility: the meteorological optical range (WMO-No. 8)."""


@dataclass(frozen=True)
class Fog:
    """Koschmieder's law (1924): L = L0 t + A (1 - t), t = 0.05 ** (distance / visibility).

    `visibility_m` is the meteorological optical range, endless in clear air; `airlight_ratio` is
    the fog's own light A, 1 being a white face in the standard light; `background_m` is how far
    away what is behind the sign lies from the camera.
    """

    visibility_m: Span = Span(40.0, 400.0, neutral=math.inf, log=True)
    airlight_ratio: Span = Span(0.5, 1.0, neutral=0.8)
    background_m: Span = Span(30.0, 150.0, neutral=60.0)

    def transmittance(self, distance_m: Tensor, given: Conditions) -> Tensor:
        """Return the share of light (B,1,1,1) that comes through distances (B,)."""
        extinction = -math.log(THRESHOLD) / given["visibility_m"]
        return torch.exp(-extinction * distance_m)[:, None, None, None]

    def before_sign(self, layer: Tensor, sight: Sight, given: Conditions) -> Tensor:
        """Veil a premultiplied layer (B,4,H,W), the distance being that of the sign's middle."""
        height, width = sight.size_mm
        middle = sight.eye_mm.new_tensor([width / 2, height / 2, 0])
        distance_m = (sight.eye_mm - middle).norm(dim=1) / 1000
        colour, cover = layer[:, :3], layer[:, 3:]
        return torch.cat([self._veiled(colour, cover, distance_m, given), cover], dim=1)

    def before_background(self, light: Linear, given: Conditions) -> Linear:
        """Veil what is behind the sign (B,3,H,W)."""
        whole = torch.ones_like(light[:, :1])
        return Linear(self._veiled(light, whole, given["background_m"], given))

    def _veiled(
        self, colour: Tensor, cover: Tensor, distance_m: Tensor, given: Conditions
    ) -> Tensor:
        through = self.transmittance(distance_m, given)
        airlight = given["airlight_ratio"][:, None, None, None] * (1 - through)
        return colour * through + airlight * cover
