"""What digital attacks share: rows of what is known of each image, steps that are watched."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import torch
from torch import Tensor

from physadv.core import Encoded, Photo, UserError, check
from physadv.objectives import Objective
from physadv.victims import Victim, check_gradients


@dataclass(frozen=True, eq=False)
class Rows:
    """What is known of each image: a row a tensor, each None where nothing is.

    `labels` (B,) is what the objective is told the images show (or, with `as_labelled`, should be
    read as); `mask` is broadcast to the images, and what is 0 in it stays as it is; `start` (as
    the images) is where the search begins; `corners` (B,4,2) are a sticker's (x, y) in pixels,
    clockwise from the top left one; `boxes` (B,4), x1y1x2y2 in pixels, are where the thing is that
    the objective is about, by default the whole image.
    """

    labels: Tensor | None = None
    mask: Tensor | None = None
    start: Tensor | None = None
    corners: Tensor | None = None
    boxes: Tensor | None = None

    def take(self, rows: Tensor | slice) -> "Rows":
        """Return the chosen rows."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return Rows(**{name: None if v is None else v[rows] for name, v in values.items()})

    def spread(self, images: Tensor) -> "Rows":
        """Return the rows with the mask as large as the images."""
        if self.mask is None:
            return self
        try:
            return replace(self, mask=self.mask.to(images).expand_as(images))
        except RuntimeError as error:
            raise UserError(
                "mask",
                expected=f"a shape that broadcasts to {tuple(images.shape)}",
                got=tuple(self.mask.shape),
            ) from error

    def photo(self, images: Tensor) -> Photo:
        """Return the images as photos of what `labels` says (-1: unknown), where `boxes` say."""
        count, (height, width) = len(images), images.shape[-2:]
        whole = torch.tensor([[0.0, 0.0, width, height]]).repeat(count, 1)
        box = whole if self.boxes is None else self.boxes
        labels = torch.full((count,), -1) if self.labels is None else self.labels
        return Photo(Encoded(images), box.reshape(-1, 2, 2), box, labels.to(images.device))


UNKNOWN = Rows()
"""Nothing is known of the images."""
ALL = slice(None)
"""Every row."""


@dataclass(frozen=True, eq=False)
class Step:
    """A step of a search: the share that is `done`, the images it asked for, the loss's slope."""

    done: float
    images: Tensor
    slope: Tensor


Watch = Callable[[Step], None]


def ignore(_step: Step) -> None:
    """Watch without a word."""


class DigitalAttack(Protocol):
    """A frozen dataclass of settings that changes images; see `physadv.testing.check_digital`.

    Where it has an attribute `together` that is true, it is given all images at once. An attribute
    `needs` goes before that of its class's `about`, where the settings decide.
    """

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = ...,
        seed: int = ...,
        watch: Watch = ...,
    ) -> Encoded:
        """Return images of the same shape, in [0,1], with the lowest loss found for each."""


class Plugin(Protocol):
    """What the entry points of the group `physadv.plugins` lead to."""

    @property
    def about(self) -> str:
        """Say in a line what it brings."""

    def attacks(self) -> Sequence[str]:
        """List the attacks that `physadv attack --attack PLUGIN:NAME` may name."""

    def attack(self, name: str, settings: Mapping[str, object]) -> DigitalAttack:
        """Return an attack with settings of its framework's own, or raise `UserError`."""


class Best:
    """The best point found for each image: one that succeeds, of those the one of least loss."""

    def __init__(self, images: Tensor) -> None:
        """Begin with the images themselves, which count as worse than whatever is offered."""
        self.images = images.clone()
        self.loss = torch.full((len(images),), torch.inf, device=images.device)
        self.success = torch.zeros(len(images), dtype=torch.bool, device=images.device)

    def offer(
        self, images: Tensor, loss: Tensor, success: Tensor, rows: Tensor | slice = ALL
    ) -> None:
        """Keep those of the images (b,...) that are better; they are of `rows`."""
        before = self.success[rows]
        loss, success = loss.detach().to(self.loss), success.to(before.device)
        better = (success & ~before) | ((success == before) & (loss < self.loss[rows]))
        at = torch.arange(len(self.loss), device=better.device)[rows][better]
        self.images[at] = images.detach()[better]
        self.loss[at], self.success[at] = loss[better], success[better]


def check_door(victim: Victim, images: Tensor, rows: Rows) -> None:
    """Raise `UserError` unless a gradient attack can begin."""
    check_gradients(victim)
    check_images(images, rows)


def check_images(images: Tensor, rows: Rows) -> None:
    """Raise `UserError` unless images are in [0,1] and there is a label for each, or none."""
    low, high = (float(end) for end in torch.aminmax(images.detach()))
    inside = low >= 0 and high <= 1
    check(inside, "images", expected="values in [0,1]", got=f"{low:.3g} to {high:.3g}")
    labels = rows.labels
    if labels is not None:
        fits = tuple(labels.shape) == (len(images),)
        expected = f"shape ({len(images)},), one label an image"
        check(fits, "labels", expected=expected, got=tuple(labels.shape))
