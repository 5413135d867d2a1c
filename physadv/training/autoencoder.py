"""The recipe of MagNet's autoencoders: clean images with noise in, clean images out."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from physadv.core import Encoded, check, generator, spawn
from physadv.core.check import above_zero, at_least_one
from physadv.generative import Autoencoder, seeded
from physadv.training.recogniser import Progress


@dataclass(frozen=True)
class AutoencoderRecipe:
    """Settings of a training; the noise is the authors' for MNIST (0.1), 0.025 suits photos."""

    steps: int = 1000
    batch: int = 64
    channels: int = 16
    halved: bool = False
    noise: float = 0.025
    rate: float = 3e-3
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        at_least_one(self, "steps", "batch", "channels")
        above_zero(self, "rate")
        check(self.noise >= 0, "noise", expected="0 or more", got=self.noise)


def train_autoencoder(
    images: Encoded, recipe: AutoencoderRecipe, *, progress: Progress = lambda *_: None
) -> Autoencoder:
    """Return an autoencoder taught on clean images (N,C,h,w) in [0,1], in evaluation mode.

    Adam on the mean square error of what it makes of images with normal noise, cut to [0,1] (Meng
    & Chen 2017). One seed gives the same weights again.
    """
    count, colours = images.shape[:2]
    made = seeded(Autoencoder, recipe.seed, recipe.channels, colours=colours, halved=recipe.halved)
    adam = torch.optim.Adam(made.parameters(), lr=recipe.rate)
    for step in range(recipe.steps):
        rng = generator(spawn(recipe.seed, "autoencoder", step))
        clean: Tensor = images[torch.randint(count, (recipe.batch,), generator=rng)]
        noise = recipe.noise * torch.randn(clean.shape, generator=rng)
        loss = (made((clean + noise).clamp(0, 1)) - clean).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        progress(step + 1, recipe.steps, {"loss": float(loss.detach())})
    return cast(Autoencoder, made.eval().requires_grad_(False))
