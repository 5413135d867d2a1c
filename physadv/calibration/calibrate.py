"""From a photo of the printed chart to the printer's profile."""

from dataclasses import dataclass

import numpy as np
import torch

from physadv.calibration.chart import Array, Picture, colours
from physadv.calibration.colour import de2000, decoded, encoded
from physadv.calibration.find import Found, find_chart
from physadv.calibration.fit import Fit, fit
from physadv.calibration.measure import Reading, bare_paper, read_patches
from physadv.core import check
from physadv.printing import Profile

NODES = 17
WHITE_RATIO = 0.88
"""What office and photo papers reflect; TAPPI T 452 and ISO 2470 tell it of a paper."""
WHITE_STD_RATIO = 0.03
"""How well that is known, as a share, where nobody measured it."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """A profile and what it rests on: the chart found, its reading, errors (N,) of held-out rows.

    `paint` and `seen` (N,3) are the distinct colours of the file and how they came out, encoded;
    paper reflects `white_ratio`.
    """

    profile: Profile
    found: Found
    reading: Reading
    model: str
    paint: Array
    seen: Array
    errors: Array
    white_ratio: float


def calibrate(photo: Picture, *, white_ratio: float = WHITE_RATIO, source: str = "") -> Calibration:
    """Fit a printer's profile to a photo (H,W,3) of its chart, RGB.

    `white_ratio` is what the bare paper reflects: a photo only tells the rest relative to it, and
    its colour is taken as neutral. Raises `UserError` where the chart cannot be found or read.
    """
    sense = "a share of light that paper can reflect, from 0.3 to 1"
    check(0.3 <= white_ratio <= 1, "white", expected=sense, got=white_ratio)
    found = find_chart(photo)
    reading = read_patches(photo, found)
    paint, seen = distinct(white_ratio * decoded(reading.colour) / reading.light)
    fitted = fit(paint, seen)
    errors = de2000(fitted.held_out, seen)
    gain, offset = scatter(decoded(fitted.held_out), decoded(seen))
    gain = np.sqrt(gain**2 + reading.residual**2 + WHITE_STD_RATIO**2)
    scattered = torch.from_numpy(gain).float(), torch.from_numpy(offset).float()
    profile = Profile(_table(fitted), source, float(errors.mean()), *scattered)
    return Calibration(profile, found, reading, fitted.name, paint, seen, errors, white_ratio)


def distinct(reflectance: Array) -> tuple[Array, Array]:
    """Return the file's distinct colours (M,3) and how each came out (M,3), both encoded."""
    bare, paint = bare_paper(), np.array(colours()) / 255
    white = reflectance[bare].mean(axis=0, keepdims=True)
    rows = np.concatenate([reflectance[~bare], white])
    return np.concatenate([paint[~bare], np.ones((1, 3))]), encoded(rows.clip(0, 1))


def scatter(said: Array, seen: Array) -> tuple[Array, Array]:
    """Split errors of linear rows (N,3) into those of a gain and of an offset: deviations (3,).

    The variance of gain R + offset is affine in R^2; a least-squares line gives both.
    """
    level, squared = said**2, (seen - said) ** 2
    spread = ((level - level.mean(axis=0)) ** 2).sum(axis=0)
    slope = ((level - level.mean(axis=0)) * squared).sum(axis=0) / spread
    slope = slope.clip(0)
    floor = (squared.mean(axis=0) - slope * level.mean(axis=0)).clip(0)
    return np.sqrt(slope), np.sqrt(floor)


def _table(fitted: Fit) -> torch.Tensor:
    axis = np.linspace(0, 1, NODES)
    nodes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    values = fitted.map(nodes).clip(0, 1).reshape(NODES, NODES, NODES, 3)
    return torch.from_numpy(values).float()
