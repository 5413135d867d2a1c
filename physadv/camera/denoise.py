"""Denoise: the camera's noise reduction, which takes fine detail with it."""

from dataclasses import dataclass

from physadv.camera.guided import guided
from physadv.core import Conditions, Linear, Span, Window

RADIUS = 2


@dataclass(frozen=True)
class Denoise:
    """A guided filter (He, Sun & Tang 2013) over 5 x 5 pixels, blended in by `strength_ratio`.

    What deviates by much less than `noise_ratio` of full scale is taken for noise.
    """

    strength_ratio: Span = Span(0.0, 1.0, neutral=0.0)
    noise_ratio: float = 0.03

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Smooth light (B,3,H,W); the squares are counted in the window's own pixels."""
        change = guided(light, RADIUS, self.noise_ratio) - light
        return Linear(light + given["strength_ratio"][:, None, None, None] * change)
