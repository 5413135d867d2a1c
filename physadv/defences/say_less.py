"""Telling less: a label alone, rounded, noisy or bent scores. What is told is a black box's.

The label that is told stays the same but for noise on near ties; so accuracy does, and so does
what can be done with gradients. What they cost an attacker who only asks is counted in queries.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.core.check import above_zero
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended, straight_through
from physadv.victims import Victim

SMALL = 1e-7
"""Probabilities are kept from 0 and 1 by this, where their logarithm is taken."""


@dataclass(frozen=True)
class LabelOnly:
    """Scores of 1 for the class that is read and 0 else, with the slope of the probabilities."""

    about: ClassVar[DefenceAbout] = DefenceAbout("label-only", "output", "")

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it."""

        def told(scores: Tensor, *_: object) -> Tensor:
            sharp = torch.zeros_like(scores).scatter(1, scores.argmax(dim=1, keepdim=True), 1.0)
            return straight_through(sharp, scores.softmax(dim=1))

        return Defended(victim, "labels alone", told=told)


@dataclass(frozen=True)
class RoundedScores:
    """The logarithms of rounded probabilities; the class that is read stays the best.

    Tramer, Zhang, Juels, Reiter & Ristenpart, "Stealing Machine Learning Models via Prediction
    APIs", USENIX Security 2016.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("rounded", "output", "Tramer et al. 2016")

    decimals: int = setting(2, "digits of the probabilities that are told")

    def __post_init__(self) -> None:
        """Raise `UserError` for digits below none."""
        check(self.decimals >= 0, "decimals", expected="0 or more", got=self.decimals)

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it."""

        def told(scores: Tensor, *_: object) -> Tensor:
            sure = scores.softmax(dim=1)
            coarse = sure.double().mul(10**self.decimals).round().div(10**self.decimals).to(sure)
            best = sure.argmax(dim=1, keepdim=True)
            first = coarse.amax(dim=1, keepdim=True) + 10.0 ** -(self.decimals + 1)
            return _logarithm(straight_through(coarse.scatter(1, best, first), sure))

        return Defended(victim, f"scores of {self.decimals} digits", told=told)


@dataclass(frozen=True)
class ReverseSigmoid:
    """Probabilities bent so that they mislead who learns from them, the best class the same.

    Lee, Edwards, Molloy & Su, "Defending Against Neural Network Model Stealing Attacks Using
    Deceptive Perturbations", IEEE S&P workshops 2019 (arXiv 1806.00054): y - beta (s(gamma
    s^-1(y)) - 1/2), s the logistic function, then normalised. Where that would change the class
    read, beta is taken smaller for the image, to the most that does not.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("reverse-sigmoid", "output", "Lee et al. 2018")

    beta: float = setting(0.7, "strength")
    gamma: float = setting(0.2, "how early it sets in")

    def __post_init__(self) -> None:
        """Raise `UserError` for a strength that is none."""
        above_zero(self, "beta", "gamma")

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it."""
        return Defended(victim, "reverse sigmoid", told=lambda scores, *_: self.bent(scores))

    def bent(self, scores: Tensor) -> Tensor:
        """Return logarithms (B,K) of what is told."""
        sure = scores.softmax(dim=1).clamp(SMALL, 1 - SMALL)
        bend = torch.sigmoid(self.gamma * torch.logit(sure)) - 0.5
        best = sure.argmax(dim=1, keepdim=True)
        lead = (sure.gather(1, best) - sure).clamp_min(0)
        rise = (bend.gather(1, best) - bend).clamp_min(0)
        room = torch.where(rise > 0, lead / rise.clamp_min(SMALL), torch.inf)
        beta = room.amin(dim=1, keepdim=True).mul(1 - 1e-3).clamp(max=self.beta)
        told = (sure - beta * bend).clamp_min(0)
        return _logarithm(told / told.sum(dim=1, keepdim=True))


@dataclass(frozen=True)
class NoisyScores:
    """Normal noise on the scores, drawn anew in each call; it may turn a near tie."""

    about: ClassVar[DefenceAbout] = DefenceAbout("noisy-scores", "output", "")

    std: float = setting(0.1, "standard deviation, in units of the scores")
    seed: int = setting(0, "of the noise")

    def __post_init__(self) -> None:
        """Raise `UserError` for noise that is none."""
        above_zero(self, "std")

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it."""

        def told(scores: Tensor, _images: Encoded, rng: torch.Generator) -> Tensor:
            return scores + self.std * torch.randn(scores.shape, generator=rng).to(scores)

        name = f"scores with noise of {self.std:g}"
        return Defended(victim, name, told=told, seed=self.seed)


def _logarithm(shares: Tensor) -> Tensor:
    return shares.clamp_min(SMALL).log()
