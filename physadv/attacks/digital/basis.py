"""What a synthesis searches: pixels, or frequencies of which low ones move more."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

BASES = ("pixels", "fourier")
LEAST = 1e-3
"""Values this near to 0 and 1 are moved to here before they are turned into numbers."""


@dataclass(frozen=True)
class Basis:
    """Numbers to images (B,C,H,W) in [0,1], through a logistic function.

    `pixels` are one number a value. `fourier` are the parts of a real spectrum, each multiplied by
    one over its frequency, so that steps of one size change smooth patterns most, as natural
    images are (Olah et al. 2017; without their decorrelation of colours, which is that of
    ImageNet). Frequencies above `band` times Nyquist's are left out.
    """

    kind: str
    band: float
    size: tuple[int, int]

    @cached_property
    def scale(self) -> Tensor:
        """Return what each frequency is multiplied by, (H, W//2+1); its mean square is 1."""
        height, width = self.size
        down, across = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
        frequency = (down[:, None] ** 2 + across[None] ** 2).sqrt()
        inside = torch.maximum(down.abs()[:, None], across[None]) <= 0.5 * self.band
        scale = inside / frequency.clamp_min(1 / max(height, width))
        scaled: Tensor = scale / scale.square().mean().sqrt()
        return scaled

    def draw(self, shape: torch.Size, rng: torch.Generator) -> Tensor:
        """Return the numbers of noise: uniform pixels, or as strong at every scale."""
        if self.kind == "pixels":
            return torch.rand(shape, generator=rng).clamp(LEAST, 1 - LEAST).logit()
        return torch.randn(*shape[:2], *self.scale.shape, 2, generator=rng)

    def numbers(self, images: Tensor) -> Tensor:
        """Return the numbers of images: as near to them as the band allows."""
        height = images.clamp(LEAST, 1 - LEAST).logit()
        if self.kind == "pixels":
            return height
        scale = self.scale.to(images)
        parts = torch.fft.rfft2(height, norm="ortho") / scale.clamp_min(LEAST)
        return torch.view_as_real(torch.where(scale > 0, parts, torch.zeros_like(parts)))

    def image(self, numbers: Tensor) -> Tensor:
        """Return the images; differentiable."""
        if self.kind == "pixels":
            return numbers.sigmoid()
        parts = torch.view_as_complex(numbers) * self.scale.to(numbers)
        image: Tensor = torch.fft.irfft2(parts, s=self.size, norm="ortho").sigmoid()
        return image
