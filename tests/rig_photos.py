"""Photographs of a sign by the virtual rig: NumPy and OpenCV alone, nothing of our renderer.

Poses, light and crops lie in the ranges of the preset `lab`; what the rig printed is laid on the
sign, its camera takes the picture, a detector's loose square is cut and resized by Pillow.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from tests.virtual_rig import Array, Picture, developed

Layer = NDArray[np.float32]

WIDTH_PX, HEIGHT_PX, FOCAL_PX = 1280, 960, 1108.5
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "brick", "grass", "gravel")
SPARE_PX = 12
"""What a window has beyond its crop, for blur and demosaicing."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sign's face over a frame of `size_mm` (h, w): light it reflects (h,w,3), cover (h,w)."""

    size_mm: tuple[float, float]
    light: Array
    cover: Array
    outline_mm: Array

    @cached_property
    def layers(self) -> tuple[Layer, Layer]:
        """Premultiplied light and cover (h,w,4), and the same at half the size."""
        whole = np.dstack([self.light * self.cover[..., None], self.cover]).astype(np.float32)
        half = cv2.resize(whole, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        return whole, np.asarray(half, dtype=np.float32)

    def stuck(self, printed: Array, where: Array) -> "Sheet":
        """Lay prints (h,w,3) on it where (h,w) is 1."""
        light = self.light * (1 - where[..., None]) + printed * where[..., None]
        return Sheet(self.size_mm, light, self.cover, self.outline_mm)


@dataclass(frozen=True)
class Shot:
    """Where the sign stands, in what light, before what, and how the picture is cut."""

    distance_m: float
    turn_deg: tuple[float, float, float]
    at: tuple[float, float]
    level: float
    cast_ev: float
    slope: tuple[float, float]
    veil: float
    blur_px: float
    noise_ratio: float
    quality: int
    behind: tuple[float, float, float, float]
    margin: float
    shift: tuple[float, float]
    seed: int


def shots(n: int, seed: int) -> list[Shot]:
    """Draw n shots as in a laboratory: 3 to 12 m, yaw within 30 degrees, 0.7 stops either way."""
    return [_shot(np.random.default_rng((seed, k))) for k in range(n)]


def _shot(rng: np.random.Generator) -> Shot:
    within = rng.uniform
    return Shot(
        distance_m=within(3, 12),
        turn_deg=(within(-30, 30), within(-5, 5), within(-3, 3)),
        at=(within(-0.2, 0.2), within(-0.2, 0.2)),
        level=2 ** within(-0.7, 0.7),
        cast_ev=within(-0.25, 0.25),
        slope=(within(0, 0.4), within(0, 2 * np.pi)),
        veil=within(0, 0.04),
        blur_px=within(0.3, 0.9),
        noise_ratio=within(0.002, 0.012),
        quality=int(rng.integers(75, 96)),
        behind=(within(), within(), within(0.3, 1), within(-1, 1)),
        margin=within(0.05, 0.2),
        shift=(within(-0.06, 0.06), within(-0.06, 0.06)),
        seed=int(rng.integers(2**31)),
    )


def crop(sheet: Sheet, shot: Shot, side_px: int) -> Picture:
    """Photograph the sign and cut it out, (side_px,side_px,3)."""
    plane = _plane(sheet.size_mm, shot)
    outline = cv2.perspectiveTransform(sheet.outline_mm[None], plane)[0]
    low, high = outline.min(axis=0), outline.max(axis=0)
    longest = (high - low).max()
    middle = (low + high) / 2 + longest * np.array(shot.shift)
    reach = longest * (0.5 + shot.margin)
    corner = (np.floor((middle - reach - SPARE_PX) / 2) * 2).astype(int)
    side = int(np.ceil((2 * reach + 2 * SPARE_PX) / 8 + 1) * 8)
    light = _light(sheet, plane, corner, side, shot)
    rng = np.random.default_rng(shot.seed)
    picture = developed(light, shot.noise_ratio, shot.quality, rng)
    box = np.concatenate([middle - reach - corner, middle + reach - corner])
    whole = Image.fromarray(picture)
    cut = whole.resize((side_px, side_px), Image.Resampling.BILINEAR, box=tuple(box.tolist()))
    return np.asarray(cut)


def _plane(size_mm: tuple[float, float], shot: Shot) -> Array:
    """Return the homography from the sign's millimetres to the sensor's pixels."""
    yaw, pitch, roll = np.deg2rad(shot.turn_deg)
    turns = [cv2.Rodrigues(np.array(v))[0] for v in ((0, yaw, 0), (pitch, 0, 0), (0, 0, roll))]
    x, y = shot.at[0] * WIDTH_PX / FOCAL_PX, shot.at[1] * HEIGHT_PX / FOCAL_PX
    ray = np.array([x, y, 1.0]) / np.sqrt(1 + x * x + y * y)
    gaze = cv2.Rodrigues(np.cross([0, 0, 1.0], ray) * _angle(ray))[0]
    turn = gaze @ turns[0] @ turns[1] @ turns[2]
    axes = turn[:, :2] / 1000
    origin = ray * shot.distance_m - axes @ (np.array(size_mm)[::-1] / 2)
    camera = np.array([[FOCAL_PX, 0, WIDTH_PX / 2], [0, FOCAL_PX, HEIGHT_PX / 2], [0, 0, 1]])
    return np.asarray(camera @ np.column_stack([axes, origin]))


def _angle(ray: Array) -> float:
    """Return the angle to the axis over its sine."""
    sine = float(np.hypot(*ray[:2]))
    return float(np.arcsin(sine)) / sine if sine > 0 else 1.0


def _light(sheet: Sheet, plane: Array, corner: Array, side: int, shot: Shot) -> Array:
    """Return the light (side,side,3) on a window of the sensor, 1 at full scale."""
    fine = 2 if side > 200 else 4
    seen = _projected(sheet, plane, corner, (side, fine))
    v, u = np.mgrid[0:side, 0:side] / side * 2 - 1
    along = u * np.cos(shot.slope[1]) + v * np.sin(shot.slope[1])
    lamp = 2 ** (along * shot.slope[0] / 2)[..., None]
    cover = seen[..., 3:]
    on_sign = (seen[..., :3] * (1 - shot.veil) + shot.veil * cover) * lamp
    light = on_sign + (1 - cover) * _behind(side, shot)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), shot.blur_px), dtype=np.float64)
    cast = np.exp2(np.array([1.0, 0.0, -1.0]) * shot.cast_ev)
    return np.asarray(light * shot.level * cast)


