"""A photo as a user took it: its pixels, and what its file says about the lens."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from physadv.core import Encoded, Sensor, UserError, load_image
from physadv.core.image import UNREADABLE
from physadv.scoring.pattern import Picture

EXIF, FOCAL_35_MM = 0x8769, 0xA405
DIAGONAL_35_MM = math.hypot(36, 24)
ASSUMED_FOV_DEG = 60.0
"""The horizontal field of view where nothing says another; about that of a phone or dashcam."""


@dataclass(frozen=True, eq=False)
class Photograph:
    """A photo (1,3,h,w) with the sensor that took it; `lens` says how its angle is known."""

    name: str
    image: Encoded
    sensor: Sensor
    lens: str

    @property
    def picture(self) -> Picture:
        """The pixels as (h,w,3)."""
        pixels: Picture = np.ascontiguousarray(self.image[0].permute(1, 2, 0).numpy())
        return pixels


def read_photograph(path: Path, *, fov_deg: float | None = None) -> Photograph:
    """Read a photo; its horizontal field of view is `fov_deg`, or what its EXIF data say.

    The 35 mm equivalent focal length is taken as that of the same diagonal (CIPA DC-008). Raises
    `UserError` where the file cannot be read.
    """
    image = load_image(path)
    height, width = image.shape[-2:]
    focal = None if fov_deg is not None else _focal_35_mm(path)
    fov, lens = ASSUMED_FOV_DEG, "assumed"
    if fov_deg is not None:
        fov, lens = fov_deg, "given"
    elif focal is not None:
        across = DIAGONAL_35_MM * width / math.hypot(width, height)
        fov, lens = math.degrees(2 * math.atan(across / 2 / focal)), "EXIF"
    return Photograph(path.name, image, Sensor(width, height, fov), lens)


def _focal_35_mm(path: Path) -> float | None:
    """Return the 35 mm equivalent focal length of a file, None where it names none."""
    try:
        with Image.open(path) as file:
            found: Mapping[int, object] = file.getexif().get_ifd(EXIF)
    except (*UNREADABLE, UserError):
        return None
    value = found.get(FOCAL_35_MM)
    return float(value) if isinstance(value, int | float) and value > 0 else None
