"""What is looked for in a photo: a face as a picture, and its local features on the frame."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]
Picture = NDArray[np.float32]
"""(h,w,3) RGB, encoded, 0 to 1."""

VIEWS = ((320, 1.0), (320, 0.7), (128, 1.0), (128, 0.7), (72, 1.0))
"""Sides in px and foreshortenings at which features are taken, so that oblique ones match too."""
CONTRAST = 0.01
"""SIFT's contrast threshold; low, since photos against the sun have little of it."""


@dataclass(frozen=True, eq=False)
class Features:
    """Places (N,2) with their descriptors (N,128)."""

    places: Array
    descriptors: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pattern:
    """A face to look for: `picture` (h,w,3) and `cover` (h,w) over a frame of `size_mm` (h, w).

    `name` says what it shows: "stickers" or "bare sign".
    """

    name: str
    picture: Picture
    cover: Picture
    size_mm: tuple[float, float]

    def at(self, side_px: int) -> tuple[Picture, NDArray[np.bool_]]:
        """Return the picture with `side_px` pixels on its longer side, and where it is covered."""
        height, width = self.size_mm
        share = side_px / max(height, width)
        size = max(4, round(width * share)), max(4, round(height * share))
        return resized(self.picture, size), resized(self.cover, size) > 0.99

    @cached_property
    def views(self) -> tuple[Features, ...]:
        """Features of the face at several sizes and foreshortenings, places in mm."""
        found = (self._features(side, squeeze) for side, squeeze in VIEWS)
        return tuple(view for view in found if len(view.places))

    def _features(self, side_px: int, squeeze: float) -> Features:
        small, _ = self.at(side_px)
        narrow = resized(small, (round(small.shape[1] * squeeze), small.shape[0]))
        mm_px = self.size_mm[1] / narrow.shape[1], self.size_mm[0] / narrow.shape[0]
        found = features(grey(narrow))
        return Features(found.places * np.array(mm_px), found.descriptors)


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return a picture at (width, height): the mean of pixels where it shrinks, else cubic."""
    shrinks = size[0] <= picture.shape[1] and size[1] <= picture.shape[0]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=way), dtype=np.float32)


def scaled(picture: Picture, share: float) -> Picture:
    """Return a picture with its sides `share` times as long, to whole pixels."""
    height, width = picture.shape[:2]
    return resized(picture, (max(1, round(width * share)), max(1, round(height * share))))


def pattern(name: str, picture: Tensor, size_mm: tuple[float, float]) -> Pattern:
    """Return the pattern of a face as a picture (1,4,h,w), encoded, with its cover as alpha."""
    pixels = np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy())
    return Pattern(name, np.ascontiguousarray(pixels[..., :3]), pixels[..., 3].copy(), size_mm)


def grey(picture: Picture) -> NDArray[np.uint8]:
    """Return a picture in 8-bit grey, its own range stretched to the full one."""
    tone = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    low, high = np.percentile(tone, (0.5, 99.5))
    stretched = (tone - low) / max(high - low, 0.02)
    whole: NDArray[np.uint8] = (stretched.clip(0, 1) * 255).round().astype(np.uint8)
    return whole


def features(image: NDArray[np.uint8], most: int = 6000) -> Features:
    """Return SIFT features (Lowe 2004) as RootSIFT (Arandjelovic & Zisserman 2012).

    Places are (x, y) in px, pixel centres at .5.
    """
    sift = cv2.SIFT.create(nfeatures=most, contrastThreshold=CONTRAST)
    keys, found = sift.detectAndCompute(image, None)
    if found is None or not len(keys):
        return Features(np.empty((0, 2)), np.empty((0, 128), np.float32))
    places = np.array([key.pt for key in keys]) + 0.5
    share = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6)
    return Features(places, np.sqrt(share).astype(np.float32))
