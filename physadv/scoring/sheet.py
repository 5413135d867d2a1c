"""Finds a printed sheet in a photo by its fiducials."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from physadv.scoring.align import mapped
from physadv.scoring.pattern import Array, Picture, scaled

LEAST_MARKERS = 3
MOST_MISS_RATIO = 0.1
"""How far the markers' corners may be off, as a share of a marker's side."""
LEAST_SIDE_PX = 8.0
SEARCHED_PX = 2400


@dataclass(frozen=True)
class Fiducials:
    """The markers of a sheet: an OpenCV dictionary, their side, and where they are on papers.

    `papers_mm` holds, by the name of the paper, its (width, height) and the top left corners of
    its four markers. Marker 4 k + c stands in corner c of page k + 1.
    """

    dictionary: int
    side_mm: float
    papers_mm: Mapping[str, tuple[tuple[float, float], tuple[tuple[float, float], ...]]]


@dataclass(frozen=True, eq=False)
class Sheet:
    """A page found in a photo: `plane` (3,3) maps its mm to px, `size_mm` is (h, w)."""

    paper: str
    page: int
    plane: Array
    size_mm: tuple[float, float]


def find_sheet(photo: Picture, fiducials: Fiducials) -> Sheet | None:
    """Return the page whose markers are in a photo, three of them or four, and None without."""
    share = min(1.0, SEARCHED_PX / max(photo.shape[:2]))
    small = scaled(photo, share)
    image = cv2.cvtColor((small * 255).round().astype(np.uint8), cv2.COLOR_RGB2GRAY)
    dictionary = cv2.aruco.getPredefinedDictionary(fiducials.dictionary)
    options = cv2.aruco.DetectorParameters()
    options.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    corners, ids, _ = cv2.aruco.ArucoDetector(dictionary, options).detectMarkers(image)
    if not corners:
        return None
    seen: dict[int, dict[int, Array]] = {}
    for marker, points in zip(np.ravel(ids), corners, strict=True):
        page, corner = divmod(int(marker), 4)
        seen.setdefault(page + 1, {})[corner] = (points[0] + 0.5) / share
    page, markers = max(seen.items(), key=lambda item: len(item[1]))
    if len(markers) < LEAST_MARKERS:
        return None
    return _fitted(page, markers, fiducials)


def _fitted(page: int, markers: Mapping[int, Array], fiducials: Fiducials) -> Sheet | None:
    """Return the sheet of the paper that explains the markers best, if one does."""
    px = np.concatenate([markers[corner] for corner in sorted(markers)])
    side = float(np.linalg.norm(px[1] - px[0]))
    sheets = []
    for paper, (size, places) in fiducials.papers_mm.items():
        mm = np.concatenate([_square(places[c], fiducials.side_mm) for c in sorted(markers)])
        found, _ = cv2.findHomography(mm, px)
        if found is not None:
            plane = np.asarray(found, dtype=np.float64)
            miss = float(np.linalg.norm(mapped(plane, mm) - px, axis=1).max())
            sheets.append((miss, Sheet(paper, page, plane, (size[1], size[0]))))
    miss, best = min(sheets, key=lambda one: one[0], default=(np.inf, None))
    return best if miss < MOST_MISS_RATIO * side and side >= LEAST_SIDE_PX else None


def _square(place: tuple[float, float], side: float) -> Array:
    (x, y) = place
    return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]])
