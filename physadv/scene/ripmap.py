"""A texture that no search changes, averaged beforehand: one read a pixel instead of four.

A rip-map holds a texture averaged over footprints of many widths and, apart from those, heights
(McReynolds and Blythe, "Advanced graphics programming using OpenGL", 2005, 14.6.2): a sign that is
turned away needs narrow ones. As an average is taken over x and then over y, it is two products of
matrices.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core.device import kept

STEPS = 2
"""Widths an octave."""
READS = 4
"""Places a width is read at, at most; they never lie closer than texels."""
WIDEST = 0.5
"""The widest footprint, as a share of the frame: more than a sign of a few pixels needs."""
GUTTER = 2


@dataclass(frozen=True, eq=False)
class Side:
    """The widths along one side: `weights` (P,n) average its n texels to the P places of all.

    For each width a place u in -1..1 of the frame is `scale` u + `offset` in -1..1 of the atlas,
    kept between `low` and `high`, which show nothing; all (widths,).
    """

    weights: Tensor
    scale: Tensor
    offset: Tensor
    low: Tensor
    high: Tensor


@dataclass(frozen=True, eq=False)
class Ripmap:
    """All averages of a texture in one `atlas` (1,C,P,Q), by widths along `x` and along `y`."""

    atlas: Tensor
    x: Side
    y: Side


def ripmap(pixels: Tensor) -> Ripmap:
    """Average a texture (1,C,h,w) over footprints of all sizes; beyond its edges it is 0."""
    y, x = (_side(length) for length in pixels.shape[-2:])
    return Ripmap((y.weights @ pixels @ x.weights.T).contiguous(), x, y)


def read(source: Ripmap, place: Tensor, half: Tensor) -> Tensor:
    """Return the means (C,B,H,W) over footprints around places (B,H,W,2).

    `half` (B,1,1,2) are half their sides, one size for each picture; the nearest of those that
    were averaged is taken.
    """
    chosen = [
        _chosen(side, 2 * half[:, 0, 0, axis]) for axis, side in enumerate((source.x, source.y))
    ]
    scale, offset, low, high = torch.stack(chosen, dim=-1)[:, :, None, None]
    grid = (place * scale).add_(offset).clamp_(low, high)
    batch, height, width, _ = grid.shape
    # Two pictures, so that two cores share the reads.
    halves = grid.reshape(2, -1, width, 2) if batch * height % 2 == 0 else grid.flatten(0, 1)[None]
    atlas = source.atlas.expand(len(halves), -1, -1, -1)
    found = F.grid_sample(atlas, halves, align_corners=False)
    return found.transpose(0, 1).reshape(-1, batch, height, width)


def _chosen(side: Side, width: Tensor) -> Tensor:
    """Return scale, offset, low and high (4,B) for footprints of a width (B,), 2 the frame's."""
    texels = width / 2 * side.weights.shape[1]
    index = (torch.log2(texels) * STEPS).round().long().clamp(0, len(side.scale) - 1)
    return torch.stack([side.scale, side.offset, side.low, side.high])[:, index]


@kept
def _side(length: int) -> Side:
    """Lay out the widths of a side of `length` texels, one after the other."""
    count = math.floor(math.log2(max(1.0, WIDEST * length)) * STEPS) + 1
    parts = [_width(2 ** (k / STEPS), length) for k in range(count)]
    sizes = [len(weights) for weights, _, _ in parts]
    places, at = sum(sizes), [sum(sizes[:k]) for k in range(count)]
    scale = torch.tensor([length / 2 / pitch for _, pitch, _ in parts])
    start = torch.tensor([first + beyond for first, (_, _, beyond) in zip(at, parts, strict=True)])
    low, size = torch.tensor(at) + 0.5, torch.tensor(sizes)
    ends = [(value * 2 / places - 1).float() for value in (scale + start, low, low + size - 1)]
    return Side(torch.cat([weights for weights, _, _ in parts]), scale * 2 / places, *ends)


def _width(texels: float, length: int) -> tuple[Tensor, float, int]:
    """Return the weights (places, length) for one width, their pitch, and how many lie outside.

    Reading between places blurs by its own share; the box is narrower by as much, in variance.
    """
    count = min(length, math.ceil(length * READS / texels))
    pitch = length / count
    box = math.sqrt(max(texels**2 - 2 * pitch**2, 1e-2))
    beyond = GUTTER + math.ceil(box / 2 / pitch)
    middle = (torch.arange(-beyond, count + beyond) + 0.5)[:, None] * pitch
    texel = torch.arange(length)
    right = torch.minimum(middle + box / 2, texel + 1)
    left = torch.maximum(middle - box / 2, texel)
    return (right - left).clamp_min(0) / box, pitch, beyond
