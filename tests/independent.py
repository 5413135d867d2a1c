"""A photo of a sign by NumPy, OpenCV, SciPy and Pillow alone, from the same numbers.

It shares with physadv the drawn conditions, the rasters of the face and of the ink, and where the
windows lie. The optics happen on a grid 4 to 8 times as fine as the pixels: the sign is projected
by OpenCV, blurred by a true disc and a true segment, and only then summed over pixels.
"""

import io
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import map_coordinates
from scipy.signal import fftconvolve

Array = NDArray[np.float64]

SMALL_PX = 128
WIDTH_PX, HEIGHT_PX, FOV_DEG = 1280, 960, 60.0
FOCAL = WIDTH_PX / 2 / math.tan(math.radians(FOV_DEG) / 2)
MATRIX = np.array([[FOCAL, 0, WIDTH_PX / 2], [0, FOCAL, HEIGHT_PX / 2], [0, 0, 1]])


@dataclass(frozen=True)
class Sign:
    """Rasters (h,w,C) in [0,1] over a frame of `size_mm` (h, w), and the outline (N,2) in mm.

    `texture` is reflectance and `cover` the silhouette; `ink` is sRGB and `ink_cover` where it is.
    """

    size_mm: tuple[float, float]
    outline_mm: Array
    texture: Array
    cover: Array
    ink: Array
    ink_cover: Array

    def layer(self) -> Array:
        """Return premultiplied reflectance with the ink on it, and cover, (h,w,4)."""
        printed = 0.04 + (0.88 - 0.04) * decoded(self.ink)
        colour = self.texture * (1 - self.ink_cover) + printed * self.ink_cover
        return np.concatenate([colour * self.cover, self.cover], axis=2)


@dataclass(frozen=True)
class Place:
    """A square window: its corner (x, y) on the sensor and its side, in pixels."""

    corner: tuple[float, float]
    side: int

    @property
    def fine(self) -> int:
        """How many points a pixel are looked at in each direction."""
        return 8 if self.side <= SMALL_PX else 4

    def lines(self) -> tuple[Array, Array]:
        """Return where the fine columns and rows are on the sensor, each (N,)."""
        line = (np.arange(self.side * self.fine) + 0.5) / self.fine
        return line + self.corner[0], line + self.corner[1]


def photograph(
    sign: Sign, given: dict[str, float], place: Place, picture: Array, size: int
) -> Array:
    """Return the framed picture (size,size,3) in [0,1] of a sign before a linear one (h,h,3)."""
    turn, centre = pose(given)
    outline = projected(sign, turn, centre)
    behind = backdrop(picture, outline, given, place)
    light = rendered(sign, lit_plane(turn, centre, sign.size_mm), given, place, behind)
    light = light * vignette(given["camera.vignette.strength_ratio"], place)[..., None]
    light = pixel_means(blurred(light, given, place.fine), place.fine)
    light = light * 2 ** given["camera.exposure.gain_ev"]
    light = light * cast(given["camera.white_balance.temperature_k"])
    image = encoded(light.clip(0, 1)) ** given["camera.tone.gamma_ratio"]
    image = jpeg(image, round(given["camera.jpeg.quality"]))
    return framed(image, outline - place.corner, given, size)


def backdrop(picture: Array, outline: Array, given: dict[str, float], place: Place) -> Array:
    """Return the light (N,N,3) on the fine grid of the part of a picture behind the sign.

    The part lies behind 1.5 times the longer side of the outline's box.
    """
    part = {k.rpartition(".")[2]: v for k, v in given.items() if k.startswith("scene.background.")}
    low, high = outline.min(axis=0), outline.max(axis=0)
    share, last = part["part_ratio"] / (1.5 * (high - low).max()), len(picture) - 1
    texels = []
    for axis, line in enumerate(place.lines()):
        begin = (1 - part["part_ratio"]) * part[f"{'xy'[axis]}_ratio"]
        middle = begin + part["part_ratio"] / 2
        shares = middle + (line - (low[axis] + high[axis]) / 2) * share
        texels.append((shares * len(picture) - 0.5).clip(0, last).astype(np.float32))
    columns, rows = np.meshgrid(*texels)
    seen = cv2.remap(picture.astype(np.float32), columns, rows, cv2.INTER_LINEAR)
    return np.asarray(seen, dtype=np.float64) * 2 ** part["gain_ev"]


