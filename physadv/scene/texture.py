"""Anti-aliased sampling: a mip pyramid laid out in one atlas, read trilinearly.

Williams, "Pyramidal parametrics", SIGGRAPH 1983: each level is the box mean of the one above;
the level follows from how many texels a pixel covers, and two levels are blended.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import PlaneMap
from physadv.core.pixels import pixel_grid

GAP = 2
LEVEL_BIAS = -0.7
"""Chosen so that the mean error against an 8 x 8 supersampled pixel is least (tests/law)."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Levels of N textures side by side: `pixels` (N,C,H,W), `offsets` (L,2) and `sizes` (L,2).

    Offsets and sizes are (x, y) and (w, h) in texels; around each level lies an empty gap.
    `width` is the texture's own, before it was padded to a multiple of the coarsest texel.
    """

    pixels: Tensor
    offsets: Tensor
    sizes: Tensor
    width: int


def atlas(texture: Tensor, levels: int | None = None) -> Atlas:
    """Build the pyramid of textures (N,C,h,w); premultiply colour by cover before.

    Without `levels` the coarsest is at most 32 texels wide, so that no sign is too far away.
    """
    levels = levels or max(5, math.ceil(math.log2(texture.shape[-1] / 32)) + 1)
    step = 2 ** (levels - 1)
    height, width = texture.shape[-2:]
    level = F.pad(texture, (0, -width % step, 0, -height % step))
    stack, sizes, offsets, y = [], [], [], GAP
    for index in range(levels):
        level = F.avg_pool2d(level, 2) if index else level
        sizes.append((level.shape[-1], level.shape[-2]))
        offsets.append((GAP, GAP) if index == 0 else (sizes[0][0] + 2 * GAP, y))
        y += level.shape[-2] + GAP if index else 0
        stack.append(level)
    column = torch.cat([_padded(level, sizes[1][0]) for level in stack[1:]], dim=2)
    first = F.pad(stack[0], (GAP, GAP, GAP, GAP))
    column = F.pad(column, (0, GAP, GAP, 0))
    tall = max(first.shape[2], column.shape[2])
    parts = [F.pad(part, (0, 0, 0, tall - part.shape[2])) for part in (first, column)]
    return Atlas(torch.cat(parts, dim=3), torch.tensor(offsets), torch.tensor(sizes), width)


def _padded(level: Tensor, width: int) -> Tensor:
    return F.pad(level, (0, width - level.shape[-1], 0, GAP))


def sample(source: Atlas, texels: Tensor, level: Tensor) -> Tensor:
    """Read one texture at texel coordinates (B,H,W,2) of level 0, at levels (B,): (B,C,H,W).

    Outside the texture everything is 0.
    """
    top = len(source.sizes) - 1
    level = level.clamp(0, top)
    lower = level.floor()
    share = (level - lower)[:, None, None, None]
    near = _read(source, texels, lower.long())
    far = _read(source, texels, (lower.long() + 1).clamp(max=top))
    return near + share * (far - near)


def _read(source: Atlas, texels: Tensor, level: Tensor) -> Tensor:
    scaled = texels / 2.0 ** level[:, None, None, None]
    size, offset = source.sizes[level][:, None, None], source.offsets[level][:, None, None]
    inside = torch.minimum(scaled.clamp(min=-1.0), size + 1.0)
    extent = torch.tensor([source.pixels.shape[-1], source.pixels.shape[-2]])
    places = (inside + offset) / extent * 2 - 1
    return _gather(source.pixels, places)


def _gather(pixels: Tensor, places: Tensor) -> Tensor:
    """Sample one texture at many places; the batch is stacked in at most two tall pictures."""
    batch, height, width = places.shape[:3]
    halves = 2 if batch % 2 == 0 else 1
    tall = places.reshape(halves, batch // halves * height, width, 2)
    read = F.grid_sample(pixels.expand(halves, -1, -1, -1), tall, align_corners=False)
    apart = read.reshape(halves, -1, batch // halves, height, width)
    return apart.transpose(1, 2).reshape(batch, -1, height, width)


def look_up(plane: PlaneMap, size: tuple[int, int], texel_mm: float) -> tuple[Tensor, Tensor]:
    """Return texel coordinates (B,H,W,2) and the pyramid level (B,) for windows of `size`.

    The level is taken from the map's Jacobian at the plane's point in the window's middle.
    """
    height, width = size
    scale = torch.tensor([1 / texel_mm, 1 / texel_mm, 1.0])
    back = scale[:, None] * torch.linalg.inv(plane.matrix)
    texels = PlaneMap(back)(pixel_grid(height, width).reshape(-1, 2))
    middle = torch.tensor([[width / 2, height / 2], [width / 2 + 1, height / 2]])
    x, y = PlaneMap(back)(torch.cat([middle, middle[:1] + torch.tensor([[0.0, 1.0]])])).unbind(-1)
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    level = torch.log2(area.abs()) / 2 + LEVEL_BIAS
    return texels.reshape(-1, height, width, 2), level
