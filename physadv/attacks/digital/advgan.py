"""AdvGAN: a network that makes a perturbation for any image in one pass.

Xiao, Li, Zhu, He, Liu & Song, "Generating Adversarial Examples with Adversarial Networks", IJCAI
2018 (arXiv 1801.02610): a generator of perturbations against a victim and a discriminator at once.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from physadv.attacks.digital.about import About, Needs
from physadv.attacks.digital.attack import UNKNOWN, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.distil import Substitute
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, generator, spawn
from physadv.core.check import above_zero, at_least_one, one_of
from physadv.generative import (
    Discriminator,
    Translator,
    least_squares,
    least_squares_made,
    seeded,
)
from physadv.objectives import Objective
from physadv.victims import Victim

DISTIL = ("none", "static", "dynamic")
SMALLEST_PX = 8


@dataclass(frozen=True)
class AdvGAN:
    """Settings of AdvGAN; `train` gives a perturber of a victim, `apply` attacks images with it.

    Called as every digital attack it does both on the same images, which is how well it can fit
    them; for images it has not seen, train on others. The largest change is kept by tanh. With
    `distil` the victim's answers alone are used: a substitute learns them from the images (static),
    and on from the attacked images while the perturber learns (dynamic).
    """

    about: ClassVar[About] = About("advgan", "gradients", "inf", "Xiao et al. 2018")
    together: ClassVar[bool] = True

    eps: float = setting(8 / 255, "largest change of a value", scales=True)
    hinge: float | None = setting(None, "L2 norm that costs nothing (c); None for half the most")
    gan_weight: float = setting(1.0, "weight of the discriminator's part (alpha)")
    hinge_weight: float = setting(1.0, "weight of the norm beyond the hinge (beta)")
    rate: float = setting(1e-3, "step size of Adam, for all networks")
    steps: int = setting(1000, "steps of the perturber")
    batch: int = setting(64, "images in a step")
    channels: int = setting(8, "channels of the networks' first layers")
    distil: str = setting("none", "what a black box teaches a substitute: none, static or dynamic")
    distil_steps: int = setting(1000, "steps of the substitute before the perturber learns")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        check(0 <= self.eps <= 1, "eps", expected="a number from 0 to 1", got=self.eps)
        good = self.hinge is None or self.hinge >= 0
        check(good, "hinge", expected="a number from 0 on", got=self.hinge)
        for name in ("gan_weight", "hinge_weight"):
            value = getattr(self, name)
            check(value >= 0, name, expected="a number from 0 on", got=value)
        above_zero(self, "rate")
        at_least_one(self, "steps", "batch", "channels", "distil_steps")
        one_of("distil", self.distil, DISTIL)

    @property
    def needs(self) -> Needs:
        """What it must be told: scores alone where a substitute is taught."""
        return "gradients" if self.distil == "none" else "scores"

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Encoded:
        """Train on the images (B,C,H,W) and return them attacked: in [0,1], within `eps`.

        Raises `UserError` as `train` does.
        """
        made = self.train(victim, images, objective, rows=rows, seed=seed, watch=watch)
        return self.apply(made, images, rows)

    def train(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Translator:
        """Return a perturber trained on images (B,C,H,W), 8 px or more, of one size.

        Raises `UserError` where the victim has no gradient and nothing is distilled, or images and
        rows do not fit.
        """
        smallest = min(images.shape[-2:])
        expected = f"{SMALLEST_PX} px or more"
        check(smallest >= SMALLEST_PX, "images", expected=expected, got=f"{smallest} px")
        draw = _Drawn(len(images), self.batch, generator(spawn(seed, "advgan")))
        substitute = None
        if self.distil != "none":
            substitute = Substitute(victim, images, rate=self.rate, seed=spawn(seed, "substitute"))
            victim = substitute.victim
        check_door(victim, images, rows)
        if substitute is not None:
            substitute.study(self.distil_steps, draw)
        game = _Game(self, victim, objective, images, seed)
        rows = rows.spread(images)
        for step in range(self.steps):
            chosen = draw()
            watch(replace(game.play(images[chosen], rows.take(chosen)), done=step / self.steps))
            if substitute is not None and self.distil == "dynamic":
                self._teach(substitute, game.maker, chosen, rows)
        return game.maker.eval().requires_grad_(False)

    def apply(self, maker: Translator, images: Encoded, rows: Rows = UNKNOWN) -> Encoded:
        """Return images (B,C,H,W) attacked in one pass of a perturber."""
        rows = rows.spread(images)
        with torch.no_grad():
            parts: list[Tensor] = [
                self.laid(maker, images[at], rows.take(at))
                for at in torch.arange(len(images)).split(max(self.batch, 64))
            ]
        return Encoded(torch.cat(parts))

    def laid(self, maker: Translator, images: Tensor, rows: Rows) -> Encoded:
        """Return clip(x + mask * eps * G(x), 0, 1); gradients reach the perturber."""
        change = self.eps * maker(images)
        if rows.mask is not None:
            change = (rows.mask != 0) * change
        return Encoded((images + change).clamp(0, 1))

    def _teach(self, copy: Substitute, maker: Translator, chosen: Tensor, rows: Rows) -> None:
        """Let the substitute learn from images and attacked ones (Xiao et al. 2018, eq. 6)."""
        images = Encoded(copy.images[chosen])
        attacked = self.apply(maker, images, rows.take(chosen))
        answers = torch.cat([copy.answers[chosen], copy.ask(attacked)])
        copy.learn(torch.cat([images, attacked]), answers)


class _Drawn:
    """Rows of a batch, in order, drawn anew each time it is called."""

    def __init__(self, count: int, batch: int, rng: torch.Generator) -> None:
        self.count, self.batch, self.rng = count, min(batch, count), rng

    def __call__(self) -> Tensor:
        return torch.randperm(self.count, generator=self.rng)[: self.batch].sort().values


class _Game:
    """The perturber, the discriminator, and what they are told."""

    def __init__(
        self, settings: AdvGAN, victim: Victim, objective: Objective, images: Tensor, seed: int
    ) -> None:
        colours, size = images.shape[1], (images.shape[2], images.shape[3])
        self.settings, self.victim, self.objective = settings, victim, objective
        made = seeded(Translator, seed, settings.channels, colours=colours)
        # without normalisation, so that one image is a batch
        told = seeded(
            Discriminator,
            seed,
            settings.channels,
            normalised=False,
            size_px=size,
            colours=colours,
        )
        self.maker, self.critic = cast(Translator, made), cast(Discriminator, told)
        values = colours * size[0] * size[1]
        half = settings.eps * values**0.5 / 2
        self.bound = half if settings.hinge is None else settings.hinge
        self.adams = [torch.optim.Adam(one.parameters(), settings.rate) for one in (made, told)]

    def play(self, images: Tensor, rows: Rows) -> Step:
        """Take a step of both: L = L_adv + alpha L_GAN + beta L_hinge (eq. 4)."""
        attacked = self.settings.laid(self.maker, images, rows)
        point = attacked.detach()
        self._descend(1, least_squares(self.critic, images, point))
        slope = self._slope(point, rows)
        cost = (attacked * slope).sum() + self._cost(images, attacked)
        self._descend(0, cost)
        return Step(0.0, point, slope)

    def _slope(self, point: Tensor, rows: Rows) -> Tensor:
        """Return the slope of the mean of the objective's loss; what is no number is 0."""
        point = point.clone().requires_grad_()
        photo = rows.photo(point)
        loss = self.objective.loss(self.victim(photo.pixels), photo).mean()
        (slope,) = torch.autograd.grad(loss, point)
        return slope.nan_to_num(0.0, 0.0, 0.0)

    def _cost(self, images: Tensor, attacked: Tensor) -> Tensor:
        """Return alpha times the discriminator's part and beta times the norm beyond the bound."""
        norm = (attacked - images).flatten(1).square().sum(dim=1).clamp_min(1e-12).sqrt()
        beyond = (norm - self.bound).clamp_min(0).mean()
        seen = least_squares_made(self.critic(attacked))
        return self.settings.gan_weight * seen + self.settings.hinge_weight * beyond

    def _descend(self, player: int, cost: Tensor) -> None:
        own: Any = self.maker if player == 0 else self.critic
        slopes = torch.autograd.grad(cost, list(own.parameters()))
        for parameter, slope in zip(own.parameters(), slopes, strict=True):
            parameter.grad = slope
        self.adams[player].step()
