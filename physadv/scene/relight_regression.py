"""The light of a photo by robust least squares, pixel by pixel, on the sign's reflectance."""

import torch
from torch import Tensor

STEPS = 8
"""With each of the two weights."""
HUBER, TUKEY = 1.345, 4.685
"""Residuals beyond so many standard deviations count less with Huber's weights, and nothing with
Tukey's; both are 95 % efficient for normal ones (Holland & Welsch 1977)."""
MOST_VEIL = 1.5
"""The offset is at most this many times the gain: a veil of 60 % of the light."""
LEAST_SHARE = 0.02
"""What is light on less of the sign than this does not count as much as what is dark."""
CLIPPED = 0.98
MOST_CLIPPED = 0.05
DARK_RATIO = 0.25
"""A channel tells its offset if something on the sign reflects less than this against white."""
LEAST_LIGHT = 1e-4

Fit = tuple[Tensor, Tensor]


def by_regression(seen: Tensor, standard: Tensor) -> Fit:
    """Return gain and offset, each (3,), of light `seen` (N,3) on reflectances `standard` (N,3).

    For each channel seen = gain x standard + offset with gain > 0 and 0 <= offset <= 1.5 gain, by
    iteratively reweighted least squares (Holland & Welsch, "Robust regression using iteratively
    reweighted least-squares", 1977): Huber's weights, then Tukey's, to which dirt and blurred
    edges are nothing; the scale is the median absolute residual. What is dark and what is light
    on the sign count alike: the field would outvote the legend. A channel that is clipped, or has
    nothing dark on the sign, says little of its offset: it takes the others' mean ratio to the
    gain.
    """
    y, x = seen.T.contiguous(), standard.T.contiguous()
    base, none = _balanced(x), torch.zeros(3)
    gain, offset = _robust(y, x, base, (none, none + MOST_VEIL))
    clipped = (y >= CLIPPED).float().mean(dim=1) > MOST_CLIPPED
    poor = clipped | (x.quantile(0.05, dim=1) > DARK_RATIO * x.amax(dim=1))
    if not poor.any():
        return gain, offset
    told = none if poor.all() else (offset / gain)[~poor].mean().expand(3)
    ratio = torch.where(poor, told, offset / gain)
    return _robust(y, x, base, (ratio, ratio))


def _balanced(x: Tensor) -> Tensor:
    """Return weights (3,N) that sum to 1, half of it above the middle of each row's range."""
    high = x > (x.amin(dim=1, keepdim=True) + x.amax(dim=1, keepdim=True)) / 2
    share = high.float().mean(dim=1, keepdim=True)
    weight = torch.where(high, 1 / share.clamp_min(LEAST_SHARE), 1 / (1 - share))
    return weight / weight.sum(dim=1, keepdim=True)


def _robust(y: Tensor, x: Tensor, base: Tensor, ratios: Fit) -> Fit:
    """Fit y (3,N) to x (3,N), with offset / gain between the two `ratios` (3,)."""
    gain, offset = _fit(y, x, base, ratios)
    for weigh in (_huber,) * STEPS + (_tukey,) * STEPS:
        off = (y - x * gain[:, None] - offset[:, None]).abs().clamp_min(1e-9)
        scale = 1.4826 * _median(off, base).clamp_min(LEAST_LIGHT)
        gain, offset = _fit(y, x, base * weigh(off / scale), ratios)
    return gain, offset


def _huber(off: Tensor) -> Tensor:
    return (HUBER / off).clamp_max(1)


def _tukey(off: Tensor) -> Tensor:
    return (1 - (off / TUKEY) ** 2).clamp_min(0) ** 2


def _median(values: Tensor, weight: Tensor) -> Tensor:
    """Return the medians (3,1) of values (3,N) whose weights sum to 1."""
    ordered, order = values.sort(dim=1)
    below = weight.gather(1, order).cumsum(dim=1) < 0.5
    return ordered.gather(1, below.sum(dim=1, keepdim=True).clamp_max(values.shape[1] - 1))


def _fit(y: Tensor, x: Tensor, weight: Tensor, ratios: Fit) -> Fit:
    """Solve the weighted problem: free where that fits, else on the better of the two bounds."""
    whole = weight.sum(dim=1).clamp_min(1e-9)
    x_mean, y_mean = (weight * x).sum(dim=1) / whole, (weight * y).sum(dim=1) / whole
    away = x - x_mean[:, None]
    spread = (weight * away**2).sum(dim=1).clamp_min(1e-12)
    gain = (weight * away * (y - y_mean[:, None])).sum(dim=1) / spread
    offset, (low, high) = y_mean - gain * x_mean, ratios
    free = (gain > LEAST_LIGHT) & (offset >= low * gain) & (offset <= high * gain)
    bounds = torch.stack(ratios)
    lifted = x + bounds[:, :, None]
    gains = (weight * y * lifted).sum(dim=2) / (weight * lifted**2).sum(dim=2).clamp_min(1e-12)
    gains = gains.clamp_min(LEAST_LIGHT)
    loss = (weight * (y - gains[:, :, None] * lifted) ** 2).sum(dim=2)
    best = loss.argmin(dim=0, keepdim=True)
    bound, at = gains.gather(0, best)[0], bounds.gather(0, best)[0]
    return torch.where(free, gain, bound), torch.where(free, offset, bound * at)
