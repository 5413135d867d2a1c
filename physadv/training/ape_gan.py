"""The recipe of APE-GAN: a network from attacked images to clean ones, against a discriminator.

Shen, Jin, Gao & Zhang 2017 (arXiv 1707.05474): 0.7 times the mean square error to the clean image,
and 0.3 times -log D of what was made; D tells clean images from made ones.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from physadv.attacks.digital.attack import DigitalAttack, Rows
from physadv.core import Encoded, check, generator, spawn
from physadv.core.check import above_zero, at_least_one
from physadv.defences.ape_gan import as_images
from physadv.generative import Discriminator, Restorer, log_loss, non_saturating, seeded
from physadv.objectives import cross_entropy, untargeted
from physadv.training.recogniser import Progress
from physadv.victims import Victim


@dataclass(frozen=True)
class APEGANRecipe:
    """Settings of a training: the paper's weights of both losses, and DCGAN's step size of Adam."""

    steps: int = 1000
    batch: int = 64
    channels: int = 64
    critic_channels: int = 16
    error_weight: float = 0.7
    gan_weight: float = 0.3
    rate: float = 2e-4
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        at_least_one(self, "steps", "channels", "critic_channels")
        check(self.batch >= 2, "batch", expected="at least 2", got=self.batch)
        above_zero(self, "rate")
        for name in ("error_weight", "gan_weight"):
            value = getattr(self, name)
            check(value >= 0, name, expected="0 or more", got=value)


def attacked_images(
    victim: Victim,
    images: Encoded,
    labels: Tensor,
    attack: DigitalAttack,
    *,
    batch: int = 64,
    seed: int = 0,
) -> Encoded:
    """Return images (N,3,H,W) of classes (N,) attacked to be misread, a batch after the other."""
    goal = untargeted(cross_entropy)
    parts: list[Tensor] = [
        attack(victim, Encoded(images[at]), goal, rows=Rows(labels=labels[at]), seed=seed)
        for at in torch.arange(len(images)).split(batch)
    ]
    return Encoded(torch.cat(parts))


def train_ape_gan(
    clean: Encoded,
    attacked: Encoded,
    recipe: APEGANRecipe,
    *,
    progress: Progress = lambda *_: None,
) -> Restorer:
    """Return a network taught on clean images (N,C,h,w) and the same attacked.

    `attacked_images` makes them of a victim and an attack. One seed gives the same weights again.
    Raises `UserError` where the two do not pair.
    """
    expected, got = f"shape {tuple(clean.shape)}, as clean", tuple(attacked.shape)
    check(attacked.shape == clean.shape, "attacked", expected=expected, got=got)
    colours, size = clean.shape[1], (clean.shape[2], clean.shape[3])
    made = seeded(Restorer, recipe.seed, recipe.channels, colours=colours)
    told = seeded(Discriminator, recipe.seed, recipe.critic_channels, size_px=size, colours=colours)
    maker, critic = cast(Restorer, made), cast(Discriminator, told)
    adams = [
        torch.optim.Adam(one.parameters(), lr=recipe.rate, betas=(0.5, 0.999))
        for one in (made, told)
    ]
    for step in range(recipe.steps):
        rng = generator(spawn(recipe.seed, "ape-gan", step))
        at = torch.randint(len(clean), (recipe.batch,), generator=rng)
        images = as_images(maker(attacked[at]))
        _descend(adams[1], log_loss(critic, clean[at], images.detach(), rng).loss)
        loss = ape_loss(images, clean[at], critic(images), recipe)
        _descend(adams[0], loss)
        progress(step + 1, recipe.steps, {"loss": float(loss.detach())})
    return maker.eval().requires_grad_(False)


def ape_loss(made: Tensor, clean: Tensor, on_made: Tensor, recipe: APEGANRecipe) -> Tensor:
    """Return the network's loss, a scalar, of images (B,C,h,w) and the scores (B,) of D."""
    error = (made - clean).square().mean()
    return recipe.error_weight * error + recipe.gan_weight * non_saturating(on_made)


def _descend(adam: torch.optim.Optimizer, loss: Tensor) -> None:
    adam.zero_grad()
    loss.backward()
    adam.step()
