"""Make a detector overlook something: no box of a class is left where the thing is."""

from dataclasses import dataclass
from math import inf

from torch import Tensor

from physadv.core import Answer, Photo
from physadv.objectives.objective import Objective
from physadv.objectives.seen import Place, check_class, excess, place


@dataclass(frozen=True)
class _Overlooked:
    """A class, and where it must not be reported."""

    label: int
    place: Place
    confidence: float

    def loss(self, answer: Answer, photo: Photo) -> Tensor:
        """Return log sum of odds over the candidates that matter, less the threshold's, (B,)."""
        dense = self.place.dense(answer, self.label)
        counts = self.place.pushed(dense, photo)
        over = excess(dense, self.label, counts, self.place.threshold)
        return over.clamp_min(-self.confidence)

    def gone(self, answer: Answer, photo: Photo) -> Tensor:
        """Return whether nothing that is reported is the class at its place, (B,) bool."""
        dense = self.place.dense(answer, self.label)
        return self.place.where(dense, photo, lambda found: not bool((found == self.label).any()))


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
    check_class(label)
    where = place("vanish", iou=iou, reach=reach, score=score, nms_iou=nms_iou)
    wanted = _Overlooked(label, where, confidence)
    return Objective(((1.0, wanted.loss),), (wanted.gone,))
