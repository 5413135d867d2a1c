"""Rain that falls: bright streaks between camera and sign."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.camera.scatter import chance
from physadv.core import Conditions, Linear, Seed, Span, Window

ACROSS, ALONG = 3.0, 1.25
"""The sides of the place that may hold a streak, in widths and in lengths of streaks."""


@dataclass(frozen=True)
class Rain:
    """A drop takes `opacity_ratio` of the light behind it and gives as much of the sky's.

    A drop sees nearly all of the surroundings, so that it is bright, and it passes a pixel in a
    part of the exposure: the change is affine in the light behind (Garg & Nayar, Vision and
    Rain, IJCV 2007, section 4). `rate_ratio` is the share of places with a streak, 1 a
    cloudburst; `angle_deg` is the streaks' lean from the vertical, clockwise; lengths are in
    pixels of the sensor. `sky_ratio` is the sky's light as a share of a white diffuser's.
    """

    seed: Seed = Seed()
    rate_ratio: Span = Span(0.0, 0.8, neutral=0.0)
    angle_deg: Span = Span(-20.0, 20.0, neutral=0.0)
    length_px: Span = Span(20.0, 60.0, neutral=40.0)
    width_px: float = 2.0
    opacity_ratio: float = 0.2
    sky_ratio: float = 1.0

    def cover(self, given: Conditions, window: Window) -> Tensor:
        """Return how much of the light each pixel's streak takes, (B,1,H,W)."""
        length = given["length_px"][:, None, None]
        side = torch.stack([torch.full_like(length, self.width_px * ACROSS), length * ALONG], -1)
        place = _turned(window.pixels(), given["angle_deg"]) / side
        cell = place.floor()
        picks = chance(given["seed"], cell, 3)
        room = 1 - torch.tensor([1 / ACROSS, 1 / ALONG])
        middle = 0.5 + (picks[..., :2] - 0.5) * room
        across, along = ((place - cell - middle) * torch.tensor([ACROSS, ALONG])).unbind(dim=-1)
        # Binned pixels are wider than a streak, which fills that much less of them.
        spread = (2 * window.pitch / self.width_px).clamp_min(1)[:, None, None]
        profile = _hann(across / spread) / spread * _hann(along)
        there = picks[..., 2] < given["rate_ratio"][:, None, None]
        return (self.opacity_ratio * profile * there)[:, None]

    def __call__(self, light: Linear, given: Conditions, window: Window) -> Linear:
        """Draw the rain before light (B,3,H,W)."""
        return Linear(light + self.cover(given, window) * (self.sky_ratio - light))


def _turned(place: Tensor, angle_deg: Tensor) -> Tensor:
    """Return places (B,H,W,2) as (across, along) streaks that lean by angles (B,)."""
    angle = torch.deg2rad(angle_deg)[:, None, None]
    x, y = place.unbind(dim=-1)
    sine, cosine = torch.sin(angle), torch.cos(angle)
    return torch.stack([x * cosine + y * sine, y * cosine - x * sine], dim=-1)


def _hann(share: Tensor) -> Tensor:
    """Return a smooth bump over [-0.5, 0.5], of height 1 and area 1/2."""
    return torch.cos(torch.pi * share.clamp(-0.5, 0.5)) ** 2
