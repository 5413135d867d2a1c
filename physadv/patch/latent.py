"""Stickers from a generator: theta is a latent, so that what it makes stays among what it knows."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Encoded, Ink, check
from physadv.patch.mask import Mask


@dataclass(frozen=True, eq=False)
class Latent:
    """The picture that `generator` makes of theta (d,), laid over the frame where the mask is.

    `generator` takes (1,d) and returns encoded pictures (1,3,h,w) in [0,1], differentiably. A
    latent is normal; it is kept within `most_norm` of the mean (as in naturalistic patches, Hu et
    al. 2021), sqrt(d) unless said otherwise.
    """

    mask: Mask
    generator: Callable[[Tensor], Tensor]
    numbers: int
    most_norm: float | None = None

    @property
    def shape(self) -> tuple[int]:
        """The shape of theta."""
        return (self.numbers,)

    @property
    def _most(self) -> float:
        return self.numbers**0.5 if self.most_norm is None else self.most_norm

    def start(self, rng: torch.Generator) -> Tensor:
        """Return a normal latent."""
        return self.project(torch.randn(self.shape, generator=rng))

    def project(self, theta: Tensor) -> Tensor:
        """Return the nearest latent that is not too far from the mean."""
        norm = float(theta.norm())
        return theta if norm <= self._most * (1 + 1e-5) else theta * (self._most / norm)

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink over the frame at `width_px` columns."""
        cover = self.mask.cover(width_px)
        made = self.generator(theta[None])
        fits = made.ndim == 4 and made.shape[:2] == (1, 3)
        check(fits, "generator", expected="pictures (1,3,h,w)", got=tuple(made.shape))
        size = (cover.shape[-2], cover.shape[-1])
        picture = F.interpolate(made, size, mode="bilinear", align_corners=False)
        return Ink(Encoded(picture.clamp(0, 1)), cover)

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt a latent at its limit: what the generator makes there is seldom natural."""
        far = float(theta.norm()) > 0.999 * self._most
        return ("the latent is as far from the mean as it may be",) if far else ()

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return stickers of the same generator that a fair attack must beat.

        mean is the mean latent; random latent is any as far from it as theta; shuffled has theta's
        numbers in random order; opposite is minus theta.
        """
        drawn = torch.randn(self.shape, generator=rng)
        order = torch.randperm(self.numbers, generator=rng)
        return {
            "mean": torch.zeros_like(theta),
            "random latent": drawn * (theta.norm() / drawn.norm()),
            "shuffled": theta[order],
            "opposite": -theta,
        }
