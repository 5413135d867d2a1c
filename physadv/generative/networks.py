"""The two players at 32 px: a generator of transposed convolutions and a discriminator."""

import torch
from torch import Tensor, nn

from physadv.core import Encoded, spawn

SIDE = 32
"""Side of the pictures in pixels."""
LEAK = 0.2
WEIGHT_STD = 0.02
"""Slope of leaky units and width of the first weights (Radford et al. 2016)."""


class Generator(nn.Module):
    """Latents (B,latent), normal, to encoded pictures (B,3,32,32) in [0,1].

    A dense layer to 4x4, then three transposed convolutions with batch normalisation and ReLU
    between, tanh at the end, brought from [-1,1] to [0,1] (Radford, Metz & Chintala 2016, DCGAN).
    """

    def __init__(self, latent: int = 64, channels: int = 24) -> None:
        """Build it with `channels` at 16x16, twice that at 8x8, four times that at 4x4."""
        super().__init__()
        self.latent, self.channels = latent, channels
        wide = 4 * channels
        self.first = nn.Sequential(nn.Linear(latent, wide * 16, bias=False), _Fold(wide))
        self.rest = nn.Sequential(
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            *_up(wide, wide // 2),
            *_up(wide // 2, channels),
            nn.ConvTranspose2d(channels, 3, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, latents: Tensor) -> Encoded:
        """Return the pictures."""
        return Encoded((self.rest(self.first(latents)) + 1) / 2)


class Discriminator(nn.Module):
    """Pictures (B,colours,H,W) in [0,1], of one size from 8 px, to scores (B,), high for real.

    Three convolutions that halve the picture, leaky ReLU, then a dense layer. Batch normalisation
    after the second and the third is DCGAN's; a critic under a gradient penalty has none, since
    that is about each picture for itself (Gulrajani et al. 2017, section 4).
    """

    def __init__(
        self,
        channels: int = 24,
        *,
        normalised: bool = True,
        size_px: tuple[int, int] = (SIDE, SIDE),
        colours: int = 3,
    ) -> None:
        """Build it with `channels` after the first convolution, doubled with each."""
        super().__init__()
        height, width = (side // 8 for side in size_px)
        self.body = nn.Sequential(
            *_down(colours, channels, normalised=False),
            *_down(channels, 2 * channels, normalised=normalised),
            *_down(2 * channels, 4 * channels, normalised=normalised),
        )
        self.head = nn.Linear(4 * channels * height * width, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the scores."""
        maps = self.body(2 * pictures - 1)
        score: Tensor = self.head(maps.flatten(1))[:, 0]
        return score


def padded(pictures: Tensor, whole: int, mode: str) -> Tensor:
    """Return pictures of [0,1] in [-1,1], their sides filled up to multiples of `whole`."""
    fill = (0, -pictures.shape[-1] % whole, 0, -pictures.shape[-2] % whole)
    return nn.functional.pad(2 * pictures - 1, fill, mode=mode)


class _Fold(nn.Module):
    """Numbers (B,channels*16) to maps (B,channels,4,4)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, numbers: Tensor) -> Tensor:
        return numbers.reshape(-1, self.channels, 4, 4)


def _up(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


def _down(inputs: int, outputs: int, *, normalised: bool) -> list[nn.Module]:
    norm = [nn.BatchNorm2d(outputs)] if normalised else []
    return [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=not normalised), *norm, nn.LeakyReLU(LEAK)]


def seeded(build: type[nn.Module], seed: int, *given: object, **settings: object) -> nn.Module:
    """Return a module built with the weights that `seed` decides; no global chance is used up."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spawn(seed, build.__name__))
        return build(*given, **settings)


@torch.no_grad()
def narrow(module: nn.Module, rng: torch.Generator) -> None:
    """Draw weights of convolutions and dense layers anew, normal of 0.02 (Radford et al. 2016)."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            part.weight.normal_(0, WEIGHT_STD, generator=rng)
            if part.bias is not None:
                part.bias.zero_()
