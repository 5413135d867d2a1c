"""Smooth stickers: colours made of a few low frequencies, which no camera loses."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Encoded, Ink
from physadv.core.device import here
from physadv.patch.mask import Mask

MOST = 4.0
"""The largest coefficient: one alone takes colour from 2 % to 98 %."""


@dataclass(frozen=True)
class Waves:
    """theta (3,n,n): a cosine series over the frame, n frequencies a side, through a sigmoid.

    The basis is the discrete cosine transform's (Ahmed, Natarajan & Rao 1974); the shortest wave
    is 2 / (n - 1) of the frame's side. As in low-frequency attacks (Guo, Frank & Weinberger 2019).
    """

    mask: Mask
    frequencies: int = 8

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of theta."""
        return 3, self.frequencies, self.frequencies

    def start(self, rng: torch.Generator) -> Tensor:
        """Return a first theta: greys and colours near the middle."""
        return 0.1 * torch.randn(self.shape, generator=rng)

    def project(self, theta: Tensor) -> Tensor:
        """Return the nearest theta within the limits."""
        return theta.clamp(-MOST, MOST)

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink over the frame at `width_px` columns."""
        cover = self.mask.cover(width_px)
        down, across = (self._cosines(side).to(theta) for side in cover.shape[-2:])
        values = down @ theta @ across.T
        return Ink(Encoded(torch.sigmoid(values)[None]), cover)

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt a theta that is at its limits."""
        share = float((theta.abs() > 0.99 * MOST).float().mean())
        told = f"{100 * share:.0f} % of the waves are at their limits"
        return (told,) if share > 0.95 else ()

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return stickers of the same place and size that a fair attack must beat.

        blank is white, mean colour theta without its waves, random noise has random waves as
        strong in all, shuffled its own waves in random order, and spectrum-matched each wave with
        a random sign, the same in all channels.
        """
        order = torch.randperm(self.frequencies**2 - 1, generator=rng) + 1
        flat, signs = theta.flatten(1), torch.randint(2, (1, *self.shape[1:]), generator=rng)
        noise = torch.randn(self.shape, generator=rng) * theta.std()
        mean, white = torch.zeros_like(theta), torch.zeros_like(theta)
        mean[:, 0, 0], white[:, 0, 0] = theta[:, 0, 0], MOST
        shuffled = torch.cat([flat[:, :1], flat[:, order]], dim=1).reshape(theta.shape)
        turned = theta * (2.0 * signs - 1)
        turned[:, 0, 0] = theta[:, 0, 0]
        return {
            "blank": white,
            "mean colour": mean,
            "random noise": self.project(noise),
            "shuffled": shuffled,
            "spectrum-matched": turned,
        }

    def _cosines(self, length: int) -> Tensor:
        """Return the basis (length,n) at the middles of a side's pixels."""
        place = (torch.arange(length) + 0.5) / length
        return here(torch.cos(math.pi * place[:, None] * torch.arange(self.frequencies)))
