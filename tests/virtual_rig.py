"""Printers and a camera that share nothing with ours: what calibration has to find out.

A printer: four inks with spectra of their own, black generation, dots that spread, light that
spreads in tinted paper (Yule-Nielsen-modified spectral Neugebauer equations, Viggiano 1985). The
camera: sensitivities that are not sRGB's, uneven light, perspective, OpenCV's demosaicing, an
S-shaped tone curve, noise, JPEG.
"""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

BANDS_NM = np.arange(410.0, 700.0, 20.0)


def bell(centre_nm: float, width_nm: float) -> Array:
    curve: Array = np.exp(-0.5 * ((BANDS_NM - centre_nm) / width_nm) ** 2)
    return curve


def step(edge_nm: float, width_nm: float) -> Array:
    curve: Array = 1 / (1 + np.exp(-(BANDS_NM - edge_nm) / width_nm))
    return curve


@dataclass(frozen=True, eq=False)
class Press:
    """What a print is made of; spectra over `BANDS_NM`.

    `paper` is reflectance, `inks` (4,bands) the transmittance of solid cyan, magenta, yellow and
    black, to and fro. `gain` (4,) is the tone value increase at one half, `surface` what gloss
    sends back, `curve` the exponent by which the driver takes RGB to ink, `n` Yule-Nielsen's.
    """

    paper: Array
    inks: Array
    gain: Array
    surface: float
    curve: float
    n: float


PHOTO = Press(
    paper=0.90 - 0.10 * bell(420, 25) + 0.02 * bell(450, 15),  # a warm white
    inks=np.stack([
        1 - 0.90 * step(585, 14) - 0.12 * bell(420, 30),
        1 - 0.88 * bell(545, 36) - 0.18 * bell(430, 35),
        1 - 0.93 * (1 - step(495, 10)),
        np.full(len(BANDS_NM), 0.045),
    ]),
    gain=np.array([0.17, 0.15, 0.14, 0.18]),
    surface=0.006,
    curve=0.9,
    n=1.75,
)  # fmt: skip
"""Photo paper: white 0.90, black 0.02, full colours; middle greys come out light."""
OFFICE = Press(
    paper=0.80 - 0.08 * bell(420, 30) + 0.03 * bell(455, 20),
    inks=np.stack([
        1 - 0.80 * step(580, 20) - 0.22 * bell(430, 40),
        1 - 0.78 * bell(545, 42) - 0.30 * bell(430, 45),
        1 - 0.85 * (1 - step(500, 16)),
        np.full(len(BANDS_NM), 0.09),
    ]),
    gain=np.array([0.24, 0.22, 0.20, 0.24]),
    surface=0.035,
    curve=1.3,
    n=1.9,
)  # fmt: skip
"""Plain paper in an office: white 0.80, black 0.06, dull colours; dots that spread a fourth."""
SENSITIVITY = np.stack([bell(605, 30), bell(538, 36), bell(462, 24)])
SENSOR_WHITE = np.array([0.55, 1.0, 0.68])
"""What the sensor's own channels make of white before it is balanced."""


@dataclass(frozen=True)
class Setting:
    """How a photo is taken: where the camera stands, and what the light does."""

    yaw_deg: float = 14.0
    pitch_deg: float = -9.0
    roll_deg: float = 4.0
    fill_ratio: float = 0.82
    white_level: float = 0.62
    falloff_ratio: float = 0.35
    blur_px: float = 0.7
    noise_ratio: float = 0.004
    quality: int = 92


