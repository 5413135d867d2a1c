"""Free pixels: colours on a grid of cells inside the stickers' contours."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Encoded, Ink
from physadv.patch.controls import controls
from physadv.patch.mask import Mask

USED_PX = 512
LEAST = 0.01


@dataclass(frozen=True)
class Pixels:
    """A colour for each cell of `cell_mm`; between cell centres colour runs linearly.

    theta is (3, rows, columns) of encoded colour in [0,1] over the whole frame; only cells near
    a contour's inside show.
    """

    mask: Mask
    cell_mm: float = 12.5

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of theta."""
        height, width = self.mask.size_mm
        return 3, max(2, round(height / self.cell_mm)), max(2, round(width / self.cell_mm))

    def start(self, rng: torch.Generator) -> Tensor:
        """Return a first theta: greys and colours near the middle."""
        return 0.5 + 0.1 * torch.randn(self.shape, generator=rng).clamp(-2, 2)

    def project(self, theta: Tensor) -> Tensor:
        """Return the nearest theta that can be printed."""
        return theta.clamp(0, 1)

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink over the frame at `width_px` columns."""
        cover = self.mask.cover(width_px)
        size = (cover.shape[-2], cover.shape[-1])
        colour = F.interpolate(theta[None], size, mode="bilinear", align_corners=False)
        return Ink(Encoded(colour), cover)

    def used(self) -> Tensor:
        """Return which cells show, (rows, columns) bool: those that any covered point draws on."""
        _, rows, columns = self.shape
        cover = self.mask.cover(USED_PX)
        size = (cover.shape[-2], cover.shape[-1])
        with torch.enable_grad():
            cells = torch.zeros(1, 1, rows, columns, requires_grad=True)
            seen = F.interpolate(cells, size, mode="bilinear", align_corners=False) * cover
            (weight,) = torch.autograd.grad(seen.sum(), cells)
        return weight[0, 0] > 0

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt ink that is nearly all at its limits."""
        inside = theta[:, self.used()]
        saturated = float(((inside < LEAST) | (inside > 1 - LEAST)).float().mean())
        return (f"{100 * saturated:.0f} % of the ink is at its limits",) if saturated > 0.95 else ()

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return stickers of the same place and size that a fair attack must beat."""
        return controls(theta, self.used(), rng)
