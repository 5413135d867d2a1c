"""Camouflage: stickers that look like the sign, within a bound on the difference of colours."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor

from physadv.core import Encoded, Face, Ink, check, encode
from physadv.core.device import here
from physadv.patch.controls import rephased, shuffled
from physadv.patch.mask import Mask
from physadv.patch.pixels import Pixels

CELL_PX = 4
"""How many pixels a side of a cell are looked at for the bound."""
HALVINGS = 12


@dataclass(frozen=True, eq=False)
class Camouflage:
    """A change of the face's colour for each cell; nowhere more than `most_de2000` from the face.

    theta (3,rows,columns) is added to the face's encoded colour, the same all over a cell; the
    difference is CIEDE2000 (Sharma, Wu & Dalal 2005) in sRGB and D65, before it is printed.
    """

    mask: Mask
    face: Face
    most_de2000: float = 10.0
    cell_mm: float = 12.5

    def __post_init__(self) -> None:
        """Refuse a bound of nothing."""
        got = self.most_de2000
        check(got > 0, "most_de2000", expected="a difference of colours above 0", got=got)

    @cached_property
    def _grid(self) -> Pixels:
        return Pixels(self.mask, self.cell_mm)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of theta."""
        return self._grid.shape

    def start(self, rng: torch.Generator) -> Tensor:
        """Return a first theta: a little of any colour."""
        return self.project(0.05 * torch.randn(self.shape, generator=rng))

    def project(self, theta: Tensor) -> Tensor:
        """Return each cell's change, scaled down where it would show too much."""
        theta = theta.clamp(-1, 1)
        within = self._worst(theta) <= self.most_de2000
        if bool(within.all()):
            return theta
        low, high = torch.zeros(self.shape[1:]), torch.ones(self.shape[1:])
        for _ in range(HALVINGS):
            share = (low + high) / 2
            fits = self._worst(theta * share) <= self.most_de2000
            low, high = torch.where(fits, share, low), torch.where(fits, high, share)
        return theta * torch.where(within, 1.0, low)

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink over the frame at `width_px` columns."""
        cover = self.mask.cover(width_px)
        size = (cover.shape[-2], cover.shape[-1])
        change = F.interpolate(theta[None], size, mode="nearest")
        return Ink(Encoded((here(self._base(size)) + change).clamp(0, 1)), cover)

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Say nothing: cells at the bound are what is wanted."""
        return () if theta.isfinite().all() else ("theta is not finite",)

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return stickers as like the face that a fair attack must beat.

        mean colour is the same change in all cells, random noise any changes as large as the bound
        allows; shuffled and spectrum-matched are as for `Pixels`.
        """
        used = self._grid.used()
        mean = theta[:, used].mean(dim=1)[:, None, None].expand_as(theta)
        drawn = {
            "mean colour": mean.clone(),
            "random noise": 2 * torch.rand(self.shape, generator=rng) - 1,
            "shuffled": shuffled(theta, used, rng),
            "spectrum-matched": rephased(theta, used, rng),
        }
        return {name: self.project(value) for name, value in drawn.items()}

    def _base(self, size: tuple[int, int]) -> Tensor:
        """Return the face's encoded colours (1,3,h,w)."""
        return encode(F.interpolate(self.face.texture, size, mode="area"))  # type: ignore[arg-type]  # light stays light

    def _worst(self, theta: Tensor) -> Tensor:
        """Return the largest difference in each cell (rows,columns), of any pixel looked at."""
        _, rows, columns = self.shape
        bare, bare_lab = self._looked_at
        change = theta.repeat_interleave(CELL_PX, 1).repeat_interleave(CELL_PX, 2)
        apart = deltaE_ciede2000(bare_lab, _lab(bare + change))  # type: ignore[no-untyped-call]  # scikit-image has no types
        blocks = np.asarray(apart).reshape(rows, CELL_PX, columns, CELL_PX)
        return torch.from_numpy(blocks.max(axis=(1, 3))).float()

    @cached_property
    def _looked_at(self) -> tuple[Tensor, NDArray[np.float64]]:
        """The face (3,h,w) where it is looked at, encoded, and as CIELAB (h,w,3)."""
        _, rows, columns = self.shape
        bare = self._base((rows * CELL_PX, columns * CELL_PX))[0]
        return bare, _lab(bare)


def _lab(colour: Tensor) -> NDArray[np.float64]:
    """Return encoded colours (3,h,w) as CIELAB (h,w,3)."""
    seen = colour.clamp(0, 1).permute(1, 2, 0).numpy().astype(np.float64)
    return np.asarray(rgb2lab(seen))
