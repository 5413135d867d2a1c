"""The toy cast: small worlds for fast tests, and one that is linear in the ink."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from physadv.camera import (
    Camera,
    Defocus,
    Exposure,
    Framing,
    Jpeg,
    MotionBlur,
    Noise,
    Tone,
    Vignette,
    WhiteBalance,
)
from physadv.core import (
    Choice,
    Conditions,
    Encoded,
    Ink,
    Linear,
    Photo,
    Sensor,
    Span,
    Varying,
    below,
    declared,
    draw,
    generator,
    quantise,
)
from physadv.patch import Mask, rectangle
from physadv.printing import hard
from physadv.scene import Backdrop, Backgrounds, Pose, SignLight, StreetScene, sign
from physadv.scene.background import SIDE, bank
from physadv.world import World

SMALL = Sensor(128, 96, 60.0)
INK_PX = 512
STILL = Span.at(0.0, neutral=0.0)

CALM = Camera(
    sensor=SMALL,
    vignette=Vignette(STILL),
    defocus=Defocus(STILL),
    motion_blur=MotionBlur(STILL, STILL),
    exposure=Exposure(STILL),
    white_balance=WhiteBalance(Span.at(6500.0, neutral=6500.0)),
    noise=Noise(gain_ratio=STILL),
    tone=Tone(Span.at(1.0)),
    jpeg=Jpeg(Span.at(95.0)),
    framing=Framing(Span.at(0.1), STILL, STILL, STILL),
)
"""A camera that does nothing but encode, at quality 95, and frame."""

EVEN = SignLight(slope_ev=STILL, slope_deg=STILL, veil_ratio=STILL)


@lru_cache
def plain_background(grey: float = 0.3) -> Backgrounds:
    """Return the one background of an even grey."""
    return bank(Linear(torch.full((1, 3, SIDE, SIDE), grey)))


def plain_street(name: str = "stop", grey: float = 0.3) -> StreetScene:
    """Return a sign before an even grey, evenly lit."""
    behind = Backdrop(Choice((0.0,)), gain_ev=STILL)
    return StreetScene(sign(name), plain_background(grey), light=EVEN, background=behind)


def tiny_world(label: int = -1) -> World:
    """Return a small street with everything varying a little: windows of 48 px."""
    pose = Pose(distance_m=Span(3.0, 4.0), yaw_deg=Span(-15.0, 15.0, 0.0))
    scene = replace(plain_street(), pose=pose, light=SignLight())
    camera = Camera(
        sensor=SMALL, jpeg=Jpeg(Span(80.0, 95.0)), noise=Noise(gain_ratio=Span(0, 1, 0))
    )
    return World(scene, camera=camera, label=label)


def two_bars(size_mm: tuple[float, float] = (900.0, 900.0)) -> Mask:
    """Return a mask of two bars on a frame of `size_mm`."""
    high, wide = size_mm
    top = rectangle(wide / 4, high / 8, wide / 2, high / 8)
    return Mask(size_mm, (top, rectangle(wide / 4, high * 3 / 4, wide / 2, high / 8)))


@dataclass(frozen=True)
class Dimmer:
    """How bright all is; the one thing that varies in the linear world."""

    gain_ratio: Span = Span(0.5, 1.0, neutral=1.0)


@dataclass(frozen=True, eq=False)
class LinearWorld:
    """Lays ink on a picture (1,3,h,w) and dims it: pictures are linear in the ink's colour."""

    picture: Tensor
    dimmer: Dimmer = Dimmer()
    label: int = 0

    def declared(self) -> dict[str, Varying]:
        return declared(self.dimmer, "dimmer.")

    def draw(self, n: int, rng: torch.Generator) -> dict[str, Tensor]:
        return draw(self.declared(), n, rng)

    def ink_px(self, size_px: tuple[int, int]) -> int:
        """Return a raster's columns whatever `size_px` says, as the picture has its own size."""
        return INK_PX

    def photograph(
        self, ink: Ink | None, given: Conditions, size_px: tuple[int, int], *, hardly: bool = False
    ) -> Photo:
        """Return the dimmed picture as it is, whatever `size_px` says, with `ink` on it."""
        pixels = self.picture
        if ink is not None:
            used, (high, wide) = hard(ink) if hardly else ink, self.picture.shape[-2:]
            cover = adaptive_avg_pool2d(used.cover, (high, wide))
            colour = adaptive_avg_pool2d(used.colour * used.cover, (high, wide))
            pixels = pixels * (1 - cover) + colour
        dimmed = pixels * below(given, "dimmer")["gain_ratio"][:, None, None, None]
        rows, (height, width) = len(dimmed), dimmed.shape[-2:]
        box = torch.tensor([[0.0, 0.0, width, height]]).repeat(rows, 1)
        labels = torch.full((rows,), self.label)
        seen = Encoded(quantise(dimmed) if hardly else dimmed)
        return Photo(seen, box.reshape(-1, 2, 2), box, labels, ink)


def linear_world(size: tuple[int, int] = (16, 16), seed: int = 0, label: int = 0) -> World:
    """Return a linear world around a random picture; a `World` as far as problems can tell."""
    picture = Linear(torch.rand(1, 3, *size, generator=generator(seed)))
    return cast(World, LinearWorld(picture, label=label))
