"""Pixel centres."""

import torch
from torch import Tensor


def pixel_grid(height: int, width: int) -> Tensor:
    """Return the pixel centres (H,W,2) as (x, y); centres lie at .5."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([x, y], dim=-1)
