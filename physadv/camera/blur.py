"""Blur kernels (B,k,k): how a point of light spreads, and how kernels are joined and applied."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from physadv.core import Linear


def offsets(half: int) -> tuple[Tensor, Tensor]:
    """Return the x and y distances from a kernel's middle, each (2*half+1, 2*half+1)."""
    line = torch.arange(-half, half + 1).float()
    y, x = torch.meshgrid(line, line, indexing="ij")
    return x, y


def normalised(kernel: Tensor) -> Tensor:
    """Scale kernels (B,k,k) so that they keep energy."""
    return kernel / kernel.sum(dim=(1, 2), keepdim=True)


def spread(kernel: Tensor) -> Tensor:
    """Return the variance of kernels (B,k,k) along x and y together, (B,), in square pixels."""
    x, y = offsets(kernel.shape[-1] // 2)
    return (kernel * (x**2 + y**2)).sum(dim=(1, 2))


def between(narrow: Tensor, wide: Tensor, variance: Tensor) -> Tensor:
    """Mix kernels (B,k,k) so that their variance comes as near to (B,) as they allow.

    Pixels are coarse: a kernel laid on them is wider or narrower than the blur it stands for.
    """
    low, high = spread(narrow), spread(wide)
    share = ((variance - low) / (high - low).clamp_min(1e-9)).clamp(0, 1)
    return torch.lerp(narrow, wide, share[:, None, None])


def join(first: Tensor, second: Tensor) -> Tensor:
    """Convolve two sets of kernels (B,k,k) and (B,m,m) into one (B,k+m-1,k+m-1)."""
    batch, side = len(first), second.shape[-1]
    return F.conv2d(first[None], second.flip(1, 2)[:, None], padding=side - 1, groups=batch)[0]


def convolve(light: Linear, kernel: Tensor) -> Linear:
    """Blur light (B,3,H,W) with its row's kernel (B,k,k); edges are replicated."""
    return Linear(_Convolved.apply(light, kernel.to(light)))


class _Convolved(torch.autograd.Function):
    """Correlation forwards, with the mirrored kernel backwards: quicker than the general one."""

    @staticmethod
    def forward(ctx: Any, light: Tensor, kernel: Tensor) -> Tensor:
        """Return the blurred light."""
        ctx.save_for_backward(kernel)
        half = kernel.shape[-1] // 2
        padded = F.pad(light, (half, half, half, half), mode="replicate")
        return _correlated(padded, kernel.flip(1, 2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        """Return the gradient to the light: what the padding got goes to the edge's pixels."""
        (kernel,) = ctx.saved_tensors
        half = kernel.shape[-1] // 2
        reach = 2 * half
        wide = _correlated(F.pad(slope, (reach, reach, reach, reach)), kernel)
        for side in (2, 3):
            count = wide.shape[side] - reach
            first, own, last = wide.split([half, count, half], dim=side)
            own.narrow(side, 0, 1).add_(first.sum(dim=side, keepdim=True))
            own.narrow(side, count - 1, 1).add_(last.sum(dim=side, keepdim=True))
            wide = own
        return wide, None


def _correlated(image: Tensor, kernel: Tensor) -> Tensor:
    """Correlate pictures (B,C,H,W) with their row's kernel (B,k,k), where it lies inside."""
    batch, channels, height, width = image.shape
    weight = kernel.repeat_interleave(channels, dim=0)[:, None]
    stacked = image.reshape(1, batch * channels, height, width)
    found = F.conv2d(stacked, weight, groups=batch * channels)
    return found.reshape(batch, channels, *found.shape[2:])
