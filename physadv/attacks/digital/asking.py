"""Asking a victim about points near images: rounded to 8 bits, counted, and the best are kept."""

from typing import NamedTuple

import torch
from torch import Tensor

from physadv.attacks.digital.attack import Best, Rows
from physadv.core import Answer, quantise
from physadv.objectives import Objective
from physadv.victims import BudgetError, Victim

PART = 64
"""How many images the victim is asked about at once."""
SLACK = 1e-6
"""How far float32's whole bytes are from one another's sums, at most."""


class Question(NamedTuple):
    """Who is asked, and what is wanted of the answer."""

    victim: Victim
    objective: Objective


class Asking:
    """What a victim told of points of B images, for at most `queries` answers an image.

    It begins with the images themselves. `spent` (B,) counts answers, `best` is what was found.
    Where the victim's own budget ends, answers that came before are used and no image is `open`
    any more.
    """

    def __init__(
        self, question: Question, images: Tensor, rows: Rows, queries: int, *, rounded: bool
    ) -> None:
        """Ask about the images; raises `BudgetError` where not even they can be paid."""
        self.question, self.rows, self.images = question, rows, images
        self.queries, self.rounded = queries, rounded
        self.spent = torch.zeros(len(images), dtype=torch.long)
        self.best, self.over = Best(images), list[BudgetError]()
        self.loss, _ = self(images, torch.arange(len(images)))
        if self.over:
            raise self.over[0]

    @property
    def done(self) -> float:
        """The share of its queries that the image has spent that spent most."""
        return float(self.spent.max()) / self.queries

    def open(self, cost: int = 1) -> Tensor:
        """Return the numbers (N,) of images without success that can pay for `cost` answers."""
        able = (self.spent + cost <= self.queries) & ~self.best.success.cpu()
        return able.nonzero()[:, 0] if not self.over else torch.zeros(0, dtype=torch.long)

    def __call__(self, points: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Ask about points (N,C,H,W) of images `which` (N,), made `ready`, and keep the best.

        Returns losses (N,), infinite where none is known, and successes (N,).
        """
        points = self.ready(points, which)
        loss, success = self.tell(points, which)
        self.keep(points, which, loss, success)
        return loss, success

    def ready(self, points: Tensor, which: Tensor) -> Tensor:
        """Return points as they are kept: in [0,1], rounded towards their images if `rounded`."""
        points = points.detach().clamp(0, 1)
        return inward(points, self.images[which]) if self.rounded else points

    @torch.no_grad()
    def tell(self, points: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Return losses (N,) and successes (N,) of points as they are; none is kept."""
        told = [
            self._part(part, numbers)
            for part, numbers in zip(points.split(PART), which.split(PART), strict=True)
        ]
        losses, successes = zip(*told, strict=True)
        return torch.cat(losses), torch.cat(successes)

    def keep(self, points: Tensor, which: Tensor, loss: Tensor, success: Tensor) -> None:
        """Offer points: of each image's own the best."""
        for number in which.unique():
            mine = (which == number).nonzero()[:, 0]
            rank = torch.where(success[mine] | ~success[mine].any(), loss[mine], torch.inf)
            first = mine[rank.argmin()]
            whole, at = self.images.clone(), torch.arange(len(self.images)) == number
            whole[number] = points[first]
            offered = torch.where(at.to(loss.device), loss[first], torch.inf)
            self.best.offer(whole, offered, at.to(success.device) & success[first])

    def _part(self, points: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        photo = self.rows.take(which).photo(points)
        try:
            answer = self.question.victim(photo.pixels)
        except BudgetError as error:
            self.over.append(error)
            answer = Answer(error.scores.to(points))
        known = ~answer.scores.isnan().flatten(1).all(dim=1)
        self.spent += torch.bincount(which[known.cpu()], minlength=len(self.spent))
        loss = self.question.objective.loss(answer, photo).nan_to_num(torch.inf)
        success = self.question.objective.success(answer, photo) & known
        return torch.where(known, loss, torch.inf), success


def inward(points: Tensor, images: Tensor) -> Tensor:
    """Return the points (N,...) with values of whole bytes, none farther from the images' than it.

    The nearest byte, or the next one towards the image; the image's own value where that would be
    beyond it. So no norm of a change grows, and what is not changed stays.
    """
    near, change = quantise(points), points - images
    far = (near - images).abs() > change.abs() + SLACK
    near = torch.where(far, quantise(near - change.sign() / 255), near)
    beyond = (near - images) * change < 0
    return torch.where(beyond | (change == 0), images, near)
