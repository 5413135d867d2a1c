"""Defensive distillation: a network learns, at a temperature, what another one is sure of.

Papernot, McDaniel, Wu, Jha & Swami, "Distillation as a Defense to Adversarial Perturbations against
Deep Neural Networks", IEEE S&P 2016: a teacher is trained on labels with softmax(z / T), a student
of the same architecture on the teacher's softmax(z / T), with T, too; it is used with T = 1, and so
its scores are T times as far apart as those it was trained with. Carlini & Wagner 2017 break it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from physadv.attacks.digital import setting
from physadv.core.check import above_zero
from physadv.training.robust.lesson import Lesson
from physadv.victims.frozen import frozen

TEMPERATURE = 20.0


@dataclass(frozen=True)
class Teacher:
    """Cross-entropy with the labels at a temperature: the first half of a distillation."""

    temperature: float = setting(TEMPERATURE, "what scores are divided by before the softmax")

    def __post_init__(self) -> None:
        """Raise `UserError` for a temperature that is none."""
        above_zero(self, "temperature")

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        yield cross_entropy(lesson.scores(lesson.images) / self.temperature, lesson.labels)


@dataclass(frozen=True, eq=False)
class Student:
    """Cross-entropy with a teacher's soft labels for the same images, both at a temperature.

    `teacher` takes what the lesson's network takes; labels are not looked at.
    """

    teacher: nn.Module
    temperature: float = setting(TEMPERATURE, "what scores are divided by before the softmax")

    def __post_init__(self) -> None:
        """Raise `UserError` for a temperature that is none."""
        above_zero(self, "temperature")

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        with frozen(self.teacher):
            soft = (self.teacher(lesson.images) / self.temperature).softmax(dim=1)
        yield cross_entropy(lesson.scores(lesson.images) / self.temperature, soft)
