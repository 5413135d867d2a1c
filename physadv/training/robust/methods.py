"""Adversarial training within an Linf ball: a class a paper, and `Physical` without an adversary.

The examples are made against the network in evaluation mode; `Free`, whose one backward pass
serves the weights and the examples, has no choice but training mode.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div

from physadv.attacks.digital import random_point, setting
from physadv.core import check
from physadv.core.check import above_zero, at_least_one
from physadv.training.robust.lesson import Lesson, ascend

EPS = 8 / 255


@dataclass(frozen=True)
class Physical:
    """Cross-entropy alone: what is left is that the pictures are taken anew by the camera."""

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        yield cross_entropy(lesson.scores(lesson.images), lesson.labels)


@dataclass(frozen=True)
class Mix:
    """Labelled adversarial examples beside the clean ones.

    Goodfellow, Shlens & Szegedy, "Explaining and Harnessing Adversarial Examples", ICLR 2015,
    section 6: share J(x) + (1 - share) J(x + eps sign(dJ/dx)), after Szegedy et al. 2014.
    """

    eps: float = setting(EPS, "largest change of a value")
    share: float = setting(0.5, "weight of the clean loss")

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        check_eps(self.eps)
        above_zero(self, "eps")
        check_share(self.share)

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        nothing = torch.zeros_like(lesson.images)
        worse = _attacked(lesson, nothing, eps=self.eps, rate=self.eps, steps=1)
        clean = cross_entropy(lesson.scores(lesson.images), lesson.labels)
        yield self.share * clean + (1 - self.share) * _loss(lesson, worse)


@dataclass(frozen=True)
class Pgd:
    """The loss of the worst images that projected gradient descent finds, and nothing else.

    Madry, Makelov, Schmidt, Tsipras & Vladu, "Towards Deep Learning Models Resistant to
    Adversarial Attacks", ICLR 2018: from a random point of the ball, 7 steps of eps / 4 (CIFAR10).
    """

    eps: float = setting(EPS, "largest change of a value")
    steps: int = setting(7, "steps of the attack")
    rate_ratio: float = setting(0.25, "size of a step, as a share of eps")

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        check_eps(self.eps)
        above_zero(self, "eps", "rate_ratio")
        at_least_one(self, "steps")

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        start = random_point(lesson.images, self.eps, inf, lesson.rng)
        rate = self.rate_ratio * self.eps
        yield _loss(lesson, _attacked(lesson, start, eps=self.eps, rate=rate, steps=self.steps))


@dataclass(frozen=True)
class Fast:
    """A single signed step of 1.25 eps from a random point of the ball.

    Wong, Rice & Kolter, "Fast is Better than Free: Revisiting Adversarial Training", ICLR 2020.
    """

    eps: float = setting(EPS, "largest change of a value")
    rate_ratio: float = setting(1.25, "size of the step, as a share of eps")

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        check_eps(self.eps)
        above_zero(self, "eps", "rate_ratio")

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        start = random_point(lesson.images, self.eps, inf, lesson.rng)
        rate = self.rate_ratio * self.eps
        yield _loss(lesson, _attacked(lesson, start, eps=self.eps, rate=rate, steps=1))


@dataclass(frozen=True)
class Free:
    """Each batch replayed; one backward pass moves the weights and the change, which is kept.

    Shafahi et al., "Adversarial Training for Free!", NeurIPS 2019, algorithm 1: the change begins
    at 0 and goes over from batch to batch; in each replay it moves by eps along its slope's sign.
    """

    eps: float = setting(EPS, "largest change of a value")
    replays: int = setting(8, "steps on each batch")

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        check_eps(self.eps)
        above_zero(self, "eps")
        at_least_one(self, "replays")

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield a loss a replay; the step in between fills in the slope of the change."""
        memory, images = lesson.memory, lesson.images
        memory.setdefault("change", torch.zeros_like(images))
        for _ in range(self.replays):
            point = (images + memory["change"]).clamp(0, 1).requires_grad_()
            yield _loss(lesson, point)
            slope = point.grad if point.grad is not None else torch.zeros_like(point)
            moved = memory["change"] + self.eps * slope.sign()
            memory["change"] = moved.clamp(-self.eps, self.eps)


@dataclass(frozen=True)
class Trades:
    """Cross-entropy of clean images, and how far their answers can be moved.

    Zhang, Yu, Jiao, Xing, El Ghaoui & Jordan, "Theoretically Principled Trade-off between
    Robustness and Accuracy", ICML 2019: CE(f(x), y) + beta max KL(f(x) || f(x')), the maximum
    sought from a normal point 0.001 away by 10 steps of a quarter of eps; beta is 1 / lambda.
    """

    eps: float = setting(EPS, "largest change of a value")
    beta: float = setting(6.0, "weight of the divergence")
    steps: int = setting(10, "steps of the attack")
    rate_ratio: float = setting(0.25, "size of a step, as a share of eps")

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        check_eps(self.eps)
        above_zero(self, "eps", "beta", "rate_ratio")
        at_least_one(self, "steps")

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        images, size = lesson.images, {"eps": self.eps, "rate": self.rate_ratio * self.eps}
        start = 0.001 * torch.randn(images.shape, generator=lesson.rng).to(images)
        with lesson.at_rest():
            known = lesson.scores(images)
            moved = ascend(
                lambda point: divergence(known, lesson.scores(point)),
                images,
                start,
                steps=self.steps,
                **size,
            )
        clean = lesson.scores(images)
        far = divergence(clean, lesson.scores(moved))
        yield cross_entropy(clean, lesson.labels) + self.beta * far


def check_eps(eps: float) -> None:
    """Raise `UserError` for a radius beyond what images in [0,1] can change by."""
    fix = f"images are in [0,1]: {eps:g} of 255 is {eps:g}/255"
    check(eps <= 1, "eps", expected="at most 1", got=eps, fix=fix)


def check_share(share: float) -> None:
    """Raise `UserError` for a weight of the clean loss that leaves less than none to the other."""
    check(0 < share <= 1, "share", expected="above 0 and at most 1", got=share)


def divergence(scores: Tensor, others: Tensor) -> Tensor:
    """Return the mean Kullback-Leibler divergence of others' classes from scores', both (B,K)."""
    told, known = others.log_softmax(dim=1), scores.log_softmax(dim=1)
    return kl_div(told, known, reduction="batchmean", log_target=True)


def _loss(lesson: Lesson, images: Tensor) -> Tensor:
    return cross_entropy(lesson.scores(images), lesson.labels)


def _attacked(lesson: Lesson, start: Tensor, *, eps: float, rate: float, steps: int) -> Tensor:
    with lesson.at_rest():
        return ascend(
            lambda point: _loss(lesson, point),
            lesson.images,
            start,
            eps=eps,
            rate=rate,
            steps=steps,
        )
