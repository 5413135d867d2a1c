"""What a detector says of an image and of its masked variants, and what is reported of both."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Detections, Found

ALIKE = 0.9
"""Boxes of which one covers this share of the other are one (the authors' DBSCAN, eps 0.1)."""


@dataclass(frozen=True)
class Sought:
    """What ObjectSeeker reports of candidates, `parts` of the image itself and of each variant.

    Xiang et al. 2023, algorithm 1: what the detector reports of the image, and, of what it reports
    of the variants above `masked_score`, all that no box of its class there covers by a share of
    `covered` or more; boxes of a class that are alike become the smallest box around them.
    Variants are suppressed at `nms_iou` each; boxes that are added suppress nothing and stay.
    """

    parts: tuple[int, ...]
    masked_score: float
    covered: float
    nms_iou: float

    def __call__(self, dense: Detections, score: float, iou: float) -> list[Found]:
        """Return what is reported of each image, best first."""
        whole = self.variant(dense, 0).final(score, iou)
        masked = zip(*(self.seen(dense, k) for k in range(1, len(self.parts))), strict=True)
        return [self._joined(one, joined(some)) for one, some in zip(whole, masked, strict=True)]

    def variant(self, dense: Detections, k: int) -> Detections:
        """Return the candidates of the image itself, 0, or of one of its variants."""
        first = sum(self.parts[:k])
        rows = slice(first, first + self.parts[k])
        scores, boxes, valid = (one[:, rows] for one in (dense.scores, dense.boxes, dense.valid))
        return Detections(scores, boxes=boxes, valid=valid, one_class=dense.one_class)

    def seen(self, dense: Detections, k: int) -> list[Found]:
        """Return what is reported of variant k from 1 on, of each image."""
        return self.variant(dense, k).final(self.masked_score, self.nms_iou)

    def _joined(self, whole: Found, masked: Found) -> Found:
        near = covered_share(masked.boxes, whole.boxes)
        near = torch.where(masked.labels[:, None] == whole.labels, near, 0.0)
        most = torch.cat([near, torch.zeros(len(near), 1)], dim=1).amax(dim=1)
        left = most < self.covered
        kept = Found(masked.boxes[left], masked.scores[left], masked.labels[left])
        every = joined((whole, united(kept)))
        order = every.scores.argsort(descending=True, stable=True)
        return Found(every.boxes[order], every.scores[order], every.labels[order])


def joined(parts: tuple[Found, ...]) -> Found:
    """Return what is found in all parts."""
    boxes, scores, labels = (
        torch.cat([getattr(one, name) for one in parts]) for name in ("boxes", "scores", "labels")
    )
    return Found(boxes, scores, labels)


def covered_share(boxes: Tensor, others: Tensor) -> Tensor:
    """Return the share of each of boxes (n,4) inside each of others (m,4), (n,m).

    Of a box without area none is.
    """
    low = torch.maximum(boxes[:, None, :2], others[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], others[None, :, 2:])
    area = (boxes[:, 2:] - boxes[:, :2]).clamp_min(0).prod(dim=1, keepdim=True)
    common = (high - low).clamp_min(0).prod(dim=2)
    return torch.where(area > 0, common / area.clamp_min(1e-12), 0.0)


def united(found: Found) -> Found:
    """Return one box for boxes of a class that are alike, directly or by others between them.

    It is the smallest around them, with the best of their scores.
    """
    group = groups(found.boxes, found.labels)
    first = [(group == k).nonzero()[:, 0] for k in group.unique().tolist()]
    if not first:
        return found
    low = torch.stack([found.boxes[rows, :2].amin(dim=0) for rows in first])
    high = torch.stack([found.boxes[rows, 2:].amax(dim=0) for rows in first])
    scores = torch.stack([found.scores[rows].amax() for rows in first])
    labels = torch.stack([found.labels[rows[0]] for rows in first])
    return Found(torch.cat([low, high], dim=1), scores, labels)


def groups(boxes: Tensor, labels: Tensor) -> Tensor:
    """Return the number (n,) of the group that each of boxes (n,4) is in."""
    share = covered_share(boxes, boxes)
    alike = (torch.maximum(share, share.T) >= ALIKE) & (labels[:, None] == labels)
    alike |= torch.eye(len(boxes), dtype=torch.bool)
    group = torch.arange(len(boxes))
    for _ in range(len(boxes)):
        least = torch.where(alike, group[None], len(boxes)).amin(dim=1)
        if torch.equal(least, group):
            break
        group = least
    return group
