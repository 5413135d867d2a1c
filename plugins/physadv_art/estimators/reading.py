"""A detector's candidates read as class scores: one an image and class, and one for nothing."""

from dataclasses import dataclass
from math import log
from typing import Literal

import torch
from torch import Tensor

from physadv.core import Answer, Detections, Encoded, check
from physadv.core.check import one_of
from physadv.objectives.seen import LEAST
from physadv.victims import Detector, find_label

Reduce = Literal["max", "logsumexp"]
NOTHING = "nothing"


@dataclass(frozen=True)
class Reading:
    """Which classes are read, from which `score` on they count, and what is made of candidates."""

    classes: tuple[int, ...]
    score: float
    reduce: Reduce

    def __post_init__(self) -> None:
        """Raise `UserError` for a threshold or a reduction that is none."""
        got = self.score
        check(0 < got < 1, "score", expected="a threshold between 0 and 1", got=got)
        one_of("reduce", self.reduce, ("max", "logsumexp"))

    def __call__(self, dense: Detections) -> Tensor:
        """Return scores (B,K+1): of each class its excess in log-odds, and 0 for nothing.

        The excess is the maximum, or log-sum-exp, of log-odds over the candidates that are valid,
        less the log-odds of `score`; log-odds end at those of 1e-6 and 1 - 1e-6. A candidate
        counts for every class, also where the detector reports its best class alone.
        """
        odds = torch.logit(dense.scores[..., list(self.classes)], eps=LEAST)
        odds = odds.masked_fill(~dense.valid[..., None], -torch.inf)
        least = odds.new_full((len(odds), 1, len(self.classes)), log(LEAST))
        every = torch.cat([least, odds], dim=1)
        most = every.amax(dim=1) if self.reduce == "max" else every.logsumexp(dim=1)
        excess = most - log(self.score / (1 - self.score))
        return torch.cat([excess, torch.zeros_like(excess[:, :1])], dim=1)


class ReadDetector:
    """A detector as a victim of class scores; a black box if the detector is one."""

    def __init__(self, detector: Detector, reading: Reading) -> None:
        """Hold the detector."""
        self.detector, self.reading, self.name = detector, reading, detector.name
        self.labels = (*(detector.labels[k] for k in reading.classes), NOTHING)
        self.size_px, self.device = detector.size_px, detector.device
        self.differentiable = detector.differentiable

    @property
    def queries(self) -> int:
        """How many images the detector was shown, where it is a black box."""
        return self.detector.queries

    def __call__(self, images: Encoded) -> Answer:
        """Answer for (B,3,H,W) images in [0,1] of any size; see `Reading`."""
        return Answer(self.reading(self.detector(images)))

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label or an index of `labels`, or raise `UserError`."""
        return find_label(self.labels, name_or_index)
