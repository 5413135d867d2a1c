"""Balls of the norms inf, 2, 1 and 0, cut by a box: projection, steps, least and random points."""

from math import inf, isfinite, sqrt

import torch
from torch import Tensor

from physadv.core import check

NORMS = (inf, 2.0, 1.0, 0.0)
SPARSE = 0.01
"""An L1 step is spread over this share of coordinates (Tramèr & Boneh 2019, SLIDE, q = 99 %)."""


def check_norm(norm: float, known: tuple[float, ...] = NORMS) -> None:
    """Raise `UserError` unless the norm is one of those known."""
    *others, last = (f"{one:g}" for one in known)
    check(norm in known, "norm", expected=f"{', '.join(others)} or {last}", got=norm)


def check_rate(rate: float | None) -> None:
    """Raise `UserError` unless a step's norm is a finite number above 0, or None."""
    good = rate is None or (isfinite(rate) and rate > 0)
    check(good, "rate", expected="a number above 0", got=rate)


def check_ball(norm: float, eps: float, known: tuple[float, ...] = NORMS) -> None:
    """Raise `UserError` unless the norm is known and `eps` is a radius of it."""
    check_norm(norm, known)
    check(isfinite(eps) and eps >= 0, "eps", expected="a number from 0 on", got=eps)
    whole, fix = norm != 0 or eps == int(eps), "with the norm 0 eps counts the pixels"
    check(whole, "eps", expected="a whole number of pixels", got=eps, fix=fix)


def largest(images: Tensor, norm: float) -> float:
    """Return the largest norm that a change of images (B,...) in [0,1] can have."""
    length = images[0].numel()
    return {inf: 1.0, 2.0: sqrt(length), 1.0: float(length)}.get(norm, _pixels(images).shape[2])


def size(change: Tensor, norm: float) -> Tensor:
    """Return the norms (B,) of changes (B,...); with 0 the pixels changed in any channel."""
    if norm == 0:
        return (_pixels(change) != 0).any(dim=1).sum(dim=1).to(change.dtype)
    norms: Tensor = torch.linalg.vector_norm(change.flatten(1), ord=norm, dim=1)
    return norms


def _pixels(change: Tensor) -> Tensor:
    """Return (B,C,P): what a pixel is, or of rows without channels (B,F) each number alone."""
    return change.flatten(2) if change.ndim > 2 else change[:, None]


def project(change: Tensor, low: Tensor, high: Tensor, eps: float, norm: float) -> Tensor:
    """Return the nearest change (B,...) of at most `eps` with low <= change <= high.

    The bounds are broadcast and hold 0. Exact in the Euclidean sense on the ball and the box at
    once: by clipping for inf; for 1 by the threshold of Duchi et al. 2008, for 2 by the factor,
    each where the bounds cut coordinates off (Croce & Hein 2021, Mind the box); for 0 by keeping,
    clipped, the pixels that are nearer to their clipped values than to 0 by the most (Croce & Hein
    2019).
    """
    low, high = torch.broadcast_to(low, change.shape), torch.broadcast_to(high, change.shape)
    if norm == inf:
        return change.clamp(-eps, eps).clamp(low, high)
    if norm == 0:
        inside = change.clamp(low, high)
        return inside * _best_pixels(change.square() - (change - inside).square(), eps)
    flat = change.flatten(1).double()
    cap = torch.where(flat < 0, -low.flatten(1).double(), high.flatten(1).double())
    size = (_threshold if norm == 1 else _shrunk)(flat.abs(), cap, eps)
    return (size * flat.sign()).to(change.dtype).reshape(change.shape)


def _best_pixels(gain: Tensor, eps: float) -> Tensor:
    """Return 1 in the eps pixels of largest gain (B,...), summed over channels; elsewhere 0."""
    total = _pixels(gain).sum(dim=1, keepdim=True)
    best = total.topk(min(int(eps), total.shape[2]), dim=2).indices
    chosen = torch.zeros_like(total).scatter(2, best, 1.0)
    return chosen.expand_as(_pixels(gain)).reshape(gain.shape)


def lowest(slope: Tensor, low: Tensor, high: Tensor, eps: float, norm: float) -> Tensor:
    """Return the change (B,...) in ball and box where the linear function of `slope` is least.

    The bounds hold 0. For inf each value goes down the slope as far as it may; for 2 the ball's
    surface is met where the box leaves room; 1 and 0 spend `eps` on the values, or pixels, that
    bring most, one after the other to their bounds.
    """
    room = torch.where(slope < 0, high, -low).broadcast_to(slope.shape)
    if norm == inf:
        return -slope.sign() * room.clamp_max(eps)
    if norm == 2:
        unit = slope / slope.abs().flatten(1).amax(dim=1).clamp_min(1e-30).reshape(
            -1, *[1] * (slope.ndim - 1)
        )
        return project(-1e9 * unit.double(), low.double(), high.double(), eps, 2.0).to(slope)
    if norm == 0:
        return -slope.sign() * room * _best_pixels(slope.abs() * room, eps)
    order = slope.flatten(1).abs().argsort(dim=1, descending=True)
    most = (room * (slope != 0)).flatten(1).gather(1, order)
    spent = torch.minimum(most, (eps - (most.cumsum(dim=1) - most)).clamp_min(0))
    taken = torch.zeros_like(most).scatter(1, order, spent)
    return -slope.sign() * taken.reshape(slope.shape)


