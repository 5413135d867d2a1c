"""Training on what a victim within a certified defence is shown: noise, bands, masks.

Cross-entropy of pictures that are noisy or partly hidden, as the defence that is put around the
network afterwards shows them. Papers differ in nothing else from a usual training.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from physadv.attacks.digital import setting
from physadv.core import check
from physadv.core.check import above_zero, at_least_one, one_of
from physadv.defences import DerandomizedSmoothing, RandomizedSmoothing
from physadv.training.robust.lesson import Lesson

GREY = 0.5


@dataclass(frozen=True)
class Noise:
    """Gaussian noise on every picture, for `RandomizedSmoothing`, with the sigma it will have.

    Cohen, Rosenfeld & Kolter, "Certified Adversarial Robustness via Randomized Smoothing", ICML
    2019, section 3.3. Noisy pictures are clipped to [0,1], as the defence does.
    """

    sigma: float = setting(0.12, "standard deviation of the noise")

    def __post_init__(self) -> None:
        """Raise `UserError` for noise that is none."""
        above_zero(self, "sigma")

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        yield _loss(lesson, RandomizedSmoothing(self.sigma).shown(lesson.images, lesson.rng))


@dataclass(frozen=True)
class Bands:
    """All but one band of each picture hidden, at a random place, for `DerandomizedSmoothing`.

    Levine & Feizi, "(De)Randomized Smoothing for Certifiable Defense against Patch Attacks",
    NeurIPS 2020. Hidden pixels are grey here; theirs are told by six channels.
    """

    band_px: int = setting(4, "width of the band")
    axis: str = setting("columns", "what bands are made of: columns or rows")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        at_least_one(self, "band_px")
        one_of("axis", self.axis, ("columns", "rows"))

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        defence = DerandomizedSmoothing(self.band_px, axis=self.axis, fill=GREY)
        yield _loss(lesson, defence.shown(lesson.images, lesson.rng))


@dataclass(frozen=True)
class Masks:
    """Squares of each picture hidden, with their middles anywhere, for `PatchCleanser`.

    Xiang, Mahloujifar & Mittal, "PatchCleanser", USENIX Security 2022, train with cutout (DeVries &
    Taylor 2017): squares may reach over the edge.
    """

    holes: int = setting(2, "squares in each picture")
    side_ratio: float = setting(0.5, "side of a square, of the picture's")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        at_least_one(self, "holes")
        above_zero(self, "side_ratio")
        check(self.side_ratio <= 1, "side_ratio", expected="at most 1", got=self.side_ratio)

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        images = lesson.images
        rows, columns = (self._hidden(lesson, side) for side in images.shape[-2:])
        hidden = (rows[..., None] & columns[..., None, :]).any(dim=1, keepdim=True)
        yield _loss(lesson, images.masked_fill(hidden, GREY))

    def _hidden(self, lesson: Lesson, side: int) -> Tensor:
        """Return (B,holes,side) bool: which of the pixels along an axis are within each hole."""
        long = max(1, round(self.side_ratio * side))
        shape = (len(lesson.images), self.holes, 1)
        first = torch.randint(side, shape, generator=lesson.rng) - long // 2
        pixel = torch.arange(side)
        return (pixel >= first) & (pixel < first + long)


def _loss(lesson: Lesson, shown: Tensor) -> Tensor:
    return cross_entropy(lesson.scores(shown), lesson.labels)
