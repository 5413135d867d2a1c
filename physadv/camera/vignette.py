"""Vignette: natural fall-off of illumination towards the edge of the picture."""

from dataclasses import dataclass

from torch import Tensor

from physadv.core import Conditions, Linear, Span, Window


@dataclass(frozen=True)
class Vignette:
    """Irradiance falls with cos^4 of the angle to the axis (Smith, Modern Optical Engineering).

    `strength_ratio` blends from none (0) to the full law of a simple lens (1).
    """

    strength_ratio: Span = Span(0.0, 1.0, neutral=0.0)

    def field(self, given: Conditions, window: Window) -> Tensor:
        """Return the factor a pixel, (B,1,H,W)."""
        sensor, focal = window.sensor, window.sensor.focal_px
        columns, rows = window.lines()
        x, y = (columns - sensor.width_px / 2) / focal, (rows - sensor.height_px / 2) / focal
        slant = (1 + y[:, :, None] ** 2) + x[:, None, :] ** 2
        law = (slant * slant).reciprocal_()
        return 1 + (given["strength_ratio"][:, None, None] * (law - 1))[:, None]

    def __call__(self, light: Linear, given: Conditions, window: Window) -> Linear:
        """Darken light (B,3,H,W) away from the sensor's middle."""
        return Linear(light * self.field(given, window))
