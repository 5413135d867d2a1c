"""Text-like stickers: letters that the search moves, sizes, turns and shades."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Ink, check
from physadv.core.device import here
from physadv.patch.mask import Mask
from physadv.patch.shapes import laid, points_mm, traced

NUMBERS = 5
"""Of each letter: middle x and y, height, turn, grey."""
RASTER_PX = 192
FINER = 4
"""How many times finer letters are drawn than their distances are kept."""
ROOM = 2.0
"""The raster's side in letter heights: distances are known that far around a letter."""
TURN_RAD = 0.8
TRACED_PX = 1024
BLANK = 0.98
SHIFT = 6
"""Bits after the point of OpenCV's drawing."""


@dataclass(frozen=True)
class Glyphs:
    """The letters of `text`, each from `min_mm` to `most_mm` high, within `reach_mm` of the middle.

    theta (letters,5) is in [0,1]. Letters are those of DejaVu Sans Bold, which comes with
    matplotlib, their holes filled, so that each is cut out in one go; they stand upright or lean by
    up to 46 degrees.
    """

    size_mm: tuple[float, float]
    reach_mm: float
    text: str = "LOVE"
    min_mm: float = 80.0
    most_mm: float = 250.0

    def __post_init__(self) -> None:
        """Refuse text without letters, and letters larger than their place."""
        check(bool(self.text.strip()), "text", expected="at least one letter", got=repr(self.text))
        check(" " not in self.text, "text", expected="letters without spaces", got=repr(self.text))
        fits = 0 < self.min_mm < self.most_mm < self.reach_mm
        wanted = f"0 < min_mm < most_mm < {self.reach_mm:g}"
        check(fits, "most_mm", expected=wanted, got=(self.min_mm, self.most_mm))

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of theta."""
        return len(self.text), NUMBERS

    def start(self, rng: torch.Generator) -> Tensor:
        """Return letters anywhere."""
        return self.project(torch.rand(self.shape, generator=rng))

    def project(self, theta: Tensor) -> Tensor:
        """Return letters like these that lie in their place."""
        theta = theta.clamp(0, 1)
        middle, height = self._middles(theta), self._heights(theta)[:, None]
        most = (self.reach_mm - height * ROOM / 2).clamp_min(0)
        away = middle.norm(dim=1, keepdim=True)
        place = middle * most / away.clamp_min(1e-6) / (2 * self.reach_mm) + 0.5
        inside = torch.where(away > most + 0.01, place, theta[:, :2])
        return torch.cat([inside, theta[:, 2:]], dim=1)

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink over the frame at `width_px` columns, differentiable in all numbers."""
        frame = here(torch.tensor([self.size_mm[1] / 2, self.size_mm[0] / 2]))
        apart = points_mm(self.size_mm, width_px) - (frame + self._middles(theta))[:, None, None]
        turn = (theta[:, 3] - 0.5)[:, None, None] * 2 * TURN_RAD
        x = apart[..., 0] * turn.cos() + apart[..., 1] * turn.sin()
        y = apart[..., 1] * turn.cos() - apart[..., 0] * turn.sin()
        height = self._heights(theta)[:, None, None]
        grid = torch.stack([x, y], dim=-1) / (height[..., None] * ROOM / 2)
        known = here(torch.stack([_inside(letter) for letter in self.text]))[:, None]
        inside = F.grid_sample(known, grid, padding_mode="border", align_corners=False)[:, 0]
        return laid(inside * height, theta[:, 4:].expand(-1, 3))

    def cut(self, theta: Tensor) -> Mask:
        """Return the contours of what is printed."""
        return traced(self.touch(theta, TRACED_PX).cover, self.size_mm)

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt letters that are all white."""
        white = bool((theta[:, 4] > BLANK).all())
        return ("all letters are white: they only hide the sign",) if white else ()

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return letters that a fair attack must beat.

        blank and mean colour are the same letters white and in their mean grey; shuffled are the
        letters in each other's places, random place anywhere, of the same sizes and greys.
        """
        order = torch.randperm(len(self.text), generator=rng)
        white, mean, elsewhere = theta.clone(), theta.clone(), theta.clone()
        white[:, 4], mean[:, 4] = 1.0, theta[:, 4].mean()
        elsewhere[:, :2] = torch.rand(len(self.text), 2, generator=rng)
        elsewhere[:, 3] = torch.rand(len(self.text), generator=rng)
        return {
            "blank": white,
            "mean colour": mean,
            "shuffled": theta[order],
            "random place": self.project(elsewhere),
        }

    def _middles(self, theta: Tensor) -> Tensor:
        """Return the letters' middles (k,2) from the frame's, in mm."""
        return (theta[:, :2] - 0.5) * 2 * self.reach_mm

    def _heights(self, theta: Tensor) -> Tensor:
        return self.min_mm + theta[:, 2] * (self.most_mm - self.min_mm)


@lru_cache(maxsize=128)
def _inside(letter: str) -> Tensor:
    """Return how far inside a letter's edge places are, in its height; middle in the middle."""
    from matplotlib.font_manager import FontProperties  # here, as it takes half a second to load
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", weight="bold")
    path = TextPath((0, 0), letter, size=1, prop=font)
    rings = [np.asarray(ring) for ring in path.to_polygons(closed_only=True)]
    corners, side = np.concatenate(rings), RASTER_PX * FINER
    low, high = corners.min(axis=0), corners.max(axis=0)
    scale = side / ROOM / max(high - low)
    marked = np.zeros((side, side), dtype=np.uint8)
    pixels = [(ring - (low + high) / 2) * [scale, -scale] + side / 2 - 0.5 for ring in rings]
    for ring in pixels:  # one by one, or what rings enclose would be left out
        cv2.fillPoly(marked, [np.round(ring * 2**SHIFT).astype(np.int32)], 1, shift=SHIFT)
    within, beyond = (
        cv2.distanceTransform(part, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for part in (marked, 1 - marked)
    )
    whole = torch.from_numpy((within - beyond) / (side / ROOM)).float()
    return F.avg_pool2d(whole[None], FINER)[0]
