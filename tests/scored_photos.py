"""Simulated photographs of a sign, made with numpy and OpenCV alone: known pose, light, noise."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

Array = NDArray[np.float64]
FINE = 4
"""Supersampling."""


@dataclass(frozen=True)
class Shot:
    """Where a sign stands and in what light; angles in degrees to the line of sight.

    `at` is where its centre is seen, as shares of width and height; light = `gain` x ((1 - `veil`)
    x reflectance + `veil`), linear.
    """

    distance_m: float
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    at: tuple[float, float] = (0.5, 0.5)
    gain: float = 0.8
    veil: float = 0.0
    blur_px: float = 0.5
    noise: float = 0.01
    size: tuple[int, int] = (750, 1000)
    fov_deg: float = 60.0
    behind: str = "coffee"


def turn(axis: int, angle_deg: float) -> Array:
    """Rotate by Rodrigues' formula, as OpenCV has it."""
    vector = np.zeros(3)
    vector[axis] = np.radians(angle_deg)
    return np.asarray(cv2.Rodrigues(vector)[0], dtype=np.float64)


def plane(shot: Shot, size_mm: tuple[float, float]) -> Array:
    """Return the homography (3,3) from mm on the frame of (h, w) mm to pixels."""
    height, width = shot.size
    focal = width / 2 / np.tan(np.radians(shot.fov_deg / 2))
    x, y = (shot.at[0] - 0.5) * width / focal, (shot.at[1] - 0.5) * height / focal
    gaze = turn(1, np.degrees(np.arctan(x))) @ turn(0, -np.degrees(np.arctan2(y, np.hypot(1, x))))
    turned = gaze @ turn(1, shot.yaw_deg) @ turn(0, shot.pitch_deg) @ turn(2, shot.roll_deg)
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    place = gaze @ np.array([0, 0, 1000 * shot.distance_m])
    centred = np.array([[1, 0, -size_mm[1] / 2], [0, 1, -size_mm[0] / 2], [0, 0, 1.0]])
    return np.asarray(camera @ np.column_stack([turned[:, :2], place]) @ centred)


def mapped(plane: Array, points: Array) -> Array:
    """Map points (N,2), as OpenCV does it."""
    return np.asarray(cv2.perspectiveTransform(points[None], plane)[0], dtype=np.float64)


def box(shot: Shot, size_mm: tuple[float, float]) -> tuple[Array, Array]:
    """Return the low and high corner of the frame's box in the photo."""
    height, width = size_mm
    frame = np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])
    corners = mapped(plane(shot, size_mm), frame)
    return corners.min(axis=0), corners.max(axis=0)


def photograph(face: NDArray[np.uint8], size_mm: tuple[float, float], shot: Shot) -> Array:
    """Return a photo (h,w,3), encoded, of a face (n,m,4) RGBA over a frame of (h, w) mm."""
    low, high = (np.round(side).astype(int) for side in box(shot, size_mm))
    height, width = shot.size
    low, high = np.maximum(low - 3, 0), np.minimum(high + 3, [width, height])
    light = decoded(cv2.resize(getattr(data, shot.behind)(), (width, height)) / 255)
    part = light[low[1] : high[1], low[0] : high[0]]
    layer = _layer(face, plane(shot, size_mm) @ np.diag([*_texel(face, size_mm), 1]), low, high)
    lit = shot.gain * ((1 - shot.veil) * layer[..., :3] + shot.veil * layer[..., 3:])
    part[:] = part * (1 - layer[..., 3:]) + lit
    if shot.blur_px:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), shot.blur_px), dtype=np.float64)
    grain = np.random.default_rng(0).normal(0, shot.noise, light.shape)
    return encoded((light + grain).clip(0, 1))


def _texel(face: NDArray[np.uint8], size_mm: tuple[float, float]) -> tuple[float, float]:
    return size_mm[1] / face.shape[1], size_mm[0] / face.shape[0]


def _layer(face: NDArray[np.uint8], matrix: Array, low: Array, high: Array) -> Array:
    """Return the face's light and cover (h,w,4), premultiplied, in a part of the photo."""
    colour = np.dstack([decoded(face[..., :3] / 255), face[..., 3:] / 255])
    colour[..., :3] *= colour[..., 3:]
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    move = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]])
    fine = np.linalg.inv(half) @ np.diag([FINE, FINE, 1]) @ move @ matrix @ half
    size = int(high[0] - low[0]), int(high[1] - low[1])
    large = cv2.warpPerspective(colour, fine, (size[0] * FINE, size[1] * FINE))
    return np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_AREA), dtype=np.float64)


def decoded(image: Array) -> Array:
    """IEC 61966-2-1, equation by equation."""
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)


def encoded(light: Array) -> Array:
    """Undo `decoded`."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def write(path: Path, photo: Array) -> Path:
    """Write a photo as JPEG of quality 90, or PNG, by the path's ending."""
    pixels = (photo[..., ::-1] * 255).round().astype(np.uint8)
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return path
