"""EvadeHC on images, by labels alone.

Dang, Huang & Chang, "Evading Classifiers by Morphing in the Dark", CCS 2017; the climb itself is
in `morphing`. The detector is the victim, of which nothing is told but whether an answer is what
is wanted. The tester is the allowed change, which is known and costs nothing. The morpher shifts
the colour of a random rectangle and knows of neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.asking import SLACK, Asking, Question
from physadv.attacks.digital.attack import UNKNOWN, Rows, Step, Watch, check_images, ignore
from physadv.attacks.digital.ball import check_norm
from physadv.attacks.digital.morphing import Boxes, Ways, climb
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, generator, spawn
from physadv.core.check import at_least_one
from physadv.objectives import Objective
from physadv.victims import Victim

LEAST = 0.5 / 255
"""What rounding to 8 bits undoes."""
STEP = 8 / 255
"""How far a colour is shifted where eps, of another norm than inf, does not say."""


@dataclass(frozen=True)
class EvadeHC:
    """Settings of the climb; call it with a victim, images and an objective."""

    about: ClassVar[About] = About("evade-hc", "labels", "inf", "Dang, Huang & Chang 2017")

    norm: float = setting(inf, "norm of the change: inf, 2 or 1")
    eps: float = setting(8 / 255, "largest norm of the change", scales=True)
    queries: int = setting(2000, "most answers for an image")
    paths: int = setting(20, "random paths from each sample that leads")
    kept: int = setting(5, "samples that lead on from round to round")
    length: int = setting(30, "morphs of a path")
    jump: float = setting(0.75, "share of the way to the limit that a sample is moved on")
    step: float | None = setting(
        None, "by how much a morph shifts a colour; None for half of eps, or 8/255", scales=True
    )
    rounded: bool = setting(True, "whether only images of 8 bits are asked about and kept")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that move nothing."""
        check_norm(self.norm, (inf, 2.0, 1.0))
        check(0 <= self.eps < inf, "eps", expected="a number from 0 on", got=self.eps)
        at_least_one(self, "queries", "paths", "kept", "length")
        check(0 < self.jump <= 1, "jump", expected="above 0, at most 1", got=self.jump)
        least = LEAST if self.rounded else 0.0
        good = self.step is None or self.step > least
        expected = "more than 0.5/255 for 8 bits" if self.rounded else "above 0"
        fix = "rounding would undo it" if self.rounded else ""
        check(good, "step", expected=expected, got=self.step, fix=fix)

    @property
    def shifts(self) -> float:
        """By how much a morph shifts a colour: `step`, or what follows from norm and eps."""
        if self.step is not None:
            return self.step
        return max(self.eps / 2, 2 * LEAST) if self.norm == inf else STEP

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Encoded:
        """Return images (B,C,H,W) in [0,1] within `eps`: one that succeeds, else the nearest.

        Only the objective's success is asked for, never its loss. Raises `UserError` where images
        and rows do not fit.
        """
        check_images(images, rows)
        rows = rows.spread(images)
        asking = Asking(
            Question(victim, objective), images, rows, self.queries, rounded=self.rounded
        )
        found = images.clone()
        for number in range(len(images)):
            rng = generator(spawn(seed, "evade", number))
            if number in asking.open().tolist():
                ways = Ways(self.paths, self.kept, self.length, self.jump)
                found[number] = climb(images[number], self._boxes(asking, number), ways, rng).sample
            watch(Step((number + 1) / len(images), found, torch.zeros_like(images)))
        return Encoded(found)

    def _boxes(self, asking: Asking, number: int) -> Boxes:
        """Return morpher, tester and detector of an image."""
        image, mask = asking.images[number], asking.rows.mask
        kept = torch.ones_like(image) if mask is None else (mask[number] != 0).to(image)
        which = torch.tensor([number])

        def morph(samples: Tensor, seeds: Sequence[int]) -> Tensor:
            change = torch.stack([shift(image, self.shifts, seed) for seed in seeds])
            return asking.ready(samples + kept * change, which.expand(len(samples)))

        def tester(samples: Tensor) -> Tensor:
            change = (samples - image).flatten(1)
            size = torch.linalg.vector_norm(change, self.norm, dim=1)
            return torch.le(size.cpu(), self.eps + SLACK)

        def detector(samples: Tensor) -> Tensor:
            return asking.tell(samples, which.expand(len(samples)))[1].cpu()

        def left() -> int:
            return 0 if asking.over else asking.queries - int(asking.spent[number])

        return Boxes(morph, tester, detector, left)


def shift(image: Tensor, step: float, seed: int) -> Tensor:
    """Return a change (C,H,W) by +-step in each channel of a rectangle, drawn from a seed.

    Sides are from one pixel to half the image's, and all places at which it lies inside as likely.
    """
    rng, (channels, height, width) = generator(seed), image.shape
    chance = torch.rand(4 + channels, generator=rng)
    sides = [1 + int(chance[k] * max(1, size // 2)) for k, size in enumerate((height, width))]
    top, left = (
        int(chance[2 + k] * (size - sides[k] + 1)) for k, size in enumerate((height, width))
    )
    change = torch.zeros_like(image)
    colour = step * torch.where(chance[4:] < 0.5, -1.0, 1.0).to(image)
    change[:, top : top + sides[0], left : left + sides[1]] = colour[:, None, None]
    return change
