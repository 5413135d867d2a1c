"""The nearest image of little total variation, with its own slope.

Rudin, Osher & Fatemi 1992 minimise |u - image|² / 2 + weight TV(u), here by the steps of Chambolle
2004 in the dual. Guo, Rana, Cisse & van der Maaten, "Countering Adversarial Images using Input
Transformations", ICLR 2018, put it before a network; Athalye, Carlini & Wagner 2018 break it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import pad

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded
from physadv.core.check import above_zero, at_least_one
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended
from physadv.victims import Victim

RATE = 0.25
"""Chambolle's step in two dimensions."""
FLAT = 1e-20
"""Added to squared slopes, whose root has no slope at 0."""


@dataclass(frozen=True)
class TotalVariation:
    """The nearest image of little total variation, each colour for itself.

    The slope is its own: the map is proximal, and such a map's derivative is symmetric (Moreau
    1965), so that a slope goes back as a change goes forward; within 1 % where 30 steps are not the
    whole way. Guo et al. drop pixels at random before it; here none are.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("total-variation", "input", "Rudin et al. 1992")

    weight: float = setting(0.05, "weight of the total variation against the distance")
    steps: int = setting(30, "steps of Chambolle's search")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        above_zero(self, "weight")
        at_least_one(self, "steps")

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it."""
        name = f"total variation {self.weight:g}"
        return Defended(victim, name, change=lambda images, _: self.squeeze(images))

    def squeeze(self, images: Tensor) -> Encoded:
        """Return images (B,C,H,W) denoised."""
        made: Tensor = _Denoised.apply(images, self.weight, self.steps)
        return Encoded(made)


class _Denoised(torch.autograd.Function):
    """`denoised`, differentiated forward instead of backward."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: float, steps: int) -> Tensor:
        """Return the images denoised."""
        ctx.save_for_backward(images)
        ctx.settings = weight, steps
        return denoised(images, weight, steps)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        """Return the slope's way through the derivative, which is its own transpose."""
        (images,) = ctx.saved_tensors
        return moved(images, slope, *ctx.settings), None, None


def denoised(images: Tensor, weight: float, steps: int) -> Tensor:
    """Return images (B,C,H,W) after so many steps in the dual; none leaves them as they are."""
    down, right = torch.zeros_like(images), torch.zeros_like(images)
    for _ in range(steps):
        fall = _falls(images + _divergence(down, right))
        scale = 1 + RATE / weight * _length(fall)
        down, right = (down - RATE * fall[0]) / scale, (right - RATE * fall[1]) / scale
    return images + _divergence(down, right)


def moved(images: Tensor, change: Tensor, weight: float, steps: int) -> Tensor:
    """Return the derivative of `denoised` along a change of the images (B,C,H,W)."""
    down, right = torch.zeros_like(images), torch.zeros_like(images)
    down_by, right_by = torch.zeros_like(images), torch.zeros_like(images)
    for _ in range(steps):
        fall = _falls(images + _divergence(down, right))
        by = _falls(change + _divergence(down_by, right_by))
        length = _length(fall)
        scale = 1 + RATE / weight * length
        scale_by = RATE / weight * (fall[0] * by[0] + fall[1] * by[1]) / length
        down, right = (down - RATE * fall[0]) / scale, (right - RATE * fall[1]) / scale
        down_by = (down_by - RATE * by[0] - down * scale_by) / scale
        right_by = (right_by - RATE * by[1] - right * scale_by) / scale
    return change + _divergence(down_by, right_by)


def _falls(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return differences to the next row and column, 0 at the last ones."""
    return pad(images.diff(dim=2), (0, 0, 0, 1)), pad(images.diff(dim=3), (0, 1))


def _length(fall: tuple[Tensor, Tensor]) -> Tensor:
    return (fall[0].square() + fall[1].square() + FLAT).sqrt()


def _divergence(down: Tensor, right: Tensor) -> Tensor:
    """Return the transpose of `_falls` of a field whose last row and column are 0."""
    return pad(down, (0, 0, 1, 0))[..., :-1, :] - down + pad(right, (1, 0))[..., :-1] - right
