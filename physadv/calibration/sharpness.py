"""Reads a photo between its pixels, and tells how wide the edges of markers are in it."""

import cv2
import numpy as np

from physadv.calibration.chart import Array, Picture

REACH = np.linspace(-0.16, 0.4, 113)
"""Places across an edge, in sides of a marker: a module inwards, the quiet zone outwards."""


def sample(photo: Picture, places_px: Array) -> Array:
    """Read (N,M,2) places of a photo (H,W) or (H,W,C) bilinearly: (N,M) or (N,M,C)."""
    maps = (places_px - 0.5).astype(np.float32)
    read = cv2.remap(photo, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR)
    return np.asarray(read, dtype=np.float64)


def edge_width(grey: Picture, corners: Array) -> float:
    """Return how wide the edges of markers are: contrast / steepest slope, in sides of a marker.

    `corners` (M,4,2) in pixels. The median of the 4 M edges; for blur by a Gaussian of deviation s
    it is sqrt(2 pi) s.
    """
    middles = 0.5 * (corners + np.roll(corners, -1, axis=1))
    outward = middles - corners.mean(axis=1, keepdims=True)
    lines = middles[:, :, None] + 2 * outward[:, :, None] * REACH[:, None]
    values = sample(grey, lines.reshape(-1, len(REACH), 2))
    slope = np.abs(np.diff(values, axis=1)).max(axis=1) / (REACH[1] - REACH[0])
    return float(np.median(np.ptp(values, axis=1) / slope.clip(1e-6)))
