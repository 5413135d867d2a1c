"""How alike images look: the structural similarity index."""

from kornia.metrics import ssim as ssim_map
from torch import Tensor

WINDOW_PX = 11
"""Side of the window of Wang et al. 2004, Gaussian with a standard deviation of 1.5 px."""


def ssim(one: Tensor, other: Tensor) -> Tensor:
    """Return the mean structural similarity (B,) of images (B,C,H,W) in [0,1]; differentiable.

    Wang, Bovik, Sheikh & Simoncelli 2004: windows that lie inside, all channels alike; as
    scikit-image with `gaussian_weights` and `use_sample_covariance=False`. The window is smaller
    where an image has fewer than 11 rows or columns. In the images' own type: take float64 to
    compare with a bound.
    """
    shortest = min(one.shape[-2:])
    window = min(WINDOW_PX, shortest - 1 + shortest % 2)
    found: Tensor = ssim_map(one, other, window, padding="valid")
    return found.flatten(1).mean(dim=1)
