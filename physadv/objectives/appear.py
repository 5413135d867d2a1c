"""Make a detector see something that is not there: a box of a class where the patch lies."""

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from physadv.core import Answer, Photo
from physadv.objectives.objective import Objective
from physadv.objectives.seen import Place, check_class, place, shortfall


@dataclass(frozen=True)
class _Imagined:
    """A class, and where it must be reported."""

    label: int
    place: Place
    confidence: float

    def loss(self, answer: Answer, photo: Photo) -> Tensor:
        """Return what the best candidate at the place lacks of being reported, (B,)."""
        dense = self.place.dense(answer, self.label)
        wanted = torch.arange(dense.scores.shape[2], device=dense.scores.device) == self.label
        counts = self.place.there(dense, photo)
        return shortfall(dense, wanted, counts, self.place.threshold).clamp_min(-self.confidence)

    def seen(self, answer: Answer, photo: Photo) -> Tensor:
        """Return whether the class is reported at the place, (B,) bool."""
        dense = self.place.dense(answer, self.label)
        return self.place.where(dense, photo, lambda found: bool((found == self.label).any()))


def appear(
    label: int,
    *,
    iou: float | None = 0.5,
    score: float = 0.3,
    nms_iou: float = 0.45,
    confidence: float = inf,
) -> Objective:
    """Want a detector to report a box of class `label` where the photo's `box_px` is.

    `box_px` is where the patch lies, or what else shall be taken for the thing; that nothing is
    there without the patch is for the clean rate to show. Success is judged on what
    `Detections.final(score, nms_iou)` returns: a box of the class with an IoU of at least `iou` to
    `box_px`, or anywhere for `iou=None`. The loss is what the best candidate with that IoU lacks,
    in log-odds, of being reported: up to `score` and, in detectors that report a candidate's best
    class alone, up to its best other class. Below 0 is success unless a better box of the class
    that is not at the place suppresses the one that is. Rows below `-confidence` ask for nothing
    more. After the creation attack of Eykholt et al., "Physical Adversarial Examples for Object
    Detectors", WOOT 2018. Raises `UserError` for numbers that do not fit.
    """
    check_class(label)
    where = place("appear", iou=iou, reach=None, score=score, nms_iou=nms_iou)
    wanted = _Imagined(label, where, confidence)
    return Objective(((1.0, wanted.loss),), (wanted.seen,))
