"""The settings of a substitute's training."""

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from physadv.attacks.digital.substitute.networks import NETWORKS
from physadv.core import check
from physadv.core.check import above_zero, at_least_one, one_of

ANSWERS = ("label", "scores")


@dataclass(frozen=True)
class SubstituteRecipe:
    """How a substitute is trained on a victim's answers.

    At most `queries` images are shown to the victim; of its answers the `label` alone is used, or
    the `scores`. There are `rounds` augmentations by `step` (lambda), whose sign turns every
    `period` of them (tau; None: never). Each doubles the images; after `doublings` (sigma; None:
    all) of them it moves and adds `reservoir` (kappa) of them, chosen at random. The `network`,
    which sees images resized to `side_px`, learns for `epochs` before the first augmentation and
    after each, by Adam.
    """

    queries: int = 6400
    answers: Literal["label", "scores"] = "label"
    rounds: int = 6
    step: float = 0.1
    period: int | None = None
    doublings: int | None = None
    reservoir: int = 400
    network: str = "convolutional"
    side_px: int = 32
    epochs: int = 10
    batch: int = 64
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        """Raise `UserError` for a recipe of nothing."""
        at_least_one(self, "queries", "epochs", "batch", "reservoir")
        above_zero(self, "learning_rate")
        one_of("answers", self.answers, ANSWERS)
        one_of("network", self.network, NETWORKS)
        check(self.side_px >= 4, "side_px", expected="at least 4", got=self.side_px)
        check(self.rounds >= 0, "rounds", expected="0 or more", got=self.rounds)
        good = isfinite(self.step) and 0 < self.step <= 1
        check(good, "step", expected="above 0 and at most 1", got=self.step)
        good = self.period is None or self.period >= 1
        check(good, "period", expected="at least 1, or None", got=self.period)
        good = self.doublings is None or self.doublings >= 0
        check(good, "doublings", expected="0 or more, or None", got=self.doublings)

    @property
    def size_px(self) -> tuple[int, int]:
        """The (height, width) that the network sees."""
        return self.side_px, self.side_px

    def wanted(self, count: int, augmentation: int) -> int:
        """Return how many of `count` images an augmentation, counted from 0, would move."""
        doubles = self.doublings is None or augmentation < self.doublings
        return count if doubles else min(count, self.reservoir)
