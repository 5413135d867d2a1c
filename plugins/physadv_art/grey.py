"""Grey images, as MNIST's, where cameras, codecs and victims know RGB."""

from collections.abc import Callable

from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in encoded grey (ITU-R BT.601), as image libraries take them."""


def grey(images: Tensor) -> Tensor:
    """Return encoded RGB (B,3,H,W) as grey (B,1,H,W)."""
    weights = images.new_tensor(LUMA).reshape(1, 3, 1, 1)
    return (images * weights).sum(dim=1, keepdim=True)


def in_colour(change: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Return what a change of RGB images makes of images; grey ones pass as RGB, and stay grey."""
    if images.ndim != 4 or images.shape[1] != 1:
        return change(images)
    return grey(change(images.expand(-1, 3, -1, -1)))
