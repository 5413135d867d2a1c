"""What a method of training is given for each batch, and the adversary that most of them have."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

import torch
from torch import Tensor, nn

from physadv.attacks.digital import project
from physadv.victims.frozen import frozen


def as_it_is(shown: Tensor) -> Tensor:
    """Return what is shown: the camera of lessons without one."""
    return shown


@dataclass(frozen=True, eq=False)
class Lesson:
    """A batch: a network from images in [0,1] to logits, images (B,3,h,w), labels (B,), chance.

    `memory` is what a method keeps from batch to batch, as tensors; checkpoints hold it. The
    images are `taken(plain)`, `plain` (B,3,H,W) in [0,1] being what the camera was held to; of
    fewer rows it takes the first ones again.
    """

    net: nn.Module
    images: Tensor
    labels: Tensor
    rng: torch.Generator
    memory: dict[str, Tensor] = field(default_factory=dict)
    plain: Tensor | None = None
    taken: Callable[[Tensor], Tensor] = as_it_is

    def scores(self, images: Tensor) -> Tensor:
        """Return the network's logits (B,K)."""
        found: Tensor = self.net(images)
        return found

    def at_rest(self) -> AbstractContextManager[None]:
        """Hold the network as it is used: in evaluation mode, its weights without gradient."""
        return frozen(self.net)


class Method(Protocol):
    """A frozen dataclass of settings that says what the weights go down on in a batch."""

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield losses (); after each a step of the weights is taken along its slope."""


def learn(
    lesson: Lesson,
    method: Method,
    optimiser: torch.optim.Optimizer,
    seed: int,
    *,
    longest: float = inf,
) -> float:
    """Take the steps that a method wants on one batch, slopes no longer than `longest` in all.

    Dropout has the batch's own seed. Returns the last loss, 0 where there is none.
    """
    told = 0.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for loss in method(lesson):
            optimiser.zero_grad()
            loss.backward()
            if longest < inf:
                nn.utils.clip_grad_norm_(lesson.net.parameters(), longest)
            optimiser.step()
            told = float(loss.detach())
    return told


def ascend(
    loss: Callable[[Tensor], Tensor],
    images: Tensor,
    change: Tensor,
    *,
    eps: float,
    rate: float,
    steps: int,
) -> Tensor:
    """Return images moved by signed steps up a loss(images), in the Linf ball and in [0,1]."""
    for _ in range(steps):
        point = (images + change).detach().requires_grad_()
        (slope,) = torch.autograd.grad(loss(point), point)
        change = project(change + rate * slope.sign(), -images, 1 - images, eps, inf)
    return (images + change).detach()
