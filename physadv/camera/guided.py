"""The guided filter: smooths what is flat and keeps edges, at one cost for any radius."""

import torch
from torch import Tensor


def box_mean(image: Tensor, radius: int) -> Tensor:
    """Return the mean of image (B,C,H,W) over squares of 2 * radius + 1; less at the edges."""
    height, width = image.shape[-2:]
    return _mean(height, radius, image) @ image @ _mean(width, radius, image).T


def _mean(length: int, radius: int, like: Tensor) -> Tensor:
    """Return the matrix (length, length) of a running mean: a product beats pooling both ways."""
    place = torch.arange(length)
    near = ((place[:, None] - place).abs() <= radius).to(like.dtype)
    return near / near.sum(dim=1, keepdim=True)


def guided(image: Tensor, radius: int, flat: float) -> Tensor:
    """Smooth each channel of image (B,C,H,W), guided by itself.

    Where the variance is far below `flat` ** 2 it becomes the mean, where it is far above it
    stays (He, Sun & Tang, Guided Image Filtering, PAMI 2013, equations 5, 6 and 8).
    """
    mean = box_mean(image, radius)
    variance = (box_mean(image**2, radius) - mean**2).clamp_min(0)
    keep = variance / (variance + flat**2)
    return box_mean(keep, radius) * image + box_mean((1 - keep) * mean, radius)
