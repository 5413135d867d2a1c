"""What a detector reports at a place, and what its candidates there say, before suppression."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log

import torch
from torch import Tensor

from physadv.core import Answer, Detections, Photo, UserError, box_iou, check

LEAST = 1e-6
"""Scores nearer than this to 0 or 1 are taken as that far away: their log-odds stay finite."""


@dataclass(frozen=True)
class Place:
    """Where an objective looks, a photo's `box_px`, and what a detector must report to be believed.

    A box is at the place if its IoU (intersection over union) with it is at least `iou`; for None
    every box is. Candidates with an IoU of at least `reach` are pushed. `score` and `nms_iou` are
    those of `Detections.final`. `asks` is the name of who asks, for messages.
    """

    asks: str
    iou: float | None
    reach: float
    score: float
    nms_iou: float

    @property
    def threshold(self) -> float:
        """The log-odds of `score`."""
        return log(self.score / (1 - self.score))

    def dense(self, answer: Answer, *labels: int) -> Detections:
        """Return the answer if it is one of a detector that knows the classes."""
        if not isinstance(answer, Detections):
            got, fix = "class scores", "ask a classifier with targeted or untargeted"
            raise UserError(self.asks, expected="a detector's answer", got=got, fix=fix)
        last = answer.scores.shape[2] - 1
        for label in labels:
            good = 0 <= label <= last
            check(good, "label", expected=f"a class from 0 to {last}", got=label)
        return answer

    def pushed(self, dense: Detections, photo: Photo) -> Tensor:
        """Return which candidates reach the place, (B,N) bool."""
        return dense.valid & self._near(dense.boxes, photo, self.reach)

    def there(self, dense: Detections, photo: Photo) -> Tensor:
        """Return which candidates would be at the place if they were reported, (B,N) bool."""
        return dense.valid & self._near(dense.boxes, photo, self.iou)

    def where(self, dense: Detections, photo: Photo, holds: Callable[[Tensor], bool]) -> Tensor:
        """Return in which images the classes (n,) of what is reported at the place do, (B,)."""
        places = photo.box_px.to("cpu", dense.boxes.dtype)
        found = [
            holds(one.labels[self._at(one.boxes, place)])
            for one, place in zip(dense.final(self.score, self.nms_iou), places, strict=True)
        ]
        return torch.tensor(found, dtype=torch.bool, device=dense.scores.device)

    def _near(self, boxes: Tensor, photo: Photo, least: float | None) -> Tensor:
        if least is None:
            return torch.ones_like(boxes[..., 0], dtype=torch.bool)
        return box_iou(boxes.detach(), photo.box_px.to(boxes)[:, None])[..., 0] >= least

    def _at(self, boxes: Tensor, place: Tensor) -> Tensor:
        if self.iou is None or not len(boxes):
            return torch.ones(len(boxes), dtype=torch.bool)
        return box_iou(boxes, place[None])[:, 0] >= self.iou


def place(
    asks: str, *, iou: float | None, reach: float | None, score: float, nms_iou: float
) -> Place:
    """Return a place, `reach` being 0.3, or `iou` if that is less, where it is not given.

    Raises `UserError` for numbers that do not fit.
    """
    check(0 < score < 1, "score", expected="a threshold between 0 and 1", got=score)
    check(0 <= nms_iou <= 1, "nms_iou", expected="an IoU from 0 to 1", got=nms_iou)
    most = 1.0 if iou is None else iou
    check(0 < most <= 1, "iou", expected="an IoU up to 1, or None for anywhere", got=iou)
    near = min(0.3, most) if reach is None else reach
    check(0 <= near <= most, "reach", expected=f"an IoU from 0 to iou ({most})", got=reach)
    return Place(asks, iou, 0.0 if iou is None else near, score, nms_iou)


def check_class(label: object, argument: str = "label") -> None:
    """Raise `UserError` for what is no number of a class."""
    fix = "victim.label(name) is the number of a class"
    check(isinstance(label, int), argument, expected="a number", got=repr(label), fix=fix)


def log_odds(scores: Tensor) -> Tensor:
    """Return the log-odds of scores in [0,1], finite."""
    return torch.logit(scores, eps=LEAST)


def excess(dense: Detections, label: int, counts: Tensor, threshold: float) -> Tensor:
    """Return the log of the sum of a class's odds over what counts, less the threshold, (B,).

    Below 0 no candidate that counts (B,N) has the class above the threshold.
    """
    odds = log_odds(dense.scores[..., label]).masked_fill(~counts, -inf)
    least = odds.new_full((len(odds), 1), log(LEAST))
    return torch.cat([least, odds], dim=1).logsumexp(dim=1) - threshold


def shortfall(dense: Detections, wanted: Tensor, counts: Tensor, threshold: float) -> Tensor:
    """Return how much the best candidate lacks of being reported as a wanted class, (B,).

    `wanted` (K,) bool. In log-odds: to the threshold and, where candidates count for one class
    alone (`one_class`), to the candidate's best other class. Below 0 one that counts (B,N) has it.
    """
    odds = log_odds(dense.scores)
    best = odds[..., wanted].amax(dim=2)
    lead = best - threshold
    if dense.one_class and not bool(wanted.all()):
        lead = torch.minimum(lead, best - odds[..., ~wanted].amax(dim=2))
    none = lead.new_full((len(lead), 1), log(LEAST) - threshold)
    return -torch.cat([none, lead.masked_fill(~counts, -inf)], dim=1).amax(dim=1)
