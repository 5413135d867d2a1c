"""Defense-GAN: the victim reads the nearest image that a generator can make.

Samangouei, Kabkab & Chellappa, "Defense-GAN: Protecting Classifiers Against Adversarial Attacks
Using Generative Models", ICLR 2018: L steps of gradient descent on |G(z) - x|^2 from R random
latents; the nearest of the R is read. Attacked by Athalye, Carlini & Wagner 2018, who let the slope
straight through the projection.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.core.check import above_zero, at_least_one, one_of
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended, straight_through
from physadv.defences.networks import ask, check_size, digests
from physadv.victims import Victim
from physadv.victims.frozen import frozen

SLOPES = ("straight", "unrolled")
PARTS = 512
"""Latents that are followed at once."""


@dataclass(frozen=True, eq=False)
class DefenseGAN:
    """Projects images on what `generator` makes of latents (B,latent), images (B,3,h,w) in [0,1].

    h and w are the victim's; a smaller generator fits with `nn.Upsample` behind it. Steps are
    those of gradient descent with momentum on the mean square difference. The slope is let straight
    through (BPDA), or is that of the steps themselves, `unrolled`, from the best start, which costs
    the memory of all steps. Latents are drawn anew in each call.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("defense-gan", "input", "Samangouei et al. 2018")

    generator: nn.Module
    latent: int
    steps: int = setting(200, "steps of descent (L)")
    restarts: int = setting(10, "random latents that descend (R)")
    rate: float = setting(10.0, "step size, of the mean square over values")
    momentum: float = setting(0.7, "share of the last step that is taken again, 0 to below 1")
    slope: str = setting("straight", "straight (BPDA) or unrolled")
    seed: int = setting(0, "of the latents")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        at_least_one(self, "latent", "steps", "restarts")
        above_zero(self, "rate")
        good = 0 <= self.momentum < 1
        check(good, "momentum", expected="a number in [0,1)", got=self.momentum)
        one_of("slope", self.slope, SLOPES)

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it; raises `UserError` for a generator of another size."""
        made = Defended(victim, "Defense-GAN", change=self.project, seed=self.seed)
        height, width = victim.size_px
        fix = f"put nn.Upsample(({height}, {width}), mode='bilinear') behind a smaller one"
        check_size(self.generator, torch.zeros(1, self.latent), victim, "generator", fix)
        settings = (self.steps, self.restarts, self.rate, self.momentum, self.slope, self.seed)
        made.weights = f"{digests(self.generator)} {settings}"
        return made

    def project(self, images: Encoded, rng: torch.Generator) -> Encoded:
        """Return the nearest of what the restarts came to, for each image (B,3,h,w)."""
        drawn = torch.randn(len(images), self.restarts, self.latent, generator=rng).to(images)
        each = max(1, PARTS // self.restarts)
        pairs = zip(torch.split(images, each), torch.split(drawn, each), strict=True)
        parts: list[Tensor] = [self._projected(part, starts) for part, starts in pairs]
        return Encoded(torch.cat(parts).clamp(0, 1))

    def _projected(self, images: Tensor, starts: Tensor) -> Tensor:
        many = images.detach().repeat_interleave(self.restarts, dim=0)
        found = self.descend(many, starts.flatten(0, 1))
        apart = _apart(ask(self.generator, found), many).reshape(len(images), self.restarts)
        best = torch.arange(len(images)) * self.restarts + apart.argmin(dim=1).cpu()
        if self.slope == "unrolled" and images.requires_grad and torch.is_grad_enabled():
            return ask(self.generator, self.descend(images, starts.flatten(0, 1)[best]))
        return straight_through(ask(self.generator, found[best]), images)

    def descend(self, images: Tensor, latents: Tensor) -> Tensor:
        """Return latents (N,latent) after the steps, each towards its own image (N,3,h,w).

        They have a slope to the images where these ask for one.
        """
        kept = images.requires_grad
        moved = torch.zeros_like(latents)
        with torch.enable_grad(), frozen(self.generator):
            point = latents.detach().requires_grad_()
            for _ in range(self.steps):
                cost = _apart(self.generator(point), images).sum()
                (slope,) = torch.autograd.grad(cost, point, create_graph=kept)
                moved = self.momentum * moved + slope
                point = point - self.rate * moved
                if not kept:
                    point = point.detach().requires_grad_()
        return point if kept else point.detach()


def _apart(made: Tensor, images: Tensor) -> Tensor:
    """Return the mean square differences (N,)."""
    return (made - images).flatten(1).square().mean(dim=1)