def decoded(image: Array) -> Array:
    """Undo sRGB, IEC 61966-2-1."""
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)


def encoded(light: Array) -> Array:
    """Encode as sRGB."""
    bright = 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, light * 12.92, bright)


def about(axis: int, degrees: float) -> Array:
    vector = np.zeros(3)
    vector[axis] = math.radians(degrees)
    return np.asarray(cv2.Rodrigues(vector)[0])


def pose(given: dict[str, float]) -> tuple[Array, Array]:
    """Return the sign's rotation (3,3) and centre (3,) in metres, as the camera sees them."""
    part = {name: given[f"scene.pose.{name}"] for name in ("x_ratio", "y_ratio", "distance_m")}
    ray = np.array([part["x_ratio"] * WIDTH_PX / FOCAL, part["y_ratio"] * HEIGHT_PX / FOCAL, 1])
    ray /= np.linalg.norm(ray)
    gaze = about(1, math.degrees(math.atan2(ray[0], ray[2])))
    gaze = gaze @ about(0, -math.degrees(math.asin(ray[1])))
    yaw, pitch, roll = (given[f"scene.pose.{name}_deg"] for name in ("yaw", "pitch", "roll"))
    return gaze @ about(1, yaw) @ about(0, pitch) @ about(2, roll), ray * part["distance_m"]


def projected(sign: Sign, turn: Array, centre: Array) -> Array:
    """Return the outline (N,2) in pixels of the sensor."""
    flat = (sign.outline_mm - np.array(sign.size_mm)[::-1] / 2) / 1000
    solid = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
    seen, _ = cv2.projectPoints(solid, cv2.Rodrigues(turn)[0], centre, MATRIX, None)
    return np.asarray(seen[:, 0])


def lit_plane(turn: Array, centre: Array, size_mm: tuple[float, float]) -> Array:
    """Return the homography (3,3) from shares of the frame, 0..1, to pixels of the sensor."""
    height, width = size_mm[0] / 1000, size_mm[1] / 1000
    right, down = turn[:, 0] * width, turn[:, 1] * height
    return MATRIX @ np.stack([right, down, centre - right / 2 - down / 2], axis=1)


def rendered(
    sign: Sign, plane: Array, given: dict[str, float], place: Place, behind: Array
) -> Array:
    """Return the light (N,N,3) on the fine grid of a window, the sign lit before what is behind."""
    x, y = np.meshgrid(*place.lines())
    share = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(plane).T
    share = share[..., :2] / share[..., 2:]
    source = sign.layer()
    rows, columns = share[..., 1] * source.shape[0] - 0.5, share[..., 0] * source.shape[1] - 0.5
    seen = np.stack(
        [
            map_coordinates(source[..., c], [rows, columns], order=1, mode="constant")
            for c in range(4)
        ],
        axis=-1,
    )
    angle, veil = math.radians(given["scene.light.slope_deg"]), given["scene.light.veil_ratio"]
    along = (share.clip(0, 1) * 2 - 1) @ np.array([math.cos(angle), math.sin(angle)])
    irradiance = 2 ** (along * given["scene.light.slope_ev"] / 2)[..., None]
    cover = seen[..., 3:]
    on_sign = (seen[..., :3] * (1 - veil) + veil * cover) * irradiance
    return np.asarray(on_sign + (1 - cover) * behind)


def vignette(strength: float, place: Place) -> Array:
    """Return cos^4 of the angle to the axis (N,N), blended in by strength."""
    x, y = place.lines()
    x, y = x - WIDTH_PX / 2, (y - HEIGHT_PX / 2)[:, None]
    angle = np.arctan(np.hypot(x, y) / FOCAL)
    return 1 + strength * (np.cos(angle) ** 4 - 1)


