"""What a detector says: every candidate before suppression, and what it reports after it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from physadv.core.boxes import suppress
from physadv.core.types import Answer


@dataclass(frozen=True, eq=False)
class Found:
    """What a detector reports of one image: boxes (n,4), scores (n,), labels (n,), best first."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor


Report = Callable[["Detections", float, float], list[Found]]
"""Takes candidates, a score and an IoU as `Detections.final` does, and returns what it returns."""


@dataclass(frozen=True, eq=False)
class Detections(Answer):
    """What a detector says of N candidates an image, before suppression.

    `scores` (B,N,K) in [0,1]; `boxes` (B,N,4) x1y1x2y2 in pixels of the images that were given;
    `valid` (B,N) bool, False where a row only fills up the batch. With `one_class` a candidate
    counts for its best class alone, otherwise for every class above the threshold. With a `report`
    that says what is reported, as where candidates are of several variants of an image.
    """

    boxes: Tensor = field(kw_only=True)
    valid: Tensor = field(kw_only=True)
    one_class: bool = field(default=False, kw_only=True)
    report: Report | None = field(default=None, kw_only=True)

    @property
    def best(self) -> Tensor:
        """The class of the best candidate of each image, (B,); -1 where there is none."""
        best = self.counted().flatten(1).max(dim=1) if self.scores.shape[1] else None
        if best is None:
            return torch.full((len(self.scores),), -1, device=self.scores.device)
        return torch.where(best.values > 0, best.indices % self.scores.shape[2], -1)

    def counted(self) -> Tensor:
        """Return the scores (B,N,K) that count, 0 elsewhere."""
        scores = self.scores.masked_fill(~self.valid[..., None], 0)
        if not self.one_class:
            return scores
        top = scores.argmax(dim=2, keepdim=True)
        return torch.zeros_like(scores).scatter(2, top, scores.gather(2, top))

    @torch.no_grad()
    def final(self, score: float, iou: float) -> list[Found]:
        """Return what is reported of each image: above `score`, suppressed at `iou` by class.

        On the CPU, without gradient; see `physadv.core.boxes.suppress`.
        """
        if self.report is not None:
            return self.report(self, score, iou)
        counted = self.counted()
        image, row, label = (counted > score).nonzero(as_tuple=True)
        every = (self.boxes[image, row], counted[image, row, label], label)
        boxes, scores, labels = (one.cpu() for one in every)  # there is a loop to come
        mine = [image.cpu() == k for k in range(len(counted))]
        return [_reported(boxes[rows], scores[rows], labels[rows], iou) for rows in mine]


def _reported(boxes: Tensor, scores: Tensor, labels: Tensor, iou: float) -> Found:
    order = scores.argsort(descending=True, stable=True)
    kept = order[suppress(boxes[order], labels[order], iou)]
    return Found(boxes[kept], scores[kept], labels[kept])
