"""Which victims share their errors: images made on each, shown to all.

Papernot, McDaniel & Goodfellow, "Transferability in Machine Learning", arXiv 1605.07277, 2016.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from physadv.attacks.digital import PGD
from physadv.core import Rate, check, generator, spawn
from physadv.core.check import at_least_one
from physadv.evaluation.explain.slopes import Slopes
from physadv.evaluation.transfer import TransferMatrix, attack_each, judge_transfer
from physadv.victims import Victim, detects

NOISE = "random signs"
"""The row of images that nothing was asked for: each value moved by eps up or down."""


@dataclass(frozen=True)
class Others:
    """Victims to compare with, of the same labels, and the PGD (norm inf) made on each.

    Those without gradients read images and have none made on them. Raises `UserError` for an eps
    beyond what images are.
    """

    victims: Sequence[Victim]
    eps: float = 8 / 255
    steps: int = 20

    def __post_init__(self) -> None:
        """Raise `UserError` for changes that are none."""
        check(0 < self.eps <= 1, "eps", expected="a number above 0, up to 1", got=self.eps)
        at_least_one(self, "steps")

    @property
    def attack(self) -> PGD:
        """What images are made with."""
        return PGD(eps=self.eps, steps=self.steps)

    def beside(self, victim: Victim) -> tuple[Victim, ...]:
        """Return all victims, this one first; raises `UserError` where they are not comparable."""
        check(len(self.victims) > 0, "others", expected="at least one victim", got="none")
        for one in self.victims:
            told = f"{one.name}, a detector"
            check(not detects(one), "others", expected="a classifier", got=told)
            expected = f"the {len(victim.labels)} labels of {victim.name}, in their order"
            told = f"{one.name} with others ({len(one.labels)})"
            check(one.labels == victim.labels, "others", expected=expected, got=told)
        every = (victim, *self.victims)
        names = [one.name for one in every]
        expected = "victims of different names"
        check(len({*names}) == len(names), "others", expected=expected, got=", ".join(names))
        return every


@dataclass(frozen=True)
class Shared:
    """How often images made on each victim (and by random signs) are misread by each."""

    eps: float
    steps: int
    matrix: TransferMatrix

    def facts(self) -> dict[str, Any]:
        """Return the figures as JSON takes them: rates as hits, n and interval."""
        found = self.matrix
        return {
            "eps": self.eps,
            "steps": self.steps,
            "images": found.n,
            "read by": found.columns,
            "read right before": [_listed(one) for one in found.read],
            "misread, by what they were made on": {
                name: [_listed(one) for one in row]
                for name, row in zip(found.rows, found.success, strict=True)
            },
        }


def shared_errors(
    victims: Sequence[Victim],
    known: Slopes,
    others: Others,
    *,
    seed: int = 0,
    watch: Callable[[float], None] = lambda _share: None,
) -> Shared:
    """Make images on each victim that has gradients, and by chance, and show them to all."""
    open_ones = [one for one in victims if one.differentiable]
    told = (known.images, known.labels)
    made = attack_each(open_ones, others.attack, *told, seed=seed, watch=watch)
    rng = generator(spawn(seed, "transfer", "signs"))
    signs = torch.randint(0, 2, known.images.shape, generator=rng) * 2.0 - 1
    made[NOISE] = known.changed(others.eps * signs)
    return Shared(others.eps, others.steps, judge_transfer(made, victims, *told))


def _listed(rate: Rate | None) -> list[float] | None:
    return None if rate is None else [rate.hits, rate.n, rate.low, rate.high]