def blurred(light: Array, given: dict[str, float], fine: int) -> Array:
    """Spread light on the fine grid over a disc and along a segment; edges are mirrored."""
    motion = given["camera.motion_blur.blur_px"] * fine
    line = segment(motion, given["camera.motion_blur.direction_deg"])
    kernel = fftconvolve(disc(given["camera.defocus.blur_px"] * fine), line)
    reach = kernel.shape[0] // 2
    wide = np.pad(light, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    return np.asarray(cv2.filter2D(wide, -1, kernel)[reach:-reach, reach:-reach])


def disc(radius: float) -> Array:
    """Return an even disc by counting 16 x 16 points a cell."""
    half = math.ceil(radius) + 1
    line = (np.arange((2 * half + 1) * 16) + 0.5) / 16 - half - 0.5
    inside = np.hypot(line, line[:, None]) <= max(radius, 0.1)
    kernel = inside.reshape(2 * half + 1, 16, 2 * half + 1, 16).sum(axis=(1, 3)).astype(float)
    return np.asarray(kernel / kernel.sum())


def segment(length: float, degrees: float) -> Array:
    """Return a segment by counting 2000 of its points."""
    half = math.ceil(length / 2) + 1
    along = (np.arange(2000) + 0.5) / 2000 - 0.5
    angle = math.radians(degrees)
    place = along[:, None] * length * np.array([math.sin(angle), math.cos(angle)])
    edges = np.arange(2 * half + 2) - half - 0.5
    return np.asarray(np.histogram2d(place[:, 0], place[:, 1], bins=(edges, edges))[0] / 2000)


def pixel_means(light: Array, fine: int) -> Array:
    side = light.shape[0] // fine
    return np.asarray(light.reshape(side, fine, side, fine, 3).mean(axis=(1, 3)))


def cast(temperature_k: float) -> Array:
    """Return linear sRGB of a black body against 6500 K, green being 1.

    Planck's law times the CIE 1931 matching functions, as Wyman et al. (JCGT 2013) fit them.
    """
    colour = black_body(temperature_k) / black_body(6500.0)
    return np.asarray(colour / colour[1])


def black_body(temperature_k: float) -> Array:
    nm = np.arange(380.0, 781.0)
    radiance = (nm * 1e-9) ** -5 / np.expm1(1.438777e-2 / (nm * 1e-9 * temperature_k))
    x = lobe(nm, 1.056, 599.8, 37.9, 31.0) + lobe(nm, 0.362, 442.0, 16.0, 26.7)
    x = x + lobe(nm, -0.065, 501.1, 20.4, 26.2)
    y = lobe(nm, 0.821, 568.8, 46.9, 40.5) + lobe(nm, 0.286, 530.9, 16.3, 31.1)
    z = lobe(nm, 1.217, 437.0, 11.8, 36.0) + lobe(nm, 0.681, 459.0, 26.0, 13.8)
    xyz = np.stack([x, y, z]) @ radiance
    return np.asarray(np.linalg.solve(primaries(), xyz))


def lobe(nm: Array, height: float, middle: float, left: float, right: float) -> Array:
    return height * np.exp(-0.5 * ((nm - middle) / np.where(nm < middle, left, right)) ** 2)


def primaries() -> Array:
    """Return linear sRGB to XYZ from BT.709's primaries and D65."""
    xy = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
    xyz = np.stack([xy[:, 0] / xy[:, 1], np.ones(3), (1 - xy.sum(axis=1)) / xy[:, 1]])
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    return np.asarray(xyz * np.linalg.solve(xyz, white))


def jpeg(image: Array, quality: int) -> Array:
    """Encode and decode with Pillow, chroma at half resolution."""
    pixels, file = np.round(image.clip(0, 1) * 255).astype(np.uint8), io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file), dtype=np.float64) / 255


def framed(image: Array, outline: Array, given: dict[str, float], size: int) -> Array:
    """Cut the crop that a detector would and resize it as Pillow does."""
    part = {k.rpartition(".")[2]: v for k, v in given.items() if k.startswith("camera.framing.")}
    low, high = outline.min(axis=0), outline.max(axis=0)
    longest = (high - low).max()
    extent = longest + part["stretch_ratio"] * (high - low - longest)
    half = extent / 2 + part["margin_ratio"] * longest
    shift = longest * np.array([part["shift_x_ratio"], part["shift_y_ratio"]])
    middle = (low + high) / 2 + shift
    box = (*(middle - half).tolist(), *(middle + half).tolist())
    planes = [Image.fromarray(image[..., c].astype(np.float32)) for c in range(3)]
    resized = [plane.resize((size, size), Image.Resampling.BILINEAR, box) for plane in planes]
    return np.stack([np.asarray(plane, dtype=np.float64) for plane in resized], axis=-1)
