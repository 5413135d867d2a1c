"""Reads the chart's patches in a photo, and the light that fell on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physadv.calibration.chart import WHITE, Array, Chart, Picture, colours
from physadv.calibration.colour import decoded
from physadv.calibration.find import Found
from physadv.calibration.sharpness import sample
from physadv.core import check

INNER = 0.5
"""Share of a patch's sides that is read: borders are blurred, or lie a little elsewhere.

Blur that reaches into it makes the markers unreadable before.
"""
SAMPLES = 16
SMALLEST_PX = 10.0
CLIPPED, DARK = 0.985, 0.3
DEGREE = 3


@dataclass(frozen=True, eq=False)
class Reading:
    """What a photo shows of a chart.

    `colour` (N,3) are the patches, encoded; `light` (N,3) is what bare paper would send back in
    their place, linear; `residual` (3,) the standard deviation of bare patches around that light,
    as a share of it.
    """

    colour: Array
    light: Array
    residual: Array


def bare_paper() -> NDArray[np.bool_]:
    """Tell which patches are white, that is bare paper (N,)."""
    return np.array([one == WHITE for one in colours()])


def read_patches(photo: Picture, found: Found) -> Reading:
    """Read the patches and fit the light to the white ones.

    Raises `UserError` for a photo that is too small, too dark or too bright.
    """
    size = f"patches of at least {SMALLEST_PX:g} px"
    near = "go nearer, or take a larger picture"
    check(
        found.patch_px >= SMALLEST_PX,
        "photo",
        expected=size,
        got=f"{found.patch_px:.1f} px",
        fix=near,
    )
    colour = _colours(photo, found)
    _check_exposure(colour[bare_paper()])
    light, residual = _light(decoded(colour), found.chart)
    return Reading(colour, light, residual)


def _colours(photo: Picture, found: Found) -> Array:
    """Return the interquartile mean of what lies in the inner part of each patch, encoded."""
    share = (np.arange(SAMPLES) + 0.5) / SAMPLES
    across, down = np.meshgrid(share, share)
    corners = found.chart.patches_mm(INNER)
    start, end = corners[:, None, 0], corners[:, None, 2]
    places_mm = start + (end - start) * np.stack([across, down], axis=-1).reshape(1, -1, 2)
    seen = np.sort(sample(photo, found(places_mm)), axis=1)
    middle: Array = seen[:, SAMPLES**2 // 4 : -(SAMPLES**2) // 4].mean(axis=1)
    return middle / 255


def _check_exposure(white: Array) -> None:
    bright = float((white >= CLIPPED).any(axis=1).mean())
    check(
        bright == 0,
        "photo",
        expected="white paper that is not overexposed",
        got=f"{100 * bright:.0f} % of the white patches at full scale",
        fix="expose less (-1 EV), and keep lamps from mirroring in the paper",
    )
    dark = float(white.max(axis=1).min())
    check(
        dark >= DARK,
        "photo",
        expected=f"white paper at {100 * DARK:.0f} % of full scale or more",
        got=f"{100 * dark:.0f} % where it is darkest",
        fix="expose more, or light the chart more evenly",
    )


def _light(linear: Array, chart: Chart) -> tuple[Array, Array]:
    """Fit log light by a polynomial over the sheet to the white patches (least squares)."""
    height, width = chart.size_mm
    x, y = (2 * chart.centres_mm / (width, height) - 1).T
    powers = [(i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    terms = np.stack([x**i * y**j for i, j in powers], axis=1)
    bare = bare_paper()
    wanted = np.log(linear[bare])
    fitted, *_ = np.linalg.lstsq(terms[bare], wanted, rcond=None)
    rest = wanted - terms[bare] @ fitted
    spare = len(wanted) - terms.shape[1]
    return np.exp(terms @ fitted), np.sqrt((rest**2).sum(axis=0) / spare)
