"""From a plane in a photo to where the camera stood: distance and angles, and how sure they are."""

import math
from dataclasses import asdict, dataclass, replace

import cv2
import numpy as np

from physadv.core import Sensor
from physadv.scoring.align import frame, mapped, side_px
from physadv.scoring.pattern import Array

DOUBT_PX = 0.25
"""How far off each corner may be, one standard deviation."""
DRAWS = 48
LEVEL = {"height_m": 0.0}
"""What a simulated photo is given besides: the angles measured are to the line of sight."""
AMBIGUOUS_PX = 0.5
"""The second pose that IPPE gives is believed too where it is off by less more than the first."""


@dataclass(frozen=True)
class Seen:
    """A pose as `scene.Pose` has it, with the standard errors of distance and yaw.

    `side_px` is the longer side of the sign's frame in the photo. Where `ambiguous`, a small or
    distant sign looks nearly the same from the other side: the angles' signs may be wrong.
    """

    distance_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    x_ratio: float
    y_ratio: float
    distance_error_m: float
    yaw_error_deg: float
    side_px: float
    ambiguous: bool

    def conditions(self) -> dict[str, float]:
        """Return the values that a simulated photo can be given, by their name in a pose."""
        names = ("distance_m", "yaw_deg", "pitch_deg", "roll_deg", "x_ratio", "y_ratio")
        return {name: value for name, value in asdict(self).items() if name in names}

    def above(self, height_m: float) -> "Seen":
        """Return it with the angles about the upright axes of a sign that much above the camera."""
        if not height_m:
            return self
        yaw, pitch, roll = map(math.radians, (self.yaw_deg, self.pitch_deg, self.roll_deg))
        own = _about_y(yaw) @ _about_x(pitch) @ _about_z(roll)
        tilt = math.asin(float(np.clip(height_m / self.distance_m, -1, 1)))
        yaw, pitch, roll = _angles_deg(_about_x(tilt) @ own)
        return replace(self, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)


def measure(plane: Array, size_mm: tuple[float, float], sensor: Sensor) -> Seen:
    """Return the pose of a frame of `size_mm` (h, w) from its plane (3,3), mm to px.

    By infinitesimal plane-based pose estimation (Collins & Bartoli, IJCV 2014); the errors are
    the spread over corners moved by `DOUBT_PX`.
    """
    corners = frame(size_mm)
    px = mapped(plane, corners)
    poses, misses = _solved(corners, px, sensor)
    noise = np.random.default_rng(0).normal(0, DOUBT_PX, (DRAWS, 4, 2))
    moved = np.array([_solved(corners, px + one, sensor)[0][0] for one in noise])
    distance, yaw, pitch, roll, x, y = poses[0].tolist()
    return Seen(
        *(distance, yaw, pitch, roll),
        *(x / sensor.width_px, y / sensor.height_px),
        distance_error_m=float(moved[:, 0].std()),
        yaw_error_deg=float(np.abs(moved[:, 1]).std()),
        side_px=side_px(plane, size_mm),
        ambiguous=len(misses) > 1 and misses[1] - misses[0] < AMBIGUOUS_PX,
    )


def _solved(corners: Array, px: Array, sensor: Sensor) -> tuple[list[Array], list[float]]:
    """Return the poses that IPPE finds, likelier ones first, and how many px they are off."""
    focal, x, y = sensor.focal_px, sensor.width_px / 2, sensor.height_px / 2
    camera = np.array([[focal, 0, x], [0, focal, y], [0, 0, 1.0]])
    middle = np.append((corners[0] + corners[2]) / 2, 0.0)
    points = np.concatenate([corners, np.zeros((4, 1))], axis=1) - middle
    _, turns, places, misses = cv2.solvePnPGeneric(
        points, px[:, None], camera, None, flags=cv2.SOLVEPNP_IPPE
    )
    poses = [
        _pose(np.asarray(cv2.Rodrigues(turn)[0], float), np.asarray(place, float)[:, 0], focal)
        for turn, place in zip(turns, places, strict=True)
    ]
    return poses, [float(miss) for miss in np.ravel(misses)]


def _pose(turn: Array, place: Array, focal: float) -> Array:
    """Return distance (m), yaw, pitch, roll to the line of sight (degrees), offset (px)."""
    x, y = place[:2] / place[2]
    gaze = _about_y(math.atan(x)) @ _about_x(-math.atan2(y, math.hypot(1, x)))
    angles = _angles_deg(gaze.T @ turn)
    return np.array([np.linalg.norm(place) / 1000, *angles, x * focal, y * focal])


def _angles_deg(own: Array) -> list[float]:
    """Return the yaw, pitch and roll that make a turn."""
    yaw, roll = math.atan2(own[0, 2], own[2, 2]), math.atan2(own[1, 0], own[1, 1])
    pitch = -math.asin(float(np.clip(own[1, 2], -1, 1)))
    return [math.degrees(angle) for angle in (yaw, pitch, roll)]


def _about_x(angle: float) -> Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])


def _about_y(angle: float) -> Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0, s], [0, 1.0, 0], [-s, 0, c]])


def _about_z(angle: float) -> Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
