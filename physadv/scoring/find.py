"""Finds a face in a photo: by local features, else by looking for it at every size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from physadv.scoring.align import (
    correlation,
    frame,
    mapped,
    refined,
    scaling,
    shift,
)
from physadv.scoring.pattern import (
    Array,
    Features,
    Pattern,
    Picture,
    features,
    grey,
    resized,
    scaled,
)

RATIO = 0.8
"""Lowe's ratio test."""
LEAST_MATCHES = 7
MISS_PX = 3.0
SEARCH_PX = 1600
LEAST_PX = 20.0
"""Shorter signs show too little to be told from anything else."""
SURE = 0.85
FOUND = 0.6
"""Correlation from which a find is believed; set after a look at some of the photos named here.

Nothing was accepted in 60 photos without a stop sign (at most 0.53) and 80 of other traffic signs
(0.55). Of bare stop signs 38 of 46 in the street were found (0.64 to 0.94; of those missed five are
14 px wide or less, one is 29 px, two are dark before the sky), 34 of 40 of GTSRB's wider than
40 px, and all 40 of RP2's close ones.
"""
ROUGH_PX = 48

SCAN_PX = 24
SCANNED_PX = 720
"""Templates of 24 px in photos shrunk to 720: signs down to a thirtieth of the photo's length."""
SCAN_STEP = 1.22
SQUEEZES = (1.0, 0.75)
PEAKS = 5


@dataclass(frozen=True, eq=False)
class Find:
    """Where a face lies in a photo: `plane` (3,3) from mm to px, and how well it agrees there."""

    pattern: Pattern
    plane: Array
    correlation: float


def find(photo: Picture, patterns: Sequence[Pattern]) -> Find | None:
    """Return the best place of the best pattern in a photo, None where there is nothing like it.

    Candidates come from SIFT features and RANSAC; where those convince nobody, from templates at
    all sizes. Each is refined by ECC and judged by its correlation.
    """
    best = _best(photo, _matched(photo, patterns))
    if best is None or best.correlation < SURE:
        best = _best(photo, _scanned(photo, patterns), best)
    if best is None:
        return None
    return settled(photo, best.plane, patterns)


def settled(photo: Picture, plane: Array, patterns: Sequence[Pattern]) -> Find:
    """Return which pattern is seen at a plane, the plane refined for it."""
    return max((_finest(photo, plane, one) for one in patterns), key=lambda find: find.correlation)


def _finest(photo: Picture, plane: Array, pattern: Pattern) -> Find:
    """Refine at full resolution; keep what agrees best."""
    better = refined(photo, plane, pattern)
    planes = [better, plane] if sane(better, pattern, photo.shape) else [plane]
    finds = [Find(pattern, one, correlation(photo, one, pattern)) for one in planes]
    return max(finds, key=lambda find: find.correlation)


def _best(
    photo: Picture, candidates: Iterator[tuple[Pattern, Array]], best: Find | None = None
) -> Find | None:
    """Refine candidates roughly and return the best; a sure one ends the search."""
    for pattern, plane in candidates:
        if not sane(plane, pattern, photo.shape):
            continue
        better = refined(photo, plane, pattern, ROUGH_PX)
        for one in (plane, better):
            if sane(one, pattern, photo.shape):
                found = Find(pattern, one, correlation(photo, one, pattern))
                best = found if best is None or found.correlation > best.correlation else best
        if best is not None and best.correlation >= SURE:
            break
    return best


