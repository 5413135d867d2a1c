"""A method's losses on any torch classifier and on images as they are: no camera, no files."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from physadv.core import check, generator, spawn
from physadv.core.check import at_least_one
from physadv.training.robust.lesson import Lesson, Method, learn


@dataclass(frozen=True)
class Schooling:
    """How long a network is taught, and on how many images at once."""

    epochs: int = 20
    batch: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that are none."""
        at_least_one(self, "epochs", "batch")


def teach(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    method: Method,
    optimiser: torch.optim.Optimizer,
    recipe: Schooling,
) -> Iterator[float]:
    """Train a network in place by a method; yield the last loss of each batch.

    `net` takes images (N,C,h,w) in [0,1], of any size, to logits (N,K); labels (N,) are classes.
    Each epoch has an order of its own, and leaves out what does not fill its last batch. Chance
    is the recipe's alone: two runs with one seed on one machine give the same. The modes of the
    layers are afterwards what they were. Raises `UserError` for images and labels that do not fit.
    """
    _check(images, labels)
    each = min(recipe.batch, len(images))
    modes = [(part, part.training) for part in net.modules()]
    memory: dict[str, Tensor] = {}
    try:
        for epoch in range(recipe.epochs):
            rng = generator(spawn(recipe.seed, "epoch", epoch))
            order = torch.randperm(len(images), generator=rng).to(images.device)
            for place in range(len(images) // each):
                rows = order[place * each : (place + 1) * each]
                shown = images[rows]
                lesson = Lesson(net, shown, labels[rows], rng, memory, plain=shown)
                net.train()
                yield learn(lesson, method, optimiser, spawn(recipe.seed, epoch, place))
    finally:
        for part, mode in modes:
            part.training = mode


def _check(images: Tensor, labels: Tensor) -> None:
    good = images.ndim == 4 and len(images) > 0
    check(good, "images", expected="images (N,C,h,w)", got=tuple(images.shape))
    low, high = (float(end) for end in images.aminmax())
    inside = low >= 0 and high <= 1
    fix = "bring them there"
    check(inside, "images", expected="values in [0,1]", got=f"{low:.3g} to {high:.3g}", fix=fix)
    fits = tuple(labels.shape) == (len(images),)
    check(fits, "labels", expected=f"one class an image, ({len(images)},)", got=labels.shape)
