"""Random patches for what learns to find them: rectangles on crops, of noise or of other crops."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.training.gtsrb_data import SIDE

ASPECT = 3.0
"""How many times as long as high a rectangle is at most, or as high as long."""
GRIDS = (1, 2, 4, 10, 20)
"""Colours along each side of a patch of noise."""


def masks(
    boxes_px: Tensor, area_ratio: tuple[float, float], pieces: int, rng: torch.Generator
) -> Tensor:
    """Return 1 (B,1,SIDE,SIDE) in up to so many rectangles on each box (B,4), 0 elsewhere.

    Together they have a share of the box drawn evenly, unless they overlap or lie across its edge.
    """
    low, high = area_ratio
    n, (left, top, right, bottom) = len(boxes_px), boxes_px.T
    count = torch.randint(1, pieces + 1, (n, 1), generator=rng)
    share = low + (high - low) * torch.rand(n, 1, generator=rng)
    area = share * ((right - left) * (bottom - top))[:, None] / count
    turned = ASPECT ** torch.empty(n, pieces).uniform_(-0.5, 0.5, generator=rng)
    half_x, half_y = (area * turned).sqrt() / 2, (area / turned).sqrt() / 2
    at = torch.rand(2, n, pieces, generator=rng)
    x = left[:, None] + half_x + at[0] * (right - left - 2 * half_x.T).T
    y = top[:, None] + half_y + at[1] * (bottom - top - 2 * half_y.T).T
    pixel = torch.arange(SIDE) + 0.5
    columns = (pixel - x[..., None]).abs() <= half_x[..., None]
    rows = (pixel - y[..., None]).abs() <= half_y[..., None]
    there = (torch.arange(pieces) < count)[..., None, None]
    inside = rows[..., :, None] & columns[..., None, :] & there
    made: Tensor = inside.any(dim=1, keepdim=True).float()
    return made


def content(pixels: Tensor, cells: int, rng: torch.Generator) -> Tensor:
    """Return what is on patches for crops (B,3,SIDE,SIDE), bytes: colours (B,3,cells,cells).

    Uniform noise on a grid of 1 to 20 cells a side, or a cutting of another of the crops.
    """
    return torch.stack([_one(pixels, cells, rng) for _ in range(len(pixels))])


def _one(pixels: Tensor, cells: int, rng: torch.Generator) -> Tensor:
    def drawn(most: int) -> int:
        return int(torch.randint(most, (), generator=rng))

    if drawn(2):
        grid = GRIDS[drawn(len(GRIDS))]
        return interpolate(torch.rand(1, 3, grid, grid, generator=rng), (cells, cells))[0]
    side = SIDE // 4 + drawn(SIDE // 2)
    y, x = drawn(SIDE - side + 1), drawn(SIDE - side + 1)
    cut = pixels[drawn(len(pixels))][None, :, y : y + side, x : x + side].float() / 255
    return interpolate(cut, (cells, cells), mode="bilinear", antialias=True)[0].clamp(0, 1)
