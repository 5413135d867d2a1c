"""Anti-aliased sampling: the mean of a texture over each pixel's footprint, from sums over it.

Crow, "Summed-area tables for texture mapping", SIGGRAPH 1984: four reads give the sum over any
upright box, however large, so that a texture far away is neither jagged nor too soft.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import PlaneMap

WHOLE = (-1.0, -1.0, 1.0, 1.0)
LARGE = 2**14
"""How many texels a sum may have until single precision shows."""


@dataclass(frozen=True, eq=False)
class Texture:
    """A texture (C,h,w) as its summed-area table: `sums` (1,C,h+1,w+1).

    From large ones the `mean` (C,) is taken off before, so that sums stay small and exact. It
    covers `part` of the frame: left, top, right and bottom, -1 and 1 being the frame's edges.
    """

    sums: Tensor
    mean: Tensor | None
    part: tuple[float, float, float, float] = WHOLE

    @property
    def width(self) -> int:
        """Columns of the texture."""
        return self.sums.shape[-1] - 1

    @property
    def height(self) -> int:
        """Rows of the texture."""
        return self.sums.shape[-2] - 1


def texture(pixels: Tensor, part: tuple[float, float, float, float] = WHOLE) -> Texture:
    """Sum up a texture (1,C,h,w) that covers `part` of a frame; premultiply colour by cover."""
    mean = None
    if pixels.shape[2] * pixels.shape[3] > LARGE:
        mean = pixels.detach().mean(dim=(2, 3))
        pixels = pixels - mean[:, :, None, None]
    sums = pixels.double().cumsum(dim=2).cumsum(dim=3).float()
    return Texture(F.pad(sums, (1, 0, 1, 0)), None if mean is None else mean[0], part)


def places(plane: PlaneMap, points_px: Tensor, size_mm: tuple[float, float]) -> Tensor:
    """Return where on a frame of `size_mm` (h, w) pixels (1 or B,H,W,2) look: (B,H,W,2).

    The frame reaches from -1 to 1, x from left to right and y from top to bottom. In memory all x
    come before all y, which is quicker for everything that is done with them.
    """
    height, width = size_mm
    rows = [[2 / width, 0, -1], [0, 2 / height, -1], [0, 0, 1]]
    frame = plane.matrix.new_tensor(rows)
    back = frame @ torch.linalg.inv(plane.matrix)
    x, y = points_px.unbind(-1)
    flat = torch.stack([x, y, torch.ones_like(x)], dim=1).flatten(2)
    along = (back @ flat).transpose(0, 1)
    place: Tensor = along[:2] / along[2]
    return place.reshape(2, len(back), *points_px.shape[1:3]).permute(1, 2, 3, 0)


def footprints(place: Tensor, *, everywhere: bool) -> Tensor:
    """Return half the sides (x, y) of the pixels' upright footprints at places (B,H,W,2).

    `everywhere` for each pixel, (B,H,W,2), else for the window's middle, (B,1,1,2). The side is
    the root of the squares of the changes to the next column and row.
    """
    if not everywhere:
        y, x = (place.shape[1] - 1) // 2, (place.shape[2] - 1) // 2
        place = place[:, y : y + 2, x : x + 2]
    column, row = place.diff(dim=2), place.diff(dim=1)
    if not everywhere:
        return torch.hypot(column[:, :1], row[:, :, :1]) / 2
    column = torch.cat([column, column[:, :, -1:]], dim=2)
    row = torch.cat([row, row[:, -1:]], dim=1)
    return torch.hypot(column, row) / 2


def slant(place: Tensor) -> float:
    """Return how much larger than a pixel the upright box around it is, at worst, for (B,H,W,2).

    1 for signs that stand as the picture does, 2 for those turned by 45 degrees.
    """
    y, x = (place.shape[1] - 1) // 2, (place.shape[2] - 1) // 2
    corner = place[:, y : y + 2, x : x + 2]
    column, row = corner[:, 0, 1] - corner[:, 0, 0], corner[:, 1, 0] - corner[:, 0, 0]
    upright = (column.abs() + row.abs()).prod(dim=1)
    area = column[:, 0] * row[:, 1] - column[:, 1] * row[:, 0]
    return float((upright / area.abs()).max())


def sample(source: Texture, place: Tensor, half: Tensor) -> Tensor:
    """Return the mean (C,...) over the boxes of half sides (...,2) around places (...,2).

    Outside the texture, where x or y is beyond -1..1, everything is 0.
    """
    with torch.no_grad():
        if source.part != WHOLE:
            left, top, right, bottom = source.part
            side = place.new_tensor([right - left, bottom - top]) / 2
            place = (place - place.new_tensor([right + left, bottom + top]) / 2) / side
            half = half / side
        corners = _corners(place, half)
        whole = 4 * half.prod(dim=-1)
        per_sum = 4 / (whole * (source.width * source.height))
    # Two pictures, so that two cores share the reads: the upper corners and the lower ones.
    read = F.grid_sample(
        source.sums.expand(2, -1, -1, -1), corners, padding_mode="border", align_corners=True
    )[..., 0]
    below = read[1] - read[0]
    count = below.shape[1] // 2
    total = (below[:, count:] - below[:, :count]).reshape(-1, *place.shape[:-1])
    if source.mean is None:
        return total * per_sum
    sides = corners[1, count:, 0] - corners[0, :count, 0]
    inside = sides.prod(dim=-1).reshape(place.shape[:-1]) / whole
    return total * per_sum + source.mean.reshape(-1, *[1] * inside.ndim) * inside


def _corners(place: Tensor, half: Tensor) -> Tensor:
    """Return the boxes' corners (2,2N,1,2): upper left and right ones, lower left and right."""
    spread = torch.empty(2, 2, 2, *place.shape[:-1], dtype=place.dtype, device=place.device)
    for axis, (at, reach) in enumerate(zip(place.unbind(-1), half.unbind(-1), strict=True)):
        # By axis, lower or upper row, right or left column; x is set by the column, y by the row.
        ends = spread[axis] if axis == 1 else spread[axis].transpose(0, 1)
        ends[0] = torch.sub(at, reach).clamp_(-1, 1)
        ends[1] = torch.add(at, reach).clamp_(-1, 1)
    return spread.flatten(2).reshape(2, 2, -1, 1).permute(1, 2, 3, 0)
