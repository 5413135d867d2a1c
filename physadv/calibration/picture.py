"""A picture for the eye: where a calibration read the chart, and what its profile predicts."""

import cv2
import numpy as np
import torch

from physadv.calibration.calibrate import Calibration
from physadv.calibration.chart import Array, Picture, colours
from physadv.calibration.colour import encoded
from physadv.calibration.measure import INNER
from physadv.core import Encoded

LARGEST_PX = 1600
FINE = 4
"""Bits of a pixel's fraction that OpenCV draws by."""


def found_picture(photo: Picture, calibration: Calibration) -> Picture:
    """Return the photo (H,W,3), at most 1600 px, with the chart marked as it was found.

    Outlines are what was read of each patch and the markers; the lower left half of each outline
    holds the profile's prediction under the light found, so that it vanishes where that is right.
    """
    shrink = min(1.0, LARGEST_PX / max(photo.shape))
    size = round(shrink * photo.shape[1]), round(shrink * photo.shape[0])
    drawn: Picture = np.array(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    found = calibration.found
    inner = shrink * found(found.chart.patches_mm(INNER))
    for corners, colour in zip(inner, _predicted(calibration), strict=True):
        half = corners[[0, 2, 3]]
        cv2.fillPoly(drawn, [_fixed(half)], colour.tolist(), cv2.LINE_AA, FINE)
        _outline(drawn, corners, (255, 255, 255))
    for corners in shrink * found(found.chart.markers_mm):
        _outline(drawn, corners, (0, 220, 90), 2)
    return drawn


def _predicted(calibration: Calibration) -> Array:
    """Return what the photo should show at each patch, 8-bit (N,3)."""
    paint = torch.tensor(colours()).float().T.reshape(1, 3, 1, -1) / 255
    reflectance = calibration.profile(Encoded(paint))[0, :, 0].T.double().numpy()
    shown = reflectance / calibration.white_ratio * calibration.reading.light
    levels: Array = (255 * encoded(shown)).round().clip(0, 255)
    return levels


def _fixed(points: Array) -> Array:
    """Return points as OpenCV draws them: fixed-point, pixel centres whole."""
    fixed: Array = np.round((points - 0.5) * 2**FINE).astype(np.int32)
    return fixed


def _outline(drawn: Picture, ring: Array, colour: tuple[int, int, int], width_px: int = 1) -> None:
    cv2.polylines(drawn, [_fixed(ring)], True, colour, width_px, cv2.LINE_AA, FINE)
