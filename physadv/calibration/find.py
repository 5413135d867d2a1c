"""Finds the colour chart in a photo by its fiducials, and where each millimetre of it went."""

from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np

from physadv.calibration.chart import FIRST_ID, Array, Chart, Picture, chart_of
from physadv.calibration.sharpness import edge_width
from physadv.core import UserError, check

DICTIONARY = cv2.aruco.DICT_4X4_1000
DETECT_PX = 2000
"""Markers are looked for in a copy of at most this size, and placed in the photo itself."""
CORNERS = ("top left", "top right", "bottom right", "bottom left")
BENT_SHARE = 0.12
"""Markers may lie this far, in patches, from where a flat sheet has them."""
BLURRED = 0.12
"""Edges wider than this, in sides of a marker, are why a marker is not read."""
AGAIN = "photograph the whole printed chart, flat, sharp and evenly lit"


@dataclass(frozen=True, eq=False)
class Found:
    """A chart in a photo: `matrix` (3,3) maps its millimetres to the photo's pixels."""

    chart: Chart
    matrix: Array

    def __call__(self, points_mm: Array) -> Array:
        """Map points (...,2) in mm to pixels; pixel centres lie at .5."""
        mapped = cv2.perspectiveTransform(points_mm.reshape(-1, 1, 2), self.matrix)
        return np.asarray(mapped, dtype=np.float64).reshape(points_mm.shape)

    @property
    def patch_px(self) -> float:
        """The shortest side of any patch."""
        corners = self(self.chart.patches_mm())
        return float(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).min())


def find_chart(photo: Picture) -> Found:
    """Find the chart. Raises `UserError` where it is absent, covered in part, blurred or bent."""
    charts: dict[Chart, dict[int, Array]] = defaultdict(dict)
    grey: Picture = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    markers = _markers(grey)
    for marker, corners in markers.items():
        chart = chart_of(marker)
        if chart is not None:
            charts[chart][chart.marker_ids.index(marker)] = corners
    if not charts:
        raise _absent(list(markers))
    chart, places = max(charts.items(), key=lambda item: len(item[1]))
    missing = [name for k, name in enumerate(CORNERS) if k not in places]
    if missing:
        raise _incomplete(missing, edge_width(grey, np.stack(list(places.values()))))
    return _placed(chart, np.stack([places[k] for k in range(4)]))


def _placed(chart: Chart, corners: Array) -> Found:
    known = chart.markers_mm.reshape(-1, 2)
    matrix, _ = cv2.findHomography(known, corners.reshape(-1, 2))
    found = Found(chart, matrix.astype(np.float64))
    off_px = np.linalg.norm(found(known) - corners.reshape(-1, 2), axis=1).max()
    check(
        off_px <= max(1.5, BENT_SHARE * found.patch_px),
        "photo",
        expected="a flat sheet through a lens that keeps lines straight",
        got=f"markers {off_px:.1f} px from where those are",
        fix="lay the chart on a hard board; stand back and zoom in",
    )
    return found


def _markers(grey: Picture) -> dict[int, Array]:
    """Return the corners (4,2) of all markers by id, in pixels with centres at .5.

    A blurred marker is often read better in a smaller copy, so there are two.
    """
    shrink = max(1.0, max(grey.shape) / DETECT_PX)
    seen = _detected(grey, 2 * shrink) | _detected(grey, shrink)
    return {marker: _refined(grey, corners) for marker, corners in seen.items()}


def _detected(grey: Picture, shrink: float) -> dict[int, Array]:
    small = cv2.resize(grey, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    settings = cv2.aruco.DetectorParameters()
    settings.perspectiveRemovePixelPerCell = 8
    settings.perspectiveRemoveIgnoredMarginPerCell = 0.33  # a module's blurred rim says nothing
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    corners, ids, _ = cv2.aruco.ArucoDetector(dictionary, settings).detectMarkers(small)
    places = [(one.reshape(4, 2).astype(np.float64) + 0.5) * shrink for one in corners]
    return {} if ids is None else dict(zip(map(int, ids.ravel()), places, strict=True))


def _refined(grey: Picture, corners: Array) -> Array:
    side = float(np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).min())
    reach = max(2, round(side / 15))  # less than half a module
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 30, 0.01)
    start = np.ascontiguousarray(corners - 0.5, dtype=np.float32).reshape(-1, 1, 2)
    found = cv2.cornerSubPix(grey, start, (reach, reach), (-1, -1), criteria)
    return np.asarray(found, dtype=np.float64).reshape(4, 2) + 0.5


def _incomplete(missing: list[str], width: float) -> UserError:
    if width > BLURRED:
        got = f"one with edges that are {100 * width:.0f} % of a marker wide"
        steady = "hold the camera still and let it focus on the chart"
        return UserError("photo", expected="a sharp photo of the chart", got=got, fix=steady)
    got = f"one without the {' and the '.join(missing)} marker"
    fix = "uncover it, and keep all corners inside the picture"
    expected = "a chart with its four corner markers in view"
    return UserError("photo", expected=expected, got=got, fix=fix)


def _absent(markers: list[int]) -> UserError:
    got = "a photo in which no marker is found"
    if any(marker < FIRST_ID for marker in markers):
        got = "a photo of a sticker sheet"
    elif markers:
        got = "one of a newer version"
    expected = "the colour chart that physadv chart makes"
    return UserError("photo", expected=expected, got=got, fix=AGAIN)
