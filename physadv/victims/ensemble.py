"""Several victims of a kind as one: mean of logits, of losses, or of probabilities."""

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from physadv.core import Answer, Detections, Encoded, check
from physadv.core.check import one_of
from physadv.core.device import device_of
from physadv.victims.detector import Detector
from physadv.victims.door import check_scores
from physadv.victims.labels import find_label
from physadv.victims.victim import Victim


class Ensemble:
    """Victims of the same classes, asked together (Dong et al. 2018, Liu et al. 2017).

    `mean` says what is averaged over them: "logits"; "losses", where the attacker's loss and its
    gradient are the mean of the members' own, whatever the loss is (the scores are then the mean
    of the log-probabilities); or "probabilities" (the scores are the logarithm of their mean).
    Each member prepares the images in its own way. Of detectors only losses can be averaged: the
    answer holds the candidates of all, and an objective succeeds where it does with every member.
    Raises `UserError` for no members, or for members with different labels.
    """

    def __init__(
        self,
        victims: Sequence[Victim],
        *,
        mean: Literal["logits", "losses", "probabilities"] = "logits",
        name: str = "ensemble",
    ) -> None:
        """Join `victims`."""
        check(len(victims) > 0, "victims", expected="at least one victim", got="none")
        one_of("mean", mean, MEANS)
        self.victims, self.mean, self.name = tuple(victims), mean, name
        self.labels = self.victims[0].labels
        for other in self.victims[1:]:
            got = f"{other.name} with others ({len(other.labels)} of them)"
            expected = f"the labels of {self.victims[0].name} in every member, in one order"
            check(other.labels == self.labels, "victims", expected=expected, got=got)
        self.differentiable = all(one.differentiable for one in self.victims)
        closed = ", ".join(one.name for one in self.victims if not one.differentiable)
        self.note = f"black box, since these are: {closed}" if closed else ""

    def __repr__(self) -> str:
        """Say what it is in one line."""
        names = ", ".join(one.name for one in self.victims)
        return f"<Ensemble {self.name}: mean {self.mean} of {names}>"

    @property
    def size_px(self) -> tuple[int, int]:
        """The size of the member that takes the largest images."""
        return max((one.size_px for one in self.victims), key=lambda size: size[0] * size[1])

    @property
    def device(self) -> torch.device:
        """Where its first member is; all have to be on one device."""
        return device_of(self.victims[0])

    @property
    def queries(self) -> int:
        """How many images its black boxes were shown, all together."""
        return sum(int(getattr(one, "queries", 0)) for one in self.victims)

    def __call__(self, images: Encoded) -> Answer:
        """Answer for (B,3,H,W) images in [0,1] of any size, as `mean` says."""
        answers = [one(images) for one in self.victims]
        dense = [one for one in answers if isinstance(one, Detections)]
        if dense:
            self._check_detectors(len(dense))
            return _joined(dense)
        scores = torch.stack([check_scores(one.scores, rows=len(images)) for one in answers])
        together = MEANS[self.mean](scores)
        return Answer(together, tuple(answers) if self.mean == "losses" else ())

    def _check_detectors(self, count: int) -> None:
        got = f"{count} detectors among {len(self.victims)} victims"
        same = count == len(self.victims)
        check(same, "victims", expected="classifiers or detectors, not both", got=got)
        fix = "there is no mean of candidates"
        check(self.mean == "losses", "mean", expected="'losses'", got=f"{self.mean!r}", fix=fix)

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label, an index, or an index in digits; see `find_label`."""
        return find_label(self.labels, name_or_index)

    def digest(self) -> str:
        """Return the SHA-256 of what is averaged and of the members' digests, or names."""
        parts = [one.digest() if hasattr(one, "digest") else one.name for one in self.victims]
        return hashlib.sha256(f"{self.mean} {parts}".encode()).hexdigest()


def detects(victim: Victim) -> bool:
    """Return whether it is a detector, several as one, or one behind a defence (`undefended`)."""
    while hasattr(victim, "undefended"):
        victim = victim.undefended
    members = victim.victims if isinstance(victim, Ensemble) else (victim,)
    return any(isinstance(one, Detector) for one in members)


def _mean_logits(scores: Tensor) -> Tensor:
    return scores.mean(dim=0)


def _mean_log_probabilities(scores: Tensor) -> Tensor:
    return scores.log_softmax(dim=2).mean(dim=0)


def _log_mean_probabilities(scores: Tensor) -> Tensor:
    together = scores.log_softmax(dim=2).logsumexp(dim=0)
    return together - math.log(len(scores))


def _joined(dense: Sequence[Detections]) -> Detections:
    """Return the candidates of all detectors, each with the scores that count for its own."""
    return Detections(
        torch.cat([one.counted() for one in dense], dim=1),
        tuple(dense),
        boxes=torch.cat([one.boxes for one in dense], dim=1),
        valid=torch.cat([one.valid for one in dense], dim=1),
    )


MEANS: dict[str, Callable[[Tensor], Tensor]] = {
    "logits": _mean_logits,
    "losses": _mean_log_probabilities,
    "probabilities": _log_mean_probabilities,
}
"""Scores of the members (M,B,K) to the ensemble's (B,K)."""
