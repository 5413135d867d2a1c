"""Settings of a GAN's training, by the papers unless said otherwise."""

from dataclasses import dataclass
from typing import Literal

from physadv.core.check import above_zero, at_least_one, check, one_of

Kind = Literal["dcgan", "wgan-gp"]
KINDS = ("dcgan", "wgan-gp")
RATE = {"dcgan": 2e-4, "wgan-gp": 1e-4}
BETAS = {"dcgan": (0.5, 0.999), "wgan-gp": (0.0, 0.9)}
CRITIC_STEPS = {"dcgan": 1, "wgan-gp": 5}
"""Adam's step size and averages, and steps of the discriminator for one of the generator.

Radford et al. 2016, section 4; Gulrajani et al. 2017, algorithm 1.
"""


@dataclass(frozen=True)
class GanRecipe:
    """How a GAN is trained; None is the paper's number of its kind.

    An epoch is as many pictures shown to the discriminator as there are. `average` is the decay of
    the running mean of the generator's weights, which is the generator that comes out.
    """

    kind: Kind = "dcgan"
    epochs: int = 50
    batch: int = 64
    latent: int = 64
    channels: int = 24
    rate: float | None = None
    critic_rate: float | None = None
    critic_steps: int | None = None
    average: float = 0.999
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        one_of("kind", self.kind, KINDS)
        at_least_one(self, "epochs", "latent", "channels")
        check(self.batch >= 2, "batch", expected="at least 2", got=self.batch)
        for name in ("rate", "critic_rate", "critic_steps"):
            if getattr(self, name) is not None:
                above_zero(self, name)
        inside = 0 <= self.average < 1
        check(inside, "average", expected="a number in [0,1)", got=self.average)

    @property
    def turns(self) -> int:
        """Steps of the discriminator for one of the generator."""
        return self.critic_steps or CRITIC_STEPS[self.kind]

    @property
    def rates(self) -> tuple[float, float]:
        """Adam's step sizes for the generator and the discriminator."""
        rate = self.rate or RATE[self.kind]
        return rate, self.critic_rate or rate

    def steps_an_epoch(self, count: int) -> int:
        """Return the generator's steps in an epoch of `count` pictures."""
        return max(1, count // (self.batch * self.turns))
