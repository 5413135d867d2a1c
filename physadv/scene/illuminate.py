"""Puts all light on the sign and its stickers: sky, sun, shadow, headlamps, and dirt over it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Sight, at_rest, below
from physadv.scene.dirt import Dirt
from physadv.scene.headlamps import Headlamps
from physadv.scene.layers import Parts
from physadv.scene.light import SignLight
from physadv.scene.shadow import Shadow
from physadv.scene.sun import Sun


@dataclass(frozen=True)
class Lights:
    """What lights and soils a sign, by the names that their conditions have; at rest by itself."""

    light: SignLight = at_rest(SignLight())
    sun: Sun = at_rest(Sun())
    shadow: Shadow = at_rest(Shadow())
    headlamps: Headlamps = at_rest(Headlamps())
    dirt: Dirt = at_rest(Dirt())

    @property
    def tells_apart(self) -> bool:
        """Whether sign and ink are lit differently, so that their layers are needed apart."""
        return not (self.sun.sun_ratio.idle and self.headlamps.level_ratio.idle)


def illuminate(parts: Parts, sight: Sight, lights: Lights, given: Conditions) -> Tensor:
    """Return the light of the sign times its cover, and the cover, (B,4,H,W).

    Reflectance times irradiance, the lamps' share by material, the veil and the sun's gloss, all
    behind the dirt, which is a diffuser in the same light. What is idle costs nothing; `given`
    has the dotted names of `Lights`. Gradients are those of the parts. Without ink apart the sign
    may hold it, where `tells_apart` is False.
    """
    with torch.no_grad():
        gains = _gains(sight, lights, given)
    colour = parts.sign * gains.sign
    if parts.ink is not None:
        colour = torch.addcmul(colour, parts.ink, gains.ink)
    if gains.white is not None:
        colour = colour + _on_surfaces(gains.white, parts)
    if gains.dirt is not None:
        colour = torch.addcmul(colour, gains.dirt, parts.cover)
    return torch.cat([colour, parts.cover], dim=1)


@dataclass(frozen=True, eq=False)
class _Gains:
    """Factors that broadcast to (B,1,H,W): of the sign's and the ink's reflectance, of cover.

    `white` is added to the surface: the same on both (B,1,H,W), or on sign and ink (B,2,H,W);
    `dirt` (B,3,H,W) is the dirt's light. None is none.
    """

    sign: Tensor
    ink: Tensor
    white: Tensor | None = None
    dirt: Tensor | None = None


def _on_surfaces(white: Tensor, parts: Parts) -> Tensor:
    if white.shape[1] == 1 or parts.ink_cover is None:
        return white[:, :1] * parts.cover
    sheet = white[:, :1]
    return torch.addcmul(sheet * parts.cover, white[:, 1:] - sheet, parts.ink_cover)


def _gains(sight: Sight, lights: Lights, given: Conditions) -> _Gains:
    even = _even(sight, lights, given)
    sunny = not lights.sun.sun_ratio.idle
    base = even * lights.sun.irradiance(below(given, "sun")) if sunny else even
    sign = ink = scattered = base
    white = _gloss(sight, lights.sun, given) * even if sunny else None
    if not lights.light.veil_ratio.idle:
        veil = given["light.veil_ratio"][:, None, None, None]
        sign = ink = base * (1 - veil)
        white = base * veil if white is None else white + base * veil
    if not lights.headlamps.level_ratio.idle:
        beams = lights.headlamps.beams(sight, below(given, "headlamps"))
        sign, ink, scattered = sign + beams[0], ink + beams[1], base + beams[1]
    gains = _Gains(sign, ink, white)
    if lights.dirt.cover_ratio.idle:
        return gains
    dirt = below(given, "dirt")
    return _soiled(gains, lights.dirt.alpha(sight, dirt), lights.dirt.colour(dirt) * scattered)


def _soiled(gains: _Gains, alpha: Tensor, colour: Tensor) -> _Gains:
    """Let dirt of `alpha` (B,1,H,W) and light `colour` hide what is below it."""
    left = 1 - alpha
    white = None if gains.white is None else gains.white * left
    return _Gains(gains.sign * left, gains.ink * left, white, colour * alpha)


def _even(sight: Sight, lights: Lights, given: Conditions) -> Tensor:
    """Return the factor of all light but the lamps': slope, darkness and shadow."""
    factor = sight.points_mm.new_ones(1, 1, 1, 1)
    if not lights.light.slope_ev.idle:
        factor = _slope(sight, below(given, "light"))
    if not lights.headlamps.ambient_ev.idle:
        factor = factor * lights.headlamps.ambient(below(given, "headlamps"))
    if not lights.shadow.strength_ratio.idle:
        factor = factor * lights.shadow.factor(sight, below(given, "shadow"))
    return factor


def _slope(sight: Sight, given: Conditions) -> Tensor:
    """Return the irradiance (B,1,H,W) of `SignLight`'s gradient, 1 at the frame's middle."""
    angle, rise = torch.deg2rad(given["slope_deg"]), given["slope_ev"] / 2
    sides = sight.points_mm.unbind(-1), reversed(sight.size_mm), (angle.cos(), angle.sin())
    parts = [
        (points * (2 / size) - 1).clamp(-1, 1) * (rise * step)[:, None, None]
        for points, size, step in zip(*sides, strict=True)
    ]
    return torch.exp2(parts[0] + parts[1])[:, None]


def _gloss(sight: Sight, sun: Sun, given: Conditions) -> Tensor:
    mine = below(given, "sun")
    roughness = [mine[f"{surface}_roughness_ratio"] for surface in ("sign", "ink")]
    return sun.gloss(sight, mine, torch.stack(roughness, dim=1))
