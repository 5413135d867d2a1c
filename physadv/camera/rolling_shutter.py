"""Rolling shutter: each row is exposed a little later than the one above."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Sensor, Span


@dataclass(frozen=True)
class RollingShutter:
    """Rows are read `row_time_s` apart while the camera turns (Forssen & Ringaby, CVPR 2010).

    `yaw_rate_deg_per_s` turns it to the right, `pitch_rate_deg_per_s` upwards; the middle row is
    at rest. Seen from the turning camera, things move by focal length x rate x time, which is
    exact at the middle of the picture and up to 1 / cos^2 of the angle too small away from it.
    """

    row_time_s: Span = Span(0.0, 5e-5, neutral=0.0)
    yaw_rate_deg_per_s: Span = Span(-30.0, 30.0, neutral=0.0)
    pitch_rate_deg_per_s: Span = Span(-10.0, 10.0, neutral=0.0)

    def shift(self, points_px: Tensor, given: Conditions, sensor: Sensor) -> Tensor:
        """Return how far photo points (B,N,2) are from where the middle row's moment has them."""
        rates = [given["yaw_rate_deg_per_s"], -given["pitch_rate_deg_per_s"]]
        turned = torch.stack(rates, dim=-1) * given["row_time_s"][:, None]
        a_row = turned * (math.pi / 180 * sensor.focal_px)
        return (points_px[..., 1:] - sensor.height_px / 2) * a_row[:, None]
