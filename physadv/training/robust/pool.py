"""Training beside a pool of the first adversarial examples, of which some are always made anew."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from physadv.attacks.digital import LBFGS, Rows, setting
from physadv.core import Answer, Encoded
from physadv.core.check import at_least_one
from physadv.objectives import as_labelled
from physadv.objectives import cross_entropy as towards
from physadv.training.robust.lesson import Lesson
from physadv.training.robust.methods import check_share

POOL, TRUTH = "pool", "truth"


@dataclass(frozen=True)
class Pool:
    """Examples that box-constrained L-BFGS made of the network as it was, beside clean images.

    Szegedy, Zaremba, Sutskever, Bruna, Erhan, Goodfellow & Fergus, "Intriguing properties of
    neural networks", ICLR 2014, section 4: a pool, a random part of which is continuously
    replaced by new ones and which is mixed into the training set all the time. Each is to be read
    as a class drawn at random, and taught as what it is. Changes of hidden layers, which they try
    as well, are not made here.
    """

    size: int = setting(256, "adversarial examples that are kept")
    fresh: int = setting(1, "of these made anew for each batch")
    share: float = setting(0.5, "weight of the clean loss")
    rounds: int = setting(5, "values of c that L-BFGS tries for each")
    steps: int = setting(12, "steps of each of its searches, at most")

    def __post_init__(self) -> None:
        """Raise `UserError` for a pool that is none."""
        at_least_one(self, "size", "fresh", "rounds", "steps")
        check_share(self.share)

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        self._refresh(lesson)
        pool, truth = lesson.memory[POOL], lesson.memory[TRUTH]
        at = torch.randint(len(pool), (len(lesson.images),), generator=lesson.rng)
        clean = cross_entropy(lesson.scores(lesson.images), lesson.labels)
        worse = cross_entropy(lesson.scores(pool[at]), truth[at])
        yield self.share * clean + (1 - self.share) * worse

    def _refresh(self, lesson: Lesson) -> None:
        """Make some of the batch's images adversarial; once it is full they replace others."""
        memory, labels = lesson.memory, lesson.labels[: self.fresh]
        made = self._made(lesson, lesson.images[: self.fresh], labels)
        if POOL not in memory:
            memory[POOL], memory[TRUTH] = made[: self.size], labels[: self.size]
        elif len(memory[POOL]) < self.size:
            memory[POOL] = torch.cat([memory[POOL], made])[: self.size]
            memory[TRUTH] = torch.cat([memory[TRUTH], labels])[: self.size]
        else:
            old = torch.randperm(self.size, generator=lesson.rng)[: len(made)]
            memory[POOL] = memory[POOL].index_copy(0, old, made[: len(old)])
            memory[TRUTH] = memory[TRUTH].index_copy(0, old, labels[: len(old)])

    def _made(self, lesson: Lesson, images: Tensor, labels: Tensor) -> Tensor:
        with lesson.at_rest():
            classes = lesson.scores(images[:1]).shape[1]
            further = torch.randint(1, classes, labels.shape, generator=lesson.rng)
            rows = Rows(labels=(labels + further.to(labels)) % classes)
            attack = LBFGS(rounds=self.rounds, steps=self.steps)
            return attack(
                _Taught(lesson, classes), Encoded(images.detach()), as_labelled(towards), rows=rows
            )


class _Taught:
    """The network that is taught, as attacks ask victims, for images of any number of colours."""

    name, differentiable = "the network that is taught", True

    def __init__(self, lesson: Lesson, classes: int) -> None:
        self.lesson, self.labels = lesson, tuple(str(one) for one in range(classes))
        height, width = lesson.images.shape[2:]
        self.size_px = (height, width)

    def __call__(self, images: Encoded) -> Answer:
        return Answer(self.lesson.scores(images))

    def label(self, name_or_index: str | int) -> int:
        return int(name_or_index)
