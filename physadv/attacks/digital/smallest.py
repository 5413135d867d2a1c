"""The smallest change: an attack's radius is halved for each image, as long as it succeeds.

As robustness curves need it: the least eps for which an attack of a given radius succeeds, found by
bisection (used so by Carlini & Wagner 2017 for their constant, by Foolbox for any attack).
"""

from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any, ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import (
    UNKNOWN,
    DigitalAttack,
    Rows,
    Step,
    Watch,
    check_door,
    ignore,
)
from physadv.attacks.digital.ball import check_norm, largest
from physadv.attacks.digital.descend import succeeds
from physadv.attacks.digital.pgd import PGD
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, spawn
from physadv.objectives import Objective
from physadv.victims import Victim

SPAN = 1e4
"""Radii are tried from the largest down to this part of it, evenly in their logarithms."""


@dataclass(frozen=True)
class Smallest:
    """Settings of a search for the smallest change; call it as any digital attack.

    `attack` is any with a setting `eps`; its other settings are kept, but a step size (`rate`) is
    scaled with eps. By default it is projected gradient descent with `norm` and `steps`.
    """

    about: ClassVar[About] = About("smallest", "gradients", "inf, 2, 1, 0", "Carlini & Wagner 2017")

    norm: float = setting(inf, "norm of the change: inf, 2, 1, or 0 for a number of pixels")
    most: float | None = setting(
        None, "largest radius that is tried; None for all there is", scales=True
    )
    rounds: int = setting(10, "times the radii are halved: their steps are 10000^(1/2^rounds)")
    steps: int = setting(40, "steps of each search")
    attack: DigitalAttack | None = setting(None, "the attack that is run, any with eps")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        check_norm(self.norm)
        good = self.most is None or (isfinite(self.most) and self.most > 0)
        check(good, "most", expected="a number above 0", got=self.most)
        check(self.rounds >= 1, "rounds", expected="at least 1", got=self.rounds)
        check(self.steps >= 1, "steps", expected="at least 1", got=self.steps)
        good, got = self.attack is None or hasattr(self.attack, "eps"), type(self.attack).__name__
        check(good, "attack", expected="one with a setting eps", got=got)

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
        """Return images (B,C,H,W) in [0,1], each attacked with the least radius that succeeds.

        Images that succeed as they are, or with no radius, stay as they are. Bisection takes
        success to go up with the radius. Raises `UserError` where images and rows do not fit.
        """
        check_door(victim, images, rows)
        rows = rows.spread(images)
        radii = self.radii(images)
        done = succeeds(victim, objective, rows, images).cpu()
        first = torch.zeros(len(images), dtype=torch.long)
        last = torch.where(done, first, len(radii))
        found, turns = images.clone(), len(radii).bit_length()
        for turn in range(turns):
            middle, tried = (first + last) // 2, images.clone()
            for k in middle[first < last].unique().tolist():
                here = ((middle == k) & (first < last)).nonzero()[:, 0].to(images.device)
                part, told = Encoded(images[here]), rows.take(here)
                attack, own = self.sized(radii[k]), spawn(seed, "smallest", turn, k)
                tried[here] = attack(victim, part, objective, rows=told, seed=own)
            watch(Step(turn / turns, tried, torch.zeros_like(tried)))
            good = succeeds(victim, objective, rows, tried).cpu() & (first < last)
            found[good] = tried[good]
            last = torch.where(good, middle, last)
            first = torch.where(~good & (first < last), middle + 1, first)
        return Encoded(found)

    def radii(self, images: Tensor) -> list[float]:
        """Return the radii that may be tried, growing: 2^rounds - 1, of pixels whole numbers."""
        most = largest(images, self.norm) if self.most is None else self.most
        count = 2**self.rounds - 1
        even = [most * SPAN ** (k / (count - 1) - 1) for k in range(count)] if count > 1 else [most]
        return even if self.norm else sorted({float(max(1, round(one))) for one in even})

    def sized(self, eps: float) -> DigitalAttack:
        """Return the attack with a radius."""
        attack: Any = self.attack
        if attack is None:
            return PGD(self.norm, eps, steps=self.steps)
        rate = getattr(attack, "rate", None)
        scaled = {} if rate is None or self.norm == 0 else {"rate": rate * eps / attack.eps}
        sized: DigitalAttack = replace(attack, eps=eps, **scaled)
        return sized