def sane(plane: Array, pattern: Pattern, shape: Sequence[int]) -> bool:
    """Whether a plane shows the face from its front, upright, large enough, mostly in the photo."""
    if not np.isfinite(plane).all():
        return False
    corners = frame(pattern.size_mm)
    depth = np.concatenate([corners, np.ones((4, 1))], axis=1) @ plane[2]
    if not (depth * depth[0] > 0).all() or depth.max() / depth.min() > 2:
        return False
    px = mapped(plane, corners)
    edges = np.roll(px, -1, axis=0) - px
    turns = edges[:, 0] * np.roll(edges, -1, axis=0)[:, 1]
    turns = turns - edges[:, 1] * np.roll(edges, -1, axis=0)[:, 0]
    lengths = np.linalg.norm(edges, axis=1)
    upright = bool(edges[0, 0] > abs(edges[0, 1])) and bool(edges[1, 1] > abs(edges[1, 0]))
    middle, extent = px.mean(axis=0), np.array([shape[1], shape[0]])
    inside = bool(((middle > 0) & (middle < extent)).all())
    slim = lengths.max() < 3.5 * lengths.min() and lengths.max() < 2 * extent.max()
    return bool((turns > 0).all()) and upright and inside and slim and lengths.max() >= LEAST_PX


def _matched(photo: Picture, patterns: Sequence[Pattern]) -> Iterator[tuple[Pattern, Array]]:
    """Yield planes that the features' matches say, with the photo small and, if it is, enlarged."""
    longest = max(photo.shape[:2])
    for share in sorted({min(1.0, SEARCH_PX / longest), min(2.0, SEARCH_PX / longest)}):
        small = scaled(photo, share)
        seen = features(grey(small))
        ratio = scaling(photo.shape[1] / small.shape[1], photo.shape[0] / small.shape[0])
        for pattern in patterns:
            plane = _plane(pattern, seen)
            if plane is not None:
                yield pattern, ratio @ plane


def _plane(pattern: Pattern, seen: Features) -> Array | None:
    """Return the homography that most matches agree on, if enough do."""
    if len(seen.places) < 2:
        return None
    mm, px = [], []
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    for view in pattern.views:
        for first, second in matcher.knnMatch(view.descriptors, seen.descriptors, k=2):
            if first.distance < RATIO * second.distance:
                mm.append(view.places[first.queryIdx])
                px.append(seen.places[first.trainIdx])
    if len(mm) < LEAST_MATCHES:
        return None
    plane, kept = cv2.findHomography(np.array(mm), np.array(px), cv2.USAC_MAGSAC, MISS_PX)
    if plane is None or kept.sum() < LEAST_MATCHES:
        return None
    return np.asarray(plane, dtype=np.float64)


def _scanned(photo: Picture, patterns: Sequence[Pattern]) -> Iterator[tuple[Pattern, Array]]:
    """Yield planes where a small template fits, the photo being shrunk step by step."""
    peaks = []
    longest, shortest = max(photo.shape[:2]), min(photo.shape[:2])
    share = min(1.0, SCANNED_PX / longest)
    while share * shortest >= SCAN_PX:
        small = scaled(photo, share)
        for pattern in patterns:
            for squeeze in SQUEEZES:
                peaks += _peaks(small, pattern, squeeze, share)
        share /= SCAN_STEP
    peaks.sort(key=lambda peak: -peak[0])
    for _, pattern, plane in peaks[:PEAKS]:
        yield pattern, plane


def _peaks(
    small: Picture, pattern: Pattern, squeeze: float, share: float
) -> list[tuple[float, Pattern, Array]]:
    """Return the best places of one template in one picture."""
    face, inside = pattern.at(SCAN_PX)
    size = max(4, round(face.shape[1] * squeeze)), face.shape[0]
    face, mask = resized(face, size), resized(inside.astype(np.float32), size)
    if small.shape[0] < size[1] or small.shape[1] < size[0]:
        return []
    held = np.repeat((mask > 0.9).astype(np.float32)[:, :, None], 3, axis=2)
    fit = cv2.matchTemplate(small, face, cv2.TM_CCOEFF_NORMED, mask=held)
    fit[~np.isfinite(fit)] = -1
    found = []
    for _ in range(2):
        _, value, _, (x, y) = cv2.minMaxLoc(fit)
        mm_px = scaling(size[0] / pattern.size_mm[1], size[1] / pattern.size_mm[0])
        found.append((value, pattern, scaling(1 / share, 1 / share) @ shift(x, y) @ mm_px))
        reach = SCAN_PX // 2
        fit[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = -1
    return found
