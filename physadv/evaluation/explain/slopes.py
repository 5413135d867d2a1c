"""The margin of each image and its gradient: what the linear view of a victim is made of."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Detections, Encoded, UserError, check
from physadv.objectives import margin
from physadv.victims import Victim, check_gradients

BATCH = 64


@dataclass(frozen=True, eq=False)
class Slopes:
    """Images (B,C,H,W) that are read correctly, labels and margins (B,), gradients (B,C,H,W).

    The margin is the label's score less the best other one; its gradient is by the image's values.
    """

    images: Encoded
    labels: Tensor
    margins: Tensor
    slopes: Tensor

    @property
    def signs(self) -> Tensor:
        """The change (B,C,H,W) of size 1 in every value that lowers the margin most."""
        return -self.slopes.sign()

    def changed(self, change: Tensor) -> Encoded:
        """Return the images changed, as far as [0,1] allows."""
        return Encoded((self.images + change).clamp(0, 1))

    def fall(self, made: Encoded) -> Tensor:
        """Return the fall of the margin, (B,), that the gradients foresee for changed images."""
        return -((made - self.images) * self.slopes).flatten(1).sum(dim=1)


@torch.no_grad()
def margins(victim: Victim, images: Tensor, labels: Tensor) -> Tensor:
    """Return the label's score less the best other one, (B,), of any number of images."""
    found = [
        -margin(victim(Encoded(some)).scores, own)
        for some, own in zip(torch.split(images, BATCH), torch.split(labels, BATCH), strict=True)
    ]
    return torch.cat(found)


def read_slopes(victim: Victim, images: Encoded, labels: Tensor) -> Slopes:
    """Return margins and gradients of the images that the victim reads as their labels.

    Raises `UserError` for a victim without gradients, for one that is no classifier, and where no
    image is read correctly or a margin is no number.
    """
    check_gradients(victim, expected="a classifier with gradients")
    found = [
        _sloped(victim, some, own)
        for some, own in zip(torch.split(images, BATCH), torch.split(labels, BATCH), strict=True)
    ]
    margin_each, slopes = (torch.cat(parts) for parts in zip(*found, strict=True))
    good = bool(margin_each.isfinite().all())
    check(good, "victim", expected="scores that are numbers", got="nan or inf for some image")
    right = margin_each > 0
    some_right = "an image that is read as its label"
    check(bool(right.any()), "images", expected=some_right, got=f"{len(images)} that are not")
    return Slopes(Encoded(images[right]), labels[right], margin_each[right], slopes[right])


def _sloped(victim: Victim, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        point = images.detach().clone().requires_grad_()
        answer = victim(Encoded(point))
    if isinstance(answer, Detections):
        raise UserError("victim", expected="a classifier", got=f"{victim.name}, a detector")
    with torch.enable_grad():
        found = -margin(answer.scores, labels)
        (slope,) = torch.autograd.grad(found.sum(), point)
    return found.detach(), slope