def _threshold(size: Tensor, cap: Tensor, eps: float) -> Tensor:
    """Return clip(size - t, 0, cap) with the least t >= 0 for which rows sum to at most eps.

    The sum is piecewise linear in t: it bends where coordinates reach 0 and where they leave
    their cap, so the right piece is found by sorting both.
    """
    leave = (size - cap).clamp_min(0)
    bends, order = torch.cat([size, leave], dim=1).sort(dim=1, descending=True)
    active = torch.where(order < size.shape[1], 1.0, -1.0).double().cumsum(dim=1)
    rise = active[:, :-1] * (bends[:, :-1] - bends[:, 1:])
    total = torch.cat([torch.zeros_like(rise[:, :1]), rise.cumsum(dim=1)], dim=1)
    piece = ((total < eps).sum(dim=1, keepdim=True) - 1).clamp_min(0)
    slope = active.gather(1, piece).clamp_min(1)
    t = bends.gather(1, piece) - (eps - total.gather(1, piece)) / slope
    inside = torch.minimum(size, cap)
    fits = inside.sum(dim=1, keepdim=True) <= eps
    return torch.where(fits, inside, torch.minimum((size - t).clamp_min(0), cap))


def _shrunk(size: Tensor, cap: Tensor, eps: float) -> Tensor:
    """Return min(s * size, cap) with the largest s <= 1 for which rows have at most norm eps."""
    ratio = torch.where(size > 0, cap / size.clamp_min(1e-300), 2.0).clamp_max(2.0)
    reached, order = ratio.sort(dim=1)
    zero = torch.zeros_like(size[:, :1])
    capped = cap.clamp_max(2 * size.amax() + 1).square().gather(1, order).cumsum(dim=1)
    free = size.square().gather(1, order)
    capped = torch.cat([zero, capped], dim=1)
    rest = torch.cat([zero, free.cumsum(dim=1)], dim=1)
    rest = (rest[:, -1:] - rest).clamp_min(0)
    at = capped[:, :-1] + reached.square() * rest[:, :-1]
    piece = (at < eps * eps).sum(dim=1, keepdim=True)
    left = (eps * eps - capped.gather(1, piece)).clamp_min(0)
    s = (left / rest.gather(1, piece).clamp_min(1e-300)).sqrt().clamp_max(1)
    inside = torch.minimum(size, cap)
    fits = inside.square().sum(dim=1, keepdim=True) <= eps * eps
    return torch.where(fits, inside, torch.minimum(s * size, cap))


def steepest(slope: Tensor, norm: float, room: Tensor | None = None, rate: float = 1.0) -> Tensor:
    """Return the step (B,...) of unit norm along which a linear function of `slope` grows most.

    For 1 no coordinate takes more than its part of a step spread evenly over a hundredth of them
    (Tramèr & Boneh 2019), nor more than it has `room` for (as the slope) in a step of norm
    `rate`; the rest goes to the next largest, which is the steepest step where the box cuts the
    ball (Croce & Hein 2021, Mind the box). Shorter where there is no more room. For 0, whose
    balls are not convex, the slope itself is taken, its absolute values 1 in sum (Croce & Hein
    2019): which pixels are kept is left to the projection.
    """
    if norm == inf:
        return torch.sign(slope)
    flat = slope.flatten(1)
    if norm in (2, 0):
        length = flat.norm(p=norm or 1.0, dim=1, keepdim=True).clamp_min(1e-30)
        return torch.reshape(flat / length, slope.shape)
    count = max(1, round(SPARSE * flat.shape[1]))
    parts = (flat != 0).to(flat)  # of 1 / count each
    if room is not None:
        parts = parts * (room.flatten(1) * (count / rate)).clamp(0, 1)
    order = flat.abs().argsort(dim=1, descending=True)
    most = parts.gather(1, order)
    left = count - (most.cumsum(dim=1) - most)
    taken = torch.zeros_like(flat).scatter(1, order, torch.minimum(most, left.clamp_min(0)))
    return torch.reshape(flat.sign() * taken / count, slope.shape)


def random_point(like: Tensor, eps: float, norm: float, rng: torch.Generator) -> Tensor:
    """Draw a change (B,...) evenly from the ball, on the CPU's generator.

    2: a normal direction, a radius as its share of the volume; 1: exponential sizes against one
    more (Barthe et al. 2005); 0: pixels at random, their values even in [-1,1].
    """
    if norm == 0:
        place = torch.rand(_pixels(like)[:, :1].shape, generator=rng).expand_as(_pixels(like))
        values = 2 * torch.rand(like.shape, generator=rng) - 1
        return (values * _best_pixels(place.reshape(like.shape), eps)).to(like)
    count, length = like.flatten(1).shape
    if norm == inf:
        drawn = eps * (2 * torch.rand(count, length, generator=rng) - 1)
    elif norm == 2:
        drawn = torch.randn(count, length, generator=rng)
        radius = torch.rand(count, 1, generator=rng) ** (1 / length)
        drawn = eps * radius * drawn / drawn.norm(dim=1, keepdim=True)
    else:
        size = -torch.log1p(-torch.rand(count, length + 1, generator=rng))
        sign = (torch.rand(count, length, generator=rng) < 0.5).float() * 2 - 1
        drawn = eps * sign * size[:, :-1] / size.sum(dim=1, keepdim=True)
    return drawn.to(like).reshape(like.shape)
