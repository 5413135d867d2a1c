"""Boxes x1y1x2y2 in pixels: how far they overlap, and which of them are left after suppression."""

import torch
from torch import Tensor


def box_iou(one: Tensor, other: Tensor) -> Tensor:
    """Return the intersection over union of boxes (...,N,4) and (...,M,4), (...,N,M).

    A box without area overlaps nothing.
    """
    first, second = one[..., :, None, :], other[..., None, :, :]
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    common = (high - low).clamp_min(0).prod(dim=-1)
    union = _area(first) + _area(second) - common
    return torch.where(union > 0, common / union.clamp_min(1e-12), 0.0)


def suppress(boxes: Tensor, labels: Tensor, iou: float) -> Tensor:
    """Return which of boxes (n,4), best first, stay: greedy non-maximum suppression by class.

    A box goes where a better one of its label (n,) that stays overlaps it by more than `iou`.
    """
    left, kept = torch.arange(len(boxes), device=boxes.device), []
    while len(left):
        best, rest = left[0], left[1:]
        kept.append(best)
        same = labels[rest] == labels[best]
        over = box_iou(boxes[best][None], boxes[rest])[0] > iou
        left = rest[~(same & over)]
    return torch.stack(kept) if kept else left


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp_min(0).prod(dim=-1)
