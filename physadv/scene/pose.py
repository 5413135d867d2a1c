"""Where the sign stands: metres and degrees to a homography from millimetres to sensor pixels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, PlaneMap, Sensor, Span, check


@dataclass(frozen=True)
class Pose:
    """A plane seen by a pinhole camera.

    `distance_m` runs along the line of sight to the sign's centre; yaw, pitch and roll turn the
    sign away from facing the camera; the sign's centre is seen at (x_ratio, y_ratio) of the
    sensor's size from its middle.

    An upright sign whose centre stands `height_m` above the camera (as in `Approach`; below it
    where negative) is seen from below: its upright axes, about which it turns, are tilted by
    asin(height_m / distance_m) from the line of sight, which at no yaw is as much less of
    `pitch_deg`, whose positive values turn the face down. What is upright is so for a camera that
    was turned to the sign by yaw and pitch alone. Raises `UserError` where a height could reach
    the distance.
    """

    distance_m: Span = Span(3.0, 20.0)
    yaw_deg: Span = Span(-40.0, 40.0, neutral=0.0)
    pitch_deg: Span = Span(-8.0, 8.0, neutral=0.0)
    roll_deg: Span = Span(-5.0, 5.0, neutral=0.0)
    x_ratio: Span = Span(-0.3, 0.3, neutral=0.0)
    y_ratio: Span = Span(-0.25, 0.25, neutral=0.0)
    height_m: Span = Span.at(0.0, neutral=0.0)

    def __post_init__(self) -> None:
        """Refuse a sign that could stand higher above the camera than it is away."""
        if not self.height_m.idle:
            highest = max(abs(self.height_m.low), abs(self.height_m.high))
            check_height("height_m", highest, self.distance_m.low)


def check_height(name: str, height_m: float, distance_m: float) -> None:
    """Raise `UserError` about `name` unless a height, above or below, is less than a distance."""
    expected, got = "less than distance_m", f"{height_m:g} m at a distance of {distance_m:g} m"
    fix = "choose a smaller height_m or a larger distance_m"
    check(abs(height_m) < distance_m, name, expected=expected, got=got, fix=fix)


def plane_map(size_mm: tuple[float, float], sensor: Sensor, given: Conditions) -> PlaneMap:
    """Return the homographies of a frame of `size_mm` (height, width) under pose conditions (B,).

    Points in front of the camera only; x right, y down, z away from the camera. Raises `UserError`
    where a height is not less than its distance.
    """
    for row in (given["height_m"].abs() >= given["distance_m"]).nonzero()[:1, 0].tolist():
        height_m, distance_m = (float(given[name][row]) for name in ("height_m", "distance_m"))
        check_height("scene.pose.height_m", height_m, distance_m)
    turn = _turned(given)
    gaze = _line_of_sight(sensor, given["x_ratio"], given["y_ratio"])
    axes = (gaze @ turn)[:, :, :2] / 1000
    centre = gaze[:, :, 2:] * given["distance_m"][:, None, None]
    height, width = size_mm
    origin = centre - axes @ torch.tensor([[width / 2], [height / 2]])
    return PlaneMap(_intrinsics(sensor) @ torch.cat([axes, origin], dim=2))


def eye_mm(size_mm: tuple[float, float], given: Conditions) -> Tensor:
    """Return the camera's centre (B,3) in the sign's axes under pose conditions (B,), in mm.

    x and y run along the frame from its top left corner, z out of the face.
    """
    away = _turned(given)[:, 2] * -1000 * given["distance_m"][:, None]
    height, width = size_mm
    return away * torch.tensor([1.0, 1.0, -1.0]) + torch.tensor([width / 2, height / 2, 0])


def _turned(given: Conditions) -> Tensor:
    """Return the sign's axes (B,3,3) as columns, seen along the line of sight."""
    yaw, pitch, roll = (torch.deg2rad(given[f"{name}_deg"]) for name in ("yaw", "pitch", "roll"))
    tilt = torch.asin(given["height_m"] / given["distance_m"])
    return _about_x(-tilt) @ _about_y(yaw) @ _about_x(pitch) @ _about_z(roll)


def _intrinsics(sensor: Sensor) -> Tensor:
    focal, x, y = sensor.focal_px, sensor.width_px / 2, sensor.height_px / 2
    return torch.tensor([[focal, 0, x], [0, focal, y], [0, 0, 1]])


def _line_of_sight(sensor: Sensor, x_ratio: Tensor, y_ratio: Tensor) -> Tensor:
    x = x_ratio * sensor.width_px / sensor.focal_px
    y = y_ratio * sensor.height_px / sensor.focal_px
    return _about_y(torch.atan(x)) @ _about_x(-torch.atan2(y, torch.sqrt(1 + x**2)))


def _rotation(angle: Tensor, order: tuple[int, int, int]) -> Tensor:
    """Turn by `angle` in the plane of the first two axes of `order`."""
    i, j, k = order
    matrix = torch.zeros(len(angle), 3, 3)
    matrix[:, i, i], matrix[:, j, j] = torch.cos(angle), torch.cos(angle)
    matrix[:, i, j], matrix[:, j, i] = -torch.sin(angle), torch.sin(angle)
    matrix[:, k, k] = 1
    return matrix


def _about_x(angle: Tensor) -> Tensor:
    return _rotation(angle, (1, 2, 0))


def _about_y(angle: Tensor) -> Tensor:
    return _rotation(angle, (2, 0, 1))


def _about_z(angle: Tensor) -> Tensor:
    return _rotation(angle, (0, 1, 2))
