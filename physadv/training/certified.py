"""Training on a certificate: the worst that the bound allows is what is made small.

Wong & Kolter 2018 (polytope): Adam on the robust loss alone, eps growing to its end. Gowal et al.
2018 (interval): the clean loss has a share, which falls as eps grows.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from physadv.core import check, generator, spawn
from physadv.core.check import above_zero, at_least_one, one_of
from physadv.defences.certify import Method, robust_loss
from physadv.training.recogniser import move_mean

Progress = Callable[[int, int, dict[str, float]], None]
"""Called after each step with (steps done, steps in all, figures)."""
Change = Callable[[Tensor, torch.Generator], Tensor]
"""Changes a batch of images that are learnt from, as `Jitter` does."""
SCHEDULES = ("halved", "cosine")
RISING = 0.05
"""Of all steps: how long the rate of "cosine" rises from 0."""


@dataclass(frozen=True)
class CertifiedRecipe:
    """Settings of a training with certificates; `eps` 0 is the standard training.

    `eps` grows in a line from `first_eps` over the first `growing` epochs; the learning rate is
    halved every `halve` epochs, or with the schedule "cosine" it rises over the first twentieth
    of the training, and falls to 0 from when eps has grown. `clean_share` of the loss, once eps is
    at its end, is the clean one (it falls there in a line from 1). `average` is how much of the
    running mean of the weights, which is what comes out, stays in each step; 0 for none. Raises
    `UserError` for what cannot be.
    """

    eps: float = 0.1
    method: Method = "polytope"
    epochs: int = 60
    growing: int = 30
    first_eps: float = 0.01
    batch: int = 50
    learning_rate: float = 1e-3
    halve: int = 20
    schedule: str = "halved"
    average: float = 0.0
    clean_share: float = 0.0
    within: tuple[float, float] | None = (0.0, 1.0)
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what was given."""
        one_of("method", self.method, get_args(Method))
        at_least_one(self, "epochs", "batch", "halve")
        above_zero(self, "learning_rate")
        check(self.eps >= 0, "eps", expected="0 or above", got=self.eps)
        one_of("schedule", self.schedule, SCHEDULES)
        good = 0 <= self.average < 1
        check(good, "average", expected="a share, 0 to below 1", got=self.average)
        good = 0 <= self.clean_share <= 1
        check(good, "clean_share", expected="a share of the loss, 0 to 1", got=self.clean_share)

    def grown(self, epoch: float) -> float:
        """Return how far eps has grown after some epochs, 0 to 1."""
        return min(1.0, epoch / self.growing) if self.growing else 1.0

    def eps_at(self, epoch: float) -> float:
        """Return the eps after some epochs."""
        first = min(self.first_eps, self.eps)
        return first + self.grown(epoch) * (self.eps - first)

    def rate_at(self, epoch: float) -> float:
        """Return the learning rate after some epochs."""
        if self.schedule == "halved":
            return self.learning_rate * float(0.5 ** (epoch // self.halve))
        falling = max(0.0, epoch - self.growing) / max(1e-9, self.epochs - self.growing)
        risen = min(1.0, epoch / (RISING * self.epochs))
        return self.learning_rate * risen * 0.5 * (1 + math.cos(math.pi * falling))

    def clean_at(self, epoch: float) -> float:
        """Return the share of the clean loss after some epochs."""
        return 1 - self.grown(epoch) * (1 - self.clean_share) if self.clean_share else 0.0


def train_certified(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    recipe: CertifiedRecipe,
    *,
    change: Change | None = None,
    progress: Progress = lambda *_: None,
) -> nn.Module:
    """Return a copy of a sequential network, trained on images (N, ...) and labels (N,).

    It begins with the weights of `net`. `change` is applied to each batch, as `Jitter()`. Two runs
    with one seed on one machine give the same. Batch normalisation keeps its statistics. Raises
    `UserError` for a layer that no bound is known for, by its name.
    """
    made = copy.deepcopy(net).eval()
    mean = copy.deepcopy(made)
    optimiser = torch.optim.Adam(made.parameters(), lr=recipe.learning_rate)
    rng, chance = (generator(spawn(recipe.seed, name)) for name in ("order", "change"))
    each = -(-len(images) // recipe.batch)
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(images), generator=rng)
        for place, rows in enumerate(order.split(recipe.batch)):
            now, done = epoch + place / each, epoch * each + place + 1
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate_at(now)
            shown = images[rows] if change is None else change(images[rows], chance)
            loss = _loss(made, shown, labels[rows], recipe, now)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            move_mean(mean, made, min(recipe.average, done / (10 + done)))
            progress(done, recipe.epochs * each, {"loss": float(loss.detach())})
    return mean


def _loss(
    net: nn.Module, images: Tensor, labels: Tensor, recipe: CertifiedRecipe, epoch: float
) -> Tensor:
    if recipe.eps == 0:
        return F.cross_entropy(net(images), labels)
    eps, share = recipe.eps_at(epoch), recipe.clean_at(epoch)
    loss = robust_loss(net, images, labels, eps, method=recipe.method, within=recipe.within).mean()
    return loss if share == 0 else (1 - share) * loss + share * F.cross_entropy(net(images), labels)
