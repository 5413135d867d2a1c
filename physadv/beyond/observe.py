"""Attacks on what a policy sees, at test time.

Huang, Papernot, Goodfellow, Duan & Abbeel, "Adversarial Attacks on Neural Network Policies", 2017
(arXiv 1702.02284): one step of the fast gradient method on every observation, in the balls
|change|_inf <= eps, |change|_2 <= eps sqrt(d), |change|_1 <= eps d of d values. When to attack is
after Lin, Hong, Liao, Shih, Liu & Sun, "Tactics of Adversarial Attack on Deep Reinforcement
Learning Agents", IJCAI 2017 (arXiv 1703.06748); their perturbation is Carlini & Wagner's, not this.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from physadv.attacks.digital.ball import check_norm, lowest
from physadv.beyond.play import FAR, Make, Space, play
from physadv.core import check
from physadv.core.check import one_of

NORMS = (inf, 2.0, 1.0)
ALONG = ("gradient", "noise")
AIMS = ("away", "least")

When = Callable[[Tensor, torch.Generator], Tensor]
"""Which observations are attacked, (B,) bool, by the policy's scores (B,A)."""


def preference(scores: Tensor, temperature: float = 1.0) -> Tensor:
    """Return how strongly a policy prefers its best action to its worst, (B,), in [0,1].

    The difference of their probabilities by softmax(scores / temperature) (Lin et al. 2017, eq. 2
    and the text after it).
    """
    chances = (scores / temperature).softmax(dim=1)
    return torch.as_tensor(chances.amax(dim=1) - chances.amin(dim=1))


def always(scores: Tensor, _rng: torch.Generator) -> Tensor:
    """Attack every observation (Huang et al. 2017)."""
    return torch.ones(len(scores), dtype=torch.bool)


@dataclass(frozen=True)
class Preferred:
    """Attack where the preference is above `beta` (the strategically timed attack's moments)."""

    beta: float
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Raise `UserError` for a temperature that is none."""
        good = isfinite(self.temperature) and self.temperature > 0
        check(good, "temperature", expected="a number above 0", got=self.temperature)

    def __call__(self, scores: Tensor, _rng: torch.Generator) -> Tensor:
        """Choose by the scores alone."""
        return preference(scores, self.temperature) > self.beta


@dataclass(frozen=True)
class AtRandom:
    """Attack a share of the observations at random: what a timed attack is to be held against."""

    share: float

    def __post_init__(self) -> None:
        """Raise `UserError` for a share outside [0,1]."""
        good = 0 <= self.share <= 1
        check(good, "share", expected="a number from 0 to 1", got=self.share)

    def __call__(self, scores: Tensor, rng: torch.Generator) -> Tensor:
        """Choose by chance alone."""
        return torch.rand(len(scores), generator=rng) < self.share


def timed(
    make: Make, policy: nn.Module, seeds: Sequence[int], share: float, temperature: float = 1.0
) -> Preferred:
    """Return the moments of strongest preference, as many as `share` of those met unattacked."""
    good = 0 < share <= 1
    check(good, "share", expected="above 0 and at most 1", got=share)
    met = list[Tensor]()

    @torch.no_grad()
    def look(
        policy: nn.Module, seen: Tensor, _space: Space, _rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        met.append(preference(policy(seen), temperature))
        return seen, torch.zeros(len(seen), dtype=torch.bool)

    play(make, policy, seeds, look)
    return Preferred(float(torch.cat(met).quantile(1 - share)), temperature)


@dataclass(frozen=True)
class ObservationAttack:
    """Settings of the attack on observations; `play` calls it at every step.

    `eps` is a value's share of the change, in the space's scale (see `NORMS` above for the balls);
    `along` the policy's gradient, or along noise: the same step of the same size down a random
    slope, the control. `aim` is away from the action preferred (Huang et al.) or towards the
    action least preferred (Lin et al.). `through` is another policy whose gradient and preferences
    are used: a black box is attacked by what transfers (Behzadan & Munir 2017, arXiv 1701.04143).
    """

    eps: float
    norm: float = inf
    along: str = "gradient"
    aim: str = "away"
    when: When = always
    through: nn.Module | None = None

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that are none."""
        check_norm(self.norm, NORMS)
        good = isfinite(self.eps) and self.eps >= 0
        check(good, "eps", expected="a number from 0 on", got=self.eps)
        one_of("along", self.along, ALONG)
        one_of("aim", self.aim, AIMS)

    def __call__(
        self, policy: nn.Module, observations: Tensor, space: Space, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return observations (B,...) within bounds and eps, and which were attacked, (B,) bool."""
        seen = observations.detach()
        scores, slope = self._slope(self.through or policy, seen)
        touched = self.when(scores, rng)
        if self.along == "noise":
            slope = torch.randn(seen.shape, generator=rng)
        down, up = ((end - seen) / space.scale for end in (space.low, space.high))
        length = seen[0].numel()
        radius = self.eps * {inf: 1.0, 2.0: sqrt(length), 1.0: float(length)}[self.norm]
        low, high = down.clamp(-FAR, 0), up.clamp(0, FAR)
        step = lowest(slope * space.scale, low, high, radius, self.norm)
        mask = touched.reshape(-1, *[1] * (seen.ndim - 1))
        return torch.where(mask, seen + space.scale * step, seen), touched

    def _slope(self, policy: nn.Module, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores and the slope of what is to become small.

        The softmax of a Q-function's values is taken as its policy, as Huang et al. do.
        """
        point = seen.clone().requires_grad_()
        with torch.enable_grad():
            scores = policy(point)
            good, fix = scores.requires_grad, "attack it `through` a policy that has one"
            check(good, "policy", expected="a gradient to observations", got="none", fix=fix)
            least = self.aim == "least"
            chosen = scores.argmin(dim=1) if least else scores.argmax(dim=1)
            loss = cross_entropy(scores, chosen, reduction="sum")
            (slope,) = torch.autograd.grad(loss if least else -loss, point)
        return scores.detach(), slope


def noise_of(attack: ObservationAttack) -> ObservationAttack:
    """Return the control: noise of the same size, at the same moments."""
    return replace(attack, along="noise")
