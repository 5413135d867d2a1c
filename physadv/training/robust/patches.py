"""Adversarial training against patches whose place is sought, photographed with the sign.

Rao, Stutz & Schiele, "Adversarial Training against Location-Optimized Adversarial Patches", ECCV
workshops 2020. Sizes are shares of the picture's side, as theirs are of 32 px: a square patch of
8 px anywhere but on the middle 10 px, moved by 2 px. The patch is laid on the plain crop, and
turned, blurred, exposed and framed with it; the same conditions hold while it is sought.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from physadv.attacks.digital import setting
from physadv.core import UserError, check
from physadv.core.check import above_zero, at_least_one, one_of
from physadv.training.robust.lesson import Lesson

SEARCHES = ("none", "random", "full")
DIRECTIONS = torch.tensor([[0, -1], [0, 1], [-1, 0], [1, 0]])
"""Up, down, left, right, as (x, y)."""


@dataclass(frozen=True)
class PatchTraining:
    """Cross-entropy of a batch of which a share bears patches, each made for its picture."""

    share: float = setting(0.5, "share of a batch that bears patches")
    side_ratio: float = setting(0.25, "side of a patch, of the crop's shorter one")
    spared_ratio: float = setting(0.3125, "sides of the middle that patches spare, of the crop's")
    search: str = setting("random", "where patches go: none, random, or full (all four ways)")
    stride_ratio: float = setting(0.0625, "how far a patch is moved, of the shorter side")
    steps: int = setting(10, "steps of the attack; Rao et al. take 25 of 0.1")
    rate: float = setting(0.25, "size of a signed step")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that leave patches no room, or are none."""
        above_zero(self, "share", "side_ratio", "stride_ratio", "rate")
        at_least_one(self, "steps")
        one_of("search", self.search, SEARCHES)
        check(self.share <= 1, "share", expected="at most 1", got=self.share)
        room = self.side_ratio + self.spared_ratio / 2 <= 0.5
        expected = "with half the middle that is spared at most 0.5"
        check(room, "side_ratio", expected=expected, got=self.side_ratio)

    def __call__(self, lesson: Lesson) -> Iterator[Tensor]:
        """Yield the loss of a batch: patched rows first, then those that are as they were."""
        if lesson.plain is None:
            raise UserError("lesson", expected="the plain crops, to lay patches on", got="none")
        count = max(1, round(self.share * len(lesson.images)))
        shown = lesson.plain.clone()
        with lesson.at_rest():
            shown[:count] = self.attacked(lesson, lesson.plain[:count])
        yield cross_entropy(lesson.scores(lesson.taken(shown)), lesson.labels)

    def attacked(self, lesson: Lesson, plain: Tensor) -> Tensor:
        """Return a lesson's first crops under the patches of the highest loss met for each."""
        side = max(1, round(self.side_ratio * min(plain.shape[2:])))
        corner = self._anywhere(plain, side, lesson.rng)
        shape = (*plain.shape[:2], side, side)
        patch = torch.rand(shape, generator=lesson.rng).to(plain)
        best, most = plain.clone(), torch.full((len(plain),), -torch.inf).to(plain)
        for _ in range(self.steps):
            patch = patch.detach().requires_grad_()
            shown = laid(plain, patch, corner)
            loss = self._losses(lesson, shown)
            (slope,) = torch.autograd.grad(loss.sum(), patch)
            loss = loss.detach()
            better = loss > most
            best[better], most = shown.detach()[better], torch.where(better, loss, most)
            patch = (patch.detach() + self.rate * slope.sign()).clamp(0, 1)
            corner = self._moved(lesson, plain, patch, corner, loss)
        return best

    def _losses(self, lesson: Lesson, shown: Tensor) -> Tensor:
        scores, labels = lesson.scores(lesson.taken(shown)), lesson.labels[: len(shown)]
        return cross_entropy(scores, labels, reduction="none")

    def _moved(
        self, lesson: Lesson, plain: Tensor, patch: Tensor, corner: Tensor, loss: Tensor
    ) -> Tensor:
        """Return corners (B,2) after a try of the ways there are; where none is worse, the same."""
        stride = max(1, round(self.stride_ratio * min(plain.shape[2:])))
        ways = DIRECTIONS[:, None].expand(-1, len(plain), -1)
        if self.search == "random":
            ways = DIRECTIONS[torch.randint(4, (1, len(plain)), generator=lesson.rng)]
        place = corner
        for way in ways if self.search != "none" else ():
            tried = self._allowed(corner, corner + stride * way, plain, patch.shape[-1])
            with torch.no_grad():
                found = self._losses(lesson, laid(plain, patch, tried))
            place = torch.where((found > loss)[:, None], tried, place)
            loss = torch.maximum(loss, found)
        return place

    def _allowed(self, old: Tensor, new: Tensor, plain: Tensor, side: int) -> Tensor:
        """Return new corners where a patch may lie, else the old ones."""
        inside = ((new >= 0) & (new <= _sides(plain) - side)).all(dim=1)
        return torch.where((inside & self._spares(new, plain, side))[:, None], new, old)

    def _spares(self, corner: Tensor, plain: Tensor, side: int) -> Tensor:
        """Return whether patches (B,) are off the middle."""
        low, high = (_sides(plain) * (1 + end * self.spared_ratio) / 2 for end in (-1, 1))
        return ((corner + side <= low) | (corner >= high)).any(dim=1)

    def _anywhere(self, plain: Tensor, side: int, rng: torch.Generator) -> Tensor:
        """Draw corners (B,2), (x, y), evenly from where patches may lie."""
        across, down = (_sides(plain) - side + 1).tolist()
        every = torch.cartesian_prod(torch.arange(across), torch.arange(down))
        every = every[self._spares(every, plain, side)]
        size = f"{plain.shape[2]}x{plain.shape[3]} px"
        check(len(every) > 0, "images", expected="room for a patch beside their middle", got=size)
        return every[torch.randint(len(every), (len(plain),), generator=rng)]


def _sides(plain: Tensor) -> Tensor:
    """Return the width and the height of pictures (B,C,H,W), as corners (x, y) are."""
    return torch.tensor([plain.shape[3], plain.shape[2]])


def laid(plain: Tensor, patch: Tensor, corner: Tensor) -> Tensor:
    """Return pictures (B,C,H,W) with patches (B,C,s,s) whose top left pixels are corners (B,2)."""
    side = torch.arange(patch.shape[-1])
    rows, columns = corner[:, 1, None] + side, corner[:, 0, None] + side
    index = torch.arange(len(plain))[:, None, None]
    made = plain.permute(0, 2, 3, 1).clone()
    made[index, rows[:, :, None], columns[:, None, :]] = patch.permute(0, 2, 3, 1)
    return made.permute(0, 3, 1, 2)
