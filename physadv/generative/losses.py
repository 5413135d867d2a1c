"""What the two players want: the non-saturating game, and Wasserstein's with gradient penalty."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Critic = Callable[[Tensor], Tensor]
PENALTY = 10.0
"""Weight of the gradient penalty (Gulrajani et al. 2017)."""


class Told(NamedTuple):
    """A discriminator's loss, a scalar, and its scores (B,) of real and of made pictures."""

    loss: Tensor
    real: Tensor
    made: Tensor


def log_loss(critic: Critic, real: Tensor, made: Tensor, _rng: torch.Generator) -> Told:
    """Return -log D(real) - log(1 - D(made)), means (Goodfellow et al. 2014, eq. 1)."""
    on_real, on_made = critic(real), critic(made)
    loss = F.softplus(-on_real).mean() + F.softplus(on_made).mean()
    return Told(loss, on_real.detach(), on_made.detach())


def wasserstein_loss(critic: Critic, real: Tensor, made: Tensor, rng: torch.Generator) -> Told:
    """Return D(made) - D(real) + 10 (|gradient| - 1)^2 (Gulrajani et al. 2017, eq. 3)."""
    on_real, on_made = critic(real), critic(made)
    loss = on_made.mean() - on_real.mean() + PENALTY * gradient_penalty(critic, real, made, rng)
    return Told(loss, on_real.detach(), on_made.detach())


def gradient_penalty(critic: Critic, real: Tensor, made: Tensor, rng: torch.Generator) -> Tensor:
    """Return the mean of (|gradient of D| - 1)^2 at random points between real and made ones."""
    share = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = torch.lerp(real.detach(), made.detach(), share).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    norm = (slope.flatten(1).square().sum(dim=1) + 1e-12).sqrt()
    return (norm - 1).square().mean()


def non_saturating(on_made: Tensor) -> Tensor:
    """Return the generator's -log D(made), a mean (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-on_made).mean()


def wasserstein(on_made: Tensor) -> Tensor:
    """Return the generator's -D(made), a mean."""
    return -on_made.mean()


def least_squares(critic: Critic, real: Tensor, made: Tensor) -> Tensor:
    """Return the discriminator's ((D(real) - 1)^2 + D(made)^2) / 2, means (Mao et al. 2017)."""
    return (critic(real) - 1).square().mean() / 2 + critic(made).square().mean() / 2


def least_squares_made(on_made: Tensor) -> Tensor:
    """Return the generator's (D(made) - 1)^2 / 2, a mean (Mao et al. 2017)."""
    return (on_made - 1).square().mean() / 2