def _projected(sheet: Sheet, plane: Array, corner: Array, size: tuple[int, int]) -> Array:
    """Return light and cover (side,side,4), premultiplied, averaged over `fine` x `fine` points."""
    side, fine = size
    height, width = sheet.size_mm
    near = plane @ np.array([width / 2, height / 2, 1])
    wanted = fine * float(np.hypot(*plane[:2, 1])) / near[2] * width  # columns
    layer = sheet.layers[int(2 * wanted < sheet.light.shape[1])]
    shrink = min(1.0, wanted / layer.shape[1])
    if shrink < 1:  # else it would alias
        smaller = cv2.resize(layer, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        layer = np.asarray(smaller, dtype=np.float32)
    mm = np.diag([width / layer.shape[1], height / layer.shape[0], 1])
    move = np.array([[fine, 0, -fine * corner[0]], [0, fine, -fine * corner[1]], [0, 0, 1.0]])
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV's pixel centres are whole
    matrix = np.linalg.inv(half) @ move @ plane @ mm @ half
    large = cv2.warpPerspective(layer, matrix, (side * fine, side * fine))
    return np.asarray(cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA), np.float64)


def _behind(side: int, shot: Shot) -> Array:
    """Return what is behind the sign (side,side,3): an even grey, or a part of a photo."""
    which, x, part, gain_ev = shot.behind
    if which < 0.4:
        return np.full((side, side, 3), 0.3 * 2**gain_ev)
    whole = _photo(PHOTOS[int((which - 0.4) / 0.6 * len(PHOTOS))])
    span = int(part * len(whole))
    left = int(x * (len(whole) - span))
    cut = whole[left : left + span, left : left + span]
    shown = cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(shown * 2**gain_ev, dtype=np.float64)


@lru_cache(maxsize=len(PHOTOS))
def _photo(name: str) -> Array:
    """Return one of scikit-image's photos as linear light, square."""
    picture = cast(Picture, getattr(data, name)())
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    side = min(picture.shape[:2])
    return np.asarray((picture[:side, :side, :3] / 255) ** 2.2, dtype=np.float64)
