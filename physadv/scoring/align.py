"""How well a face lies on a photo, and how to lay it better: correlation and ECC."""

import cv2
import numpy as np

from physadv.scoring.pattern import Array, Pattern, Picture, scaled

ROUNDS = 60
STEP = 1e-5
FINEST_PX = 320
COMPARED_PX = 64


def shift(x: float, y: float) -> Array:
    """Return the map (3,3) that moves points by (x, y)."""
    return np.array([[1.0, 0, x], [0, 1.0, y], [0, 0, 1.0]])


def scaling(x: float, y: float) -> Array:
    """Return the map (3,3) that scales points."""
    return np.diag([x, y, 1.0])


def mapped(plane: Array, points: Array) -> Array:
    """Map points (N,2) by a homography (3,3)."""
    whole = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ plane.T
    result: Array = whole[:, :2] / whole[:, 2:]
    return result


def frame(size_mm: tuple[float, float]) -> Array:
    """Return the corners (4,2) of a frame of (height, width), clockwise from the top left."""
    height, width = size_mm
    return np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])


def side_px(plane: Array, size_mm: tuple[float, float]) -> float:
    """Return the longer side of the frame's box in a photo."""
    return float(np.ptp(mapped(plane, frame(size_mm)), axis=0).max())


def flattened(photo: Picture, plane: Array, pattern: Pattern, side: int) -> Picture:
    """Return the frame as it is in the photo, seen from the front, anti-aliased.

    What lies beyond the photo is grey.
    """
    near, moved = shrunk(photo, plane, pattern.size_mm, side)
    small, _ = pattern.at(side)
    size = small.shape[1], small.shape[0]
    mm_px = scaling(size[0] / pattern.size_mm[1], size[1] / pattern.size_mm[0])
    matrix = shift(-0.5, -0.5) @ mm_px @ np.linalg.inv(moved) @ shift(0.5, 0.5)
    flat = cv2.warpPerspective(near, matrix, size, borderValue=(0.5, 0.5, 0.5))
    return np.asarray(flat, dtype=np.float32)


def shrunk(
    photo: Picture, plane: Array, size_mm: tuple[float, float], side: float
) -> tuple[Picture, Array]:
    """Cut a photo to the sign's surroundings, at most `side` px long, with the map to it."""
    corners = mapped(plane, frame(size_mm))
    reach = 0.25 * float(np.ptp(corners, axis=0).max()) + 2
    extent = np.array([photo.shape[1], photo.shape[0]])
    low = np.floor(corners.min(axis=0) - reach).clip(0, extent - 1).astype(int)
    high = np.ceil(corners.max(axis=0) + reach).clip(low + 1, extent).astype(int)
    cut = photo[low[1] : high[1], low[0] : high[0]]
    share = side / max(1.0, side_px(plane, size_mm))
    if share < 1:
        reduced = scaled(cut, share)
        ratio = scaling(reduced.shape[1] / cut.shape[1], reduced.shape[0] / cut.shape[0])
        return reduced, ratio @ shift(-low[0], -low[1]) @ plane
    return cut, shift(-low[0], -low[1]) @ plane


def correlation(photo: Picture, plane: Array, pattern: Pattern) -> float:
    """Return how well photo and face agree, -1 to 1: their colours' normalised correlation.

    Each channel's mean is taken away, so the light's strength, colour and veil do not matter.
    """
    side = int(np.clip(side_px(plane, pattern.size_mm), 12, COMPARED_PX))
    small, inside = pattern.at(side)
    seen = flattened(photo, plane, pattern, side)[inside]
    wanted = small[inside]
    seen, wanted = seen - seen.mean(axis=0), wanted - wanted.mean(axis=0)
    spread = float(np.sqrt((seen**2).sum() * (wanted**2).sum()))
    return float((seen * wanted).sum()) / max(spread, 1e-6)


def refined(photo: Picture, plane: Array, pattern: Pattern, most_px: int = FINEST_PX) -> Array:
    """Return the plane that maximises the enhanced correlation coefficient.

    Evangelidis & Psarakis, PAMI 2008. The face is compared at the size it has in the photo, at
    most `most_px` long. Where it does not converge the plane stays.
    """
    side = int(np.clip(side_px(plane, pattern.size_mm), 16, most_px))
    small, inside = pattern.at(side)
    near, moved = shrunk(photo, plane, pattern.size_mm, side)
    mm_px = scaling(small.shape[1] / pattern.size_mm[1], small.shape[0] / pattern.size_mm[0])
    start = shift(-0.5, -0.5) @ moved @ np.linalg.inv(mm_px) @ shift(0.5, 0.5)
    whole = np.full(near.shape[:2], 255, np.uint8)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ROUNDS, STEP)
    try:
        _, found = cv2.findTransformECCWithMask(
            small,
            near,
            inside.astype(np.uint8) * 255,
            whole,
            (start / start[2, 2]).astype(np.float32),
            cv2.MOTION_HOMOGRAPHY,
            criteria,
            1,
        )
    except cv2.error:
        return plane
    back = plane @ np.linalg.inv(moved)
    better = back @ shift(0.5, 0.5) @ found @ shift(-0.5, -0.5) @ mm_px
    return np.asarray(better / better[2, 2], dtype=np.float64)
