"""The course of an attack: confidence and change, step by step, with pictures of one image."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from physadv.attacks.digital import Step
from physadv.core import Encoded, ssim
from physadv.victims import Victim

POINTS, FIRST = 40, 20
"""The victim is asked how far an attack has come after each of the first steps, then this many
times in all."""
QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False)
class Moment:
    """After `step` steps: quartiles (3,) of confidence and of SSIM, and the first image (3,h,w).

    Confidence is the probability of the class that each image was told.
    """

    step: int
    confidence: tuple[float, ...]
    ssim: tuple[float, ...]
    image: Tensor


@dataclass
class Course:
    """What is recorded of an attack on one batch; `asked` images are the record's own questions.

    Nothing is recorded of black boxes, whose answers cost queries, nor of detectors.
    """

    victim: Any
    moments: list[Moment] = field(default_factory=list)
    steps: int = 0
    asked: int = 0

    def begin(self, images: Encoded, labels: Tensor) -> None:
        """Take the images (B,3,h,w) as they are, and what each was told (B,)."""
        self.images, self.labels = images, labels

    def see(self, step: Step) -> None:
        """Watch a step; about `POINTS` of all are recorded."""
        self.steps += 1
        due = self.steps <= FIRST or step.done >= len(self.moments) / POINTS
        if due and step.images.shape == self.images.shape:
            self.record(step.images, self.steps - 1)

    @torch.no_grad()
    def record(self, images: Tensor, step: int) -> None:
        """Record images as those after so many steps."""
        inner: Victim = getattr(self.victim, "victim", self.victim)
        if not inner.differentiable:
            return
        seen = images.detach().clamp(0, 1)
        scores = inner(Encoded(seen)).scores
        self.asked += len(seen)
        if scores.ndim != 2:
            return
        sure = scores.softmax(dim=1).gather(1, self.labels[:, None].to(scores.device))[:, 0]
        alike = ssim(self.images, seen)
        found = (_quarters(sure), _quarters(alike), seen[0].cpu())
        self.moments.append(Moment(step, *found))


def _quarters(values: Tensor) -> tuple[float, ...]:
    return tuple(values.double().cpu().quantile(torch.tensor(QUARTERS).double()).tolist())
