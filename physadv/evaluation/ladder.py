"""A defended victim's ladder of attacks: each rung knows, may or tries more than the one before.

Carlini, Athalye, Papernot, Brendel, Rauber, Tsipras, Goodfellow, Madry & Kurakin, "On Evaluating
Adversarial Robustness", arXiv 1902.06705: a defence is measured by attacks that know it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf

import torch
from torch import Tensor

from physadv.attacks.digital import (
    PGD,
    DigitalAttack,
    EstimatedPGD,
    EvadeHC,
    FastGradient,
    Needs,
    Rows,
    Watch,
)
from physadv.attacks.digital.attack import UNKNOWN, ignore
from physadv.attacks.digital.descend import succeeds
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, spawn
from physadv.core.check import at_least_one
from physadv.defences import REJECTED, BitDepth
from physadv.objectives import Objective, ScoreLoss, cross_entropy, margin, untargeted
from physadv.victims import Ensemble, Victim

CONTROL, SINGLE, ITERATED, RESTARTS = "noise", "single step", "iterated", "restarts"
ADAPTIVE, SCORES, LABELS, TRANSFER = "adaptive", "scores alone", "labels alone", "transfer"
UNBOUNDED = 1.0
"""With the norm inf no image in [0,1] is farther than this from another."""


@dataclass(frozen=True)
class Plan:
    """How high the ladder is: the budget, and how hard is tried."""

    eps: float = setting(8 / 255, "largest change of a value")
    steps: int = setting(20, "steps of each search")
    restarts: int = setting(3, "searches from random points, from the third rung on")
    averaged: int = setting(8, "answers averaged in each step where they are random")
    queries: int = setting(300, "answers for each image of attacks that only ask; 0 for none")

    def __post_init__(self) -> None:
        """Raise `UserError` for a ladder without rungs."""
        check(0 < self.eps <= 1, "eps", expected="above 0, up to 1", got=self.eps)
        at_least_one(self, "steps", "restarts", "averaged")
        check(self.queries >= 0, "queries", expected="0 or more", got=self.queries)


@dataclass(frozen=True, eq=False)
class Rung:
    """An attack of the ladder: its name, budget, what it must know, itself, what it wants."""

    name: str
    eps: float
    needs: Needs
    attack: DigitalAttack
    goal: Objective


@dataclass(frozen=True, eq=False)
class MadeOn:
    """An attack whose images are made on another victim, and handed on."""

    other: Victim
    attack: DigitalAttack

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
        """Return what the attack makes of images (B,C,H,W) on the other victim.

        Raises `UserError` where the victim has other labels, but for one more at the end.
        """
        own, wanted = self.other.labels, victim.labels
        expected, got = f"the labels of {victim.name}", f"those of {self.other.name}"
        check(wanted[: len(own)] == own, "labels", expected=expected, got=got)
        return self.attack(self.other, images, objective, rows=rows, seed=seed, watch=watch)


@dataclass(frozen=True, eq=False)
class Again:
    """An attack, and again with other chance on the images that, at 8 bits, do not succeed yet."""

    attack: DigitalAttack
    times: int

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
        """Return images (B,C,H,W); those of an early search where it succeeds, else of the last."""
        made, left = images.clone(), torch.arange(len(images), device=images.device)
        rows, victim = rows.spread(images), BitDepth(8)(victim)
        for turn in range(self.times):
            some = rows.take(left)
            made[left] = self.attack(
                victim,
                Encoded(images[left]),
                objective,
                rows=some,
                seed=spawn(seed, "again", turn),
                watch=watch if turn == 0 else ignore,
            )
            left = left[~succeeds(victim, objective, some, made[left])]
            if len(left) == 0:
                break
        return Encoded(made)


def misread(victim: Victim) -> Objective:
    """Return what counts as success: any answer but the label and `rejected`.

    Its loss is the margin, and knows of the class `rejected`.
    """
    refused = (victim.labels.index(REJECTED),) if REJECTED in victim.labels else ()
    return untargeted(margin, never=refused)


def unaware(victim: Victim, loss: ScoreLoss) -> Objective:
    """Return the same success with a loss that knows of no class `rejected`."""
    return replace(untargeted(loss), goals=misread(victim).goals)


def on_mean(attack: DigitalAttack, victim: Victim, times: int) -> DigitalAttack:
    """Return an attack on the mean of several answers (Athalye et al. 2018)."""
    return MadeOn(Ensemble([victim] * times), attack)


@torch.no_grad()
def is_random(victim: Victim, images: Encoded) -> bool:
    """Tell whether two calls with the same images (B,3,H,W) get different answers."""
    return not torch.equal(victim(images).scores, victim(images).scores)


def ladder(
    victim: Victim, plan: Plan, *, undefended: Victim | None = None, random: bool = False
) -> Iterator[Rung]:
    """Yield the rungs: those that need gradients only where there are some.

    A single step, many, many from random points with the margin: these know nothing of a class
    `rejected`. Then all that is known is used: it, twice the steps, and the mean of random answers.
    Attacks by scores and by labels alone, and images made on the victim undefended, are to show
    whether gradients tell the truth; so do a larger and a boundless budget.
    """
    aware, eps, steps = misread(victim), plan.eps, plan.steps
    blind, simple = unaware(victim, cross_entropy), unaware(victim, margin)
    if victim.differentiable:
        yield Rung(SINGLE, eps, "gradients", FastGradient(inf, eps), blind)
        yield Rung(ITERATED, eps, "gradients", PGD(inf, eps, steps=steps), blind)
        hard = PGD(inf, eps, steps=steps, stop=not random)
        yield Rung(RESTARTS, eps, "gradients", Again(hard, plan.restarts), simple)
        for size in (eps, min(2 * eps, UNBOUNDED), UNBOUNDED):
            most: DigitalAttack = replace(hard, eps=size, steps=2 * steps)
            if random:
                most = on_mean(most, victim, plan.averaged)
            yield Rung(ADAPTIVE, size, "gradients", Again(most, plan.restarts), aware)
    if plan.queries:
        asked = EstimatedPGD(eps=eps, queries=plan.queries, method="nes")
        yield Rung(SCORES, eps, "scores", asked, aware)
        told = EvadeHC(eps=eps, queries=plan.queries, paths=8, kept=2, length=8)
        yield Rung(LABELS, eps, "labels", told, aware)
    if undefended is not None and undefended.differentiable:
        made = PGD(inf, eps, steps=steps, random_starts=plan.restarts)
        yield Rung(TRANSFER, eps, "nothing", MadeOn(undefended, made), simple)


def vanished(victim: Victim, images: Encoded, labels: Tensor) -> Tensor:
    """Return whether the slope of the cross-entropy is 0 all over an image, (B,) bool."""
    point = images.clone().requires_grad_()
    loss = cross_entropy(victim(Encoded(point)).scores, labels).sum()
    if not loss.requires_grad:
        return torch.ones(len(images), dtype=torch.bool)
    (slope,) = torch.autograd.grad(loss, point)
    return slope.flatten(1).abs().amax(dim=1) == 0


Tick = Callable[[str, float], None]
"""Told the name of a rung and the share of it that is done."""
