"""Make a detector misname something: a box stays where the thing is, of another class."""

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from physadv.core import Answer, Detections, Photo, check
from physadv.objectives.objective import Objective
from physadv.objectives.seen import Place, check_class, excess, place, shortfall


@dataclass(frozen=True)
class _Misnamed:
    """A class that must not be reported at a place, and the one that must (None: any other)."""

    label: int
    target: int | None
    place: Place
    confidence: float

    def dense(self, answer: Answer) -> Detections:
        """Return the answer if it is one of a detector that knows the classes."""
        known = (self.label,) if self.target is None else (self.label, self.target)
        return self.place.dense(answer, *known)

    def loss(self, answer: Answer, photo: Photo) -> Tensor:
        """Return the smooth maximum of what is too much of the class and too little else, (B,)."""
        dense, threshold = self.dense(answer), self.place.threshold
        wanted = torch.arange(dense.scores.shape[2], device=dense.scores.device)
        wanted = wanted != self.label if self.target is None else wanted == self.target
        over = excess(dense, self.label, self.place.pushed(dense, photo), threshold)
        under = shortfall(dense, wanted, self.place.there(dense, photo), threshold)
        return torch.logaddexp(over, under).clamp_min(-self.confidence)

    def misnamed(self, answer: Answer, photo: Photo) -> Tensor:
        """Return whether another class is reported at the place, and the class is not, (B,)."""
        return self.place.where(self.dense(answer), photo, self._misnames)

    def _misnames(self, found: Tensor) -> bool:
        own = found == self.label
        other = ~own if self.target is None else found == self.target
        return bool(other.any()) and not bool(own.any())


def mislabel(
    label: int,
    target: int | None = None,
    *,
    iou: float | None = 0.5,
    score: float = 0.3,
    nms_iou: float = 0.45,
    confidence: float = inf,
) -> Objective:
    """Want a detector to report class `target`, or for None any class but `label`, at `box_px`.

    Success is judged on what `Detections.final(score, nms_iou)` returns: a box of the target (of
    any other class) with an IoU of at least `iou` to the photo's `box_px`, and none of `label`
    there; for `iou=None` anywhere. The loss is the log-sum-exp of two: what `vanish` asks of
    `label` (by its default `reach`), and what the best candidate at the place lacks, in
    log-odds, of being reported as wanted: up to `score` and, in detectors that report a
    candidate's best class alone, up to its best other class. Below 0 is success unless a box of
    the same class that is better, and not at the place, suppresses the one that is. Rows below
    `-confidence` ask for nothing more. After Eykholt et al., "Physical Adversarial Examples for
    Object Detectors", WOOT 2018. Raises `UserError` for numbers that do not fit.
    """
    check_class(label)
    if target is not None:
        check_class(target, "target")
        expected = "another class than label"
        check(target != label, "target", expected=expected, got=f"{target} for both")
    where = place("mislabel", iou=iou, reach=None, score=score, nms_iou=nms_iou)
    wanted = _Misnamed(label, target, where, confidence)
    return Objective(((1.0, wanted.loss),), (wanted.misnamed,))
