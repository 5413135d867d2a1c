"""The pixels printed at a spot: the patch's ink, carried on beyond the contour as bleed."""

from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from physadv.output.artwork import OPAQUE, Artwork
from physadv.output.polygon import Box, Polygon, grown


def printed_pixels(
    artwork: Artwork, piece: Polygon, window_mm: Box, *, bleed_mm: float
) -> tuple[NDArray[np.uint8], Box]:
    """Return RGB pixels (h,w,3) of the patch for a window with its bleed, and the box they fill.

    The crop is on whole pixels of the patch, which are not resampled. Pixels outside the contour,
    or on it, take the nearest ink inside; pixels well inside without ink are white paper.
    """
    high, wide = artwork.patch.shape[:2]
    height_mm, width_mm = artwork.size_mm
    x0, y0, x1, y1 = grown(window_mm, bleed_mm)
    left, right = floor(x0 / width_mm * wide), ceil(x1 / width_mm * wide)
    top, bottom = floor(y0 / height_mm * high), ceil(y1 / height_mm * high)
    crop = _padded(artwork.patch, top, bottom, left, right)
    ring = [(y / height_mm * high - top - 0.5, x / width_mm * wide - left - 0.5) for x, y in piece]
    box = (
        left / wide * width_mm,
        top / high * height_mm,
        right / wide * width_mm,
        bottom / high * height_mm,
    )
    within = polygon2mask(crop.shape[:2], ring)  # type: ignore[no-untyped-call]  # skimage has none
    return _carried_on(crop, within), box


def _padded(
    patch: NDArray[np.uint8], top: int, bottom: int, left: int, right: int
) -> NDArray[np.uint8]:
    high, wide = patch.shape[:2]
    before = (max(0, -top), max(0, -left))
    after = (max(0, bottom - high), max(0, right - wide))
    crop = patch[max(0, top) : min(high, bottom), max(0, left) : min(wide, right)]
    return np.pad(crop, ((before[0], after[0]), (before[1], after[1]), (0, 0)))


def _carried_on(crop: NDArray[np.uint8], within: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill what is outside `within`, or at its edge without ink, with the nearest ink inside."""
    inked = crop[..., 3] >= OPAQUE
    colour = np.where(inked[..., None], crop[..., :3], np.uint8(255))
    source = inked & within
    core = cv2.erode(within.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0
    wanting = ~source & ~core
    if not source.any():
        return np.full_like(colour, 255)
    labels = cv2.distanceTransformWithLabels(
        (~source).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    table = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    table[labels[source]] = crop[..., :3][source]
    return np.where(wanting[..., None], table[labels], colour)
