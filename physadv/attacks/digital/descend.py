"""What searches along gradients share: asking at a point, the slope there, how far it may go."""

import torch
from torch import Tensor

from physadv.attacks.digital.attack import ALL, Best, Rows
from physadv.objectives import Objective
from physadv.victims import Victim


def box(images: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
    """Return the least and the largest change of each value: images stay in [0,1], masks kept.

    The rows' mask is as large as the images (`Rows.spread`).
    """
    low, high = -images, 1 - images
    if rows.mask is None:
        return low, high
    return low * (rows.mask != 0), high * (rows.mask != 0)


def ask(
    victim: Victim,
    objective: Objective,
    rows: Rows,
    point: Tensor,
    best: Best,
    some: Tensor | slice = ALL,
) -> Tensor:
    """Return the loss (b,) at a point of some images, all by default, and offer the point."""
    photo = rows.take(some).photo(point)
    answer = victim(photo.pixels)
    loss = objective.loss(answer, photo)
    best.offer(point, loss, objective.success(answer, photo), some)
    return loss


def descend(
    victim: Victim,
    objective: Objective,
    rows: Rows,
    point: Tensor,
    best: Best,
    some: Tensor | slice = ALL,
) -> Tensor:
    """Return the slope of the loss at a point of some images, all by default, and offer the point.

    What is no number is 0.
    """
    point = point.detach().requires_grad_()
    loss = ask(victim, objective, rows, point, best, some)
    (slope,) = torch.autograd.grad(loss.sum(), point)
    return slope.nan_to_num(0.0, 0.0, 0.0)


@torch.no_grad()
def succeeds(victim: Victim, objective: Objective, rows: Rows, images: Tensor) -> Tensor:
    """Return which images (B,...) succeed, (B,)."""
    photo = rows.photo(images)
    return objective.success(victim(photo.pixels), photo)