@dataclass(frozen=True)
class VirtualRig:
    """One printer and one camera; the seed changes noise and the desk, not the ink."""

    seed: int = 0
    press: Press = field(default=PHOTO)

    def print(self, image: Picture) -> Array:
        """Print 8-bit RGB (H,W,3); returns what the camera's filters see of it, (H,W,3) linear.

        A perfect white diffuser is 1 in each channel.
        """
        codes = image.astype(np.int64) @ np.array([65536, 256, 1])
        flat, where = np.unique(codes, return_inverse=True)
        paint = np.stack([flat >> 16, flat >> 8 & 255, flat & 255], axis=1).astype(np.uint8)
        seen: Array = self.colours(paint)[where.reshape(codes.shape)]
        return seen

    def colours(self, colours: Picture) -> Array:
        """Print colours (N,3)."""
        press = self.press
        area = _spread(_separated(colours.astype(np.float64) / 255, press.curve), press.gain)
        spectrum = sum(
            _share(area, solid)[:, None] * _solid(press, solid) ** (1 / press.n)
            for solid in product((0, 1), repeat=4)
        )
        seen: Array = np.asarray(spectrum) ** press.n @ self._filters
        return seen

    @cached_property
    def _filters(self) -> Array:
        """From spectra to the camera's RGB, each channel 1 for white, with a mild colour matrix."""
        plain = (SENSITIVITY / SENSITIVITY.sum(axis=1, keepdims=True)).T
        matrix = np.array([[1.35, -0.30, -0.05], [-0.22, 1.42, -0.20], [0.02, -0.27, 1.25]])
        filters: Array = plain @ matrix.T
        return filters

    def photograph(
        self,
        printed: Array,
        size_px: tuple[int, int] = (1500, 1125),
        setting: Setting | None = None,
    ) -> Picture:
        """Photograph a print (H,W,3) lying on a desk: 8-bit RGB of size (h, w)."""
        how, rng = setting or Setting(), np.random.default_rng(self.seed)
        light = self._scene(printed, size_px, how, rng) * _lamp(size_px, how)[..., None]
        light = np.asarray(cv2.GaussianBlur(light * how.white_level, (0, 0), how.blur_px), float)
        return developed(light, how.noise_ratio, how.quality, rng)

    def _scene(
        self, printed: Array, size_px: tuple[int, int], how: Setting, rng: np.random.Generator
    ) -> Array:
        """Lay the print on a desk of soft colours, at twice the size, and average."""
        twice = 2 * size_px[1], 2 * size_px[0]
        desk = cv2.resize(rng.random((9, 7, 3)) * 0.2 + 0.1, twice, interpolation=cv2.INTER_CUBIC)
        matrix = np.diag([2.0, 2.0, 1.0]) @ homography(printed.shape[:2], size_px, how)
        (a, b, _), (c, d, _), (_, _, scale) = matrix
        shrink = min(1.0, float(np.sqrt(abs(a * d - b * c))) / scale)  # else it would alias
        small = cv2.resize(printed, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        back = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # OpenCV's pixel centres are whole
        across, down = small.shape[1] / printed.shape[1], small.shape[0] / printed.shape[0]
        centred = back @ matrix @ np.diag([1 / across, 1 / down, 1.0]) @ np.linalg.inv(back)
        lit = cv2.warpPerspective(
            small, centred, twice, desk, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT
        )
        light = cv2.resize(lit, size_px[::-1], interpolation=cv2.INTER_AREA)
        return np.asarray(light, dtype=np.float64)


def developed(light: Array, noise_ratio: float, quality: int, rng: np.random.Generator) -> Picture:
    """Take light (H,W,3), 1 at full scale: mosaic, noise, demosaicing, tone, JPEG; 8-bit RGB."""
    raw = _mosaic(light * SENSOR_WHITE)
    raw = raw + rng.normal(size=raw.shape) * noise_ratio * np.sqrt(raw.clip(0, 1) + 0.02)
    values = (raw.clip(0, 1) * 4095).round().astype(np.uint16)
    whole = cv2.cvtColor(values, cv2.COLOR_BayerRGGB2RGB_EA).astype(np.float64) / 4095
    picture = (255 * _tone(whole / SENSOR_WHITE)).round().astype(np.uint8)
    _, stored = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    taken = np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.ascontiguousarray(taken[..., ::-1])


def homography(sheet: tuple[int, int], size_px: tuple[int, int], how: Setting) -> Array:
    """Return the map from a sheet's pixels to the photo's, of a pinhole in front of its middle."""
    (high, wide), (height, width) = sheet, size_px
    yaw, pitch, roll = np.deg2rad([how.yaw_deg, how.pitch_deg, how.roll_deg])
    turns = [cv2.Rodrigues(np.array(v))[0] for v in ((pitch, 0, 0), (0, yaw, 0), (0, 0, roll))]
    rotation = turns[2] @ turns[0] @ turns[1]
    focal = 1.2 * max(size_px)
    distance = focal * max(high / height, wide / width) / how.fill_ratio
    to_middle = np.array([[1, 0, -wide / 2], [0, 1, -high / 2], [0, 0, 1.0]])
    plane = np.column_stack([rotation[:, 0], rotation[:, 1], [0, 0, distance]])
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    matrix: Array = camera @ plane @ to_middle
    return matrix


def _separated(rgb: Array, curve: float) -> Array:
    """Split colours (N,3) into four inks: under-colour removal above one half, a driver's curve."""
    bare = 1 - rgb**curve
    grey = bare.min(axis=1, keepdims=True)
    key = (2 * grey - 1).clip(0) ** 1.3
    inks: Array = np.concatenate([(bare - 0.5 * key).clip(0, 1), key], axis=1)
    return inks


def _spread(area: Array, gain: Array) -> Array:
    wider: Array = area + 4 * gain * area * (1 - area)
    return wider


def _share(area: Array, solid: tuple[int, ...]) -> Array:
    """Demichel 1924: the share of paper that carries exactly these inks, dots lying at random."""
    share: Array = np.prod(np.where(np.array(solid) == 1, area, 1 - area), axis=1)
    return share


def _solid(press: Press, solid: tuple[int, ...]) -> Array:
    layers = np.prod(press.inks[np.array(solid) == 1], axis=0)
    spectrum: Array = press.paper * layers + press.surface
    return spectrum


def _lamp(size_px: tuple[int, int], how: Setting) -> Array:
    """A lamp above one corner, and a lens that darkens its own (cos^4-like)."""
    height, width = size_px
    y, x = np.mgrid[0:height, 0:width]
    u, v = x / width - 0.5, y / height - 0.5
    lamp = 1 / (1 + how.falloff_ratio * ((u - 0.4) ** 2 + (v + 0.5) ** 2))
    light: Array = lamp / (1 + 0.18 * (u**2 + v**2)) ** 2
    return light


def _mosaic(light: Array) -> Array:
    raw = light[..., 1].copy()
    raw[0::2, 0::2] = light[0::2, 0::2, 0]
    raw[1::2, 1::2] = light[1::2, 1::2, 2]
    return raw


def _tone(light: Array) -> Array:
    """A gamma that is not sRGB's, then a mild S-curve with a shoulder."""
    base = light.clip(0, 1) ** (1 / 2.05)
    curved: Array = base + 0.12 * (base * base * (3 - 2 * base) - base)
    return curved
