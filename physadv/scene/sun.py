"""The sun on a sign: how square it stands to the face, and the gloss of its surface."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Sight, Span

F0 = 0.04
"""Fresnel reflectance at normal incidence of index 1.5: film, laminate, the sheeting's face."""


@dataclass(frozen=True)
class Sun:
    """Where the sun stands before the sign, its share of the light, and how rough surfaces are.

    The direction is the sign's own: azimuth 0 and elevation 0 is straight in front of the face,
    azimuth > 0 to the right as one looks at it. `sun_ratio` is the direct share of the standard
    light, which is that of a sun straight in front; the rest is even skylight. Roughness is
    alpha_g of the GGX distribution; below 0.02 the sun's disc would be wider than the lobe.
    """

    azimuth_deg: Span = Span(-75.0, 75.0, neutral=0.0)
    elevation_deg: Span = Span(10.0, 65.0, neutral=0.0)
    sun_ratio: Span = Span(0.0, 0.8, neutral=0.0)
    sign_roughness_ratio: Span = Span(0.1, 0.3, neutral=0.3)
    ink_roughness_ratio: Span = Span(0.1, 0.5, neutral=0.3)

    def irradiance(self, given: Conditions) -> Tensor:
        """Return the light on the face (B,1,1,1): 1 - s + s cos(incidence), Lambert's law.

        It is 1 with the sun straight in front and 1 - s with the sun behind the sign.
        """
        cosine = direction(given)[:, 2].clamp_min(0)
        return (1 - given["sun_ratio"] * (1 - cosine))[:, None, None, None]

    def gloss(self, sight: Sight, given: Conditions, roughness_ratio: Tensor) -> Tensor:
        """Return the sun's specular radiance (B,K,H,W) off surfaces of roughness (B,K).

        1 is a white diffuser's radiance in the standard light. GGX distribution with Smith's
        shadowing (Walter et al., EGSR 2007, eq. 33-34), Schlick's Fresnel term. The sky's own
        reflection is the veil of `SignLight`.
        """
        sun = direction(given)
        seen, along = _towards_eye(sight, sun)
        height = sun[:, 2].clamp_min(0)[:, None, None, None]
        lobe = ggx(seen, along, height, roughness_ratio[:, :, None, None])
        return (torch.pi * given["sun_ratio"])[:, None, None, None] * height * lobe


def direction(given: Conditions) -> Tensor:
    """Return unit vectors (B,3) to the sun: x right, y down, z out of the face."""
    azimuth, elevation = (torch.deg2rad(given[f"{name}_deg"]) for name in ("azimuth", "elevation"))
    level = elevation.cos()
    return torch.stack([azimuth.sin() * level, -elevation.sin(), azimuth.cos() * level], dim=1)


def ggx(seen: Tensor, along: Tensor, lit: Tensor, roughness: Tensor) -> Tensor:
    """Return the BRDF in 1/sr of a rough dielectric surface, of broadcast cosines.

    `seen` and `lit` are the cosines of viewing and incidence (>= 0), `along` that of the angle
    between the two directions; `roughness` is alpha_g > 0.
    """
    squared = roughness**2
    half = (seen + lit) ** 2 / (2 + 2 * along).clamp_min(1e-6)
    spread = squared / (torch.pi * (1 - (1 - squared) * half.clamp_max(1)) ** 2)
    mirrored = schlick(((1 + along) / 2).clamp(0, 1).sqrt())
    return spread * mirrored / (_smith(seen, squared) * _smith(lit, squared))


def schlick(cosine: Tensor) -> Tensor:
    """Return the share that the surface reflects at a cosine of incidence (Schlick 1994)."""
    rest = 1 - cosine
    squared = rest * rest
    return F0 + (1 - F0) * (squared * squared * rest)


def _smith(cosine: Tensor, squared: Tensor) -> Tensor:
    """Return 2 cosine / G1, which stays finite at grazing angles."""
    return cosine + (squared + (1 - squared) * cosine**2).sqrt()


def _towards_eye(sight: Sight, sun: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cosines (B,1,H,W) of the eye's direction with the normal and with the sun's."""
    x, y = (sight.eye_mm[:, None, None, :2] - sight.points_mm).unbind(-1)
    z = sight.eye_mm[:, 2, None, None]
    shrink = (x**2 + y**2 + z**2).rsqrt()
    a, b, c = sun[:, :, None, None].unbind(1)
    return (z * shrink)[:, None], ((a * x + b * y + c * z) * shrink)[:, None]
