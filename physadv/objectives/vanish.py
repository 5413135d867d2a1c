"""Make a detector overlook something: no box of a class is left where the thing is."""

from dataclasses import dataclass
from math import inf, log

import torch
from torch import Tensor

from physadv.core import Answer, Detections, Photo, UserError, box_iou, check
from physadv.objectives.objective import Objective

LEAST = 1e-6
"""Scores nearer than this to 0 or 1 are taken as that far away: their log-odds stay finite."""


@dataclass(frozen=True)
class _Overlooked:
    """A class, where it must not be reported, and how the detector reports."""

    label: int
    iou: float | None
    reach: float
    score: float
    nms_iou: float
    confidence: float

    def dense(self, answer: Answer) -> Detections:
        """Return the answer if it is one of a detector that knows the class."""
        if not isinstance(answer, Detections):
            got, fix = "class scores", "ask a classifier with targeted or untargeted"
            raise UserError("vanish", expected="a detector's answer", got=got, fix=fix)
        last = answer.scores.shape[2] - 1
        good = 0 <= self.label <= last
        check(good, "label", expected=f"a class from 0 to {last}", got=self.label)
        return answer

    def loss(self, answer: Answer, photo: Photo) -> Tensor:
        """Return log sum of odds over the candidates that matter, less the threshold's, (B,)."""
        dense = self.dense(answer)
        odds = torch.logit(dense.scores[..., self.label], eps=LEAST)
        counts = dense.valid & self._near(dense.boxes.detach(), photo)
        least = odds.new_full((len(odds), 1), log(LEAST))
        every = torch.cat([least, odds.masked_fill(~counts, -inf)], dim=1)
        excess = every.logsumexp(dim=1) - log(self.score / (1 - self.score))
        return excess.clamp_min(-self.confidence)

    def gone(self, answer: Answer, photo: Photo) -> Tensor:
        """Return whether nothing that is reported is the class at its place, (B,) bool."""
        dense = self.dense(answer)
        places = photo.box_px.to("cpu", dense.boxes.dtype)
        reported = dense.final(self.score, self.nms_iou)
        shown = [
            self._shows(found.boxes[found.labels == self.label], place)
            for found, place in zip(reported, places, strict=True)
        ]
        return ~torch.tensor(shown, dtype=torch.bool, device=dense.scores.device)

    def _near(self, boxes: Tensor, photo: Photo) -> Tensor:
        if self.iou is None:
            return torch.ones_like(boxes[..., 0], dtype=torch.bool)
        return box_iou(boxes, photo.box_px.to(boxes)[:, None])[..., 0] >= self.reach

    def _shows(self, boxes: Tensor, place: Tensor) -> bool:
        if self.iou is None or not len(boxes):
            return len(boxes) > 0
        return bool((box_iou(boxes, place[None]) >= self.iou).any())


def vanish(
    label: int,
    *,
    iou: float | None = 0.5,
    reach: float | None = None,
    score: float = 0.3,
    nms_iou: float = 0.45,
    confidence: float = inf,
) -> Objective:
    """Want a detector to report no box of class `label` where the photo's `box_px` is.

    Success is judged on what `Detections.final(score, nms_iou)` returns: no box of the class with
    an IoU of at least `iou` to `box_px`, or none anywhere for `iou=None`. The loss is the smooth
    maximum (log-sum-exp) of the class's log-odds over all candidates with an IoU of at least
    `reach` (by default 0.3, or `iou` if that is less; all of them for `iou=None`), less the
    log-odds of `score`: below 0 nothing is left to report. It takes Eykholt et al.'s maximum of
    the class's score over the boxes ("Physical Adversarial Examples for Object Detectors", WOOT
    2018, their disappearance loss) smoothly. Rows below `-confidence` ask for nothing more.
    Raises `UserError` for numbers that do not fit.
    """
    fix = "victim.label(name) is the number of a class"
    check(isinstance(label, int), "label", expected="a number", got=repr(label), fix=fix)
    check(0 < score < 1, "score", expected="a threshold between 0 and 1", got=score)
    check(0 <= nms_iou <= 1, "nms_iou", expected="an IoU from 0 to 1", got=nms_iou)
    most = 1.0 if iou is None else iou
    check(0 < most <= 1, "iou", expected="an IoU up to 1, or None for anywhere", got=iou)
    near = min(0.3, most) if reach is None else reach
    check(0 <= near <= most, "reach", expected=f"an IoU from 0 to iou ({most})", got=reach)
    wanted = _Overlooked(label, iou, near, score, nms_iou, confidence)
    return Objective(((1.0, wanted.loss),), (wanted.gone,))
