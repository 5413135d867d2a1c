"""Light on the sign: a soft gradient across it and a veil of specular reflection."""

from dataclasses import dataclass

from physadv.core import Span


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
