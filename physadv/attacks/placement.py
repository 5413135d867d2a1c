"""Where the stickers lie: a quick race of candidate layouts on the victim at hand."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from physadv.attacks.gradient import Gradient
from physadv.attacks.masks import l1_map, learn
from physadv.attacks.masks.saliency import ALONE, saliency, white_succeeds
from physadv.core import Conditions, Face, UserError, generator, spawn
from physadv.judge import judge
from physadv.patch import (
    Camouflage,
    FewInks,
    Limits,
    Mask,
    Patch,
    Pixels,
    Waves,
    candidates,
)
from physadv.problem import Problem

Tick = Callable[[str, float], None]


@dataclass(frozen=True)
class Race:
    """Successive halving (Jamieson & Talwalkar 2016): `rounds` of `steps` steps each.

    Every layout still running sees the same conditions; after each round the better half by
    held-out loss goes on, with twice the steps.
    """

    rounds: int = 3
    steps: int = 10
    batch: int = 12
    held_out: int = 36
    rate: float = 0.08


@dataclass(frozen=True)
class Placement:
    """The layout that won, and the held-out loss of each candidate when it left the race.

    `queries` are the pictures it took, where they are counted.
    """

    mask: Mask
    name: str
    losses: dict[str, float]
    queries: int = 0


def place(
    problem: Problem,
    face: Face,
    limits: Limits,
    *,
    seed: int,
    race: Race = Race(),  # frozen settings
    tick: Tick = lambda *_: None,
) -> Placement:
    """Choose a layout for `problem`, whose patch tells the kind alone, within the limits.

    Candidates are packed by fixed rules, by where the victim's gradient is large on the bare sign
    and by the L1 map, and learnt. Where plain white succeeds they only run if it does for all, and
    of those that ran last, one that a control equals comes last: success that a control shares is
    none. `tick` is told each candidate's name and loss.
    """
    masks = _candidates(problem, face, limits, seed)
    held = problem.draw(race.held_out, generator(spawn(seed, "placement", "held out")))
    useful = [name for name, mask in masks.items() if not white_succeeds(problem, mask, held)]
    runners = {
        name: _Runner(replace(problem, patch=_laid(problem.patch, masks[name])), race, seed)
        for name in useful or masks
    }
    losses: dict[str, float] = {}
    for turn in range(race.rounds):
        if turn:
            better = sorted(runners, key=losses.__getitem__)[: (len(runners) + 1) // 2]
            runners = {name: runners[name] for name in better}
            if len(runners) == 1:
                break
        for name, runner in runners.items():
            runner.run(race.steps * 2**turn)
            losses[name] = runner.loss(held)
            tick(name, losses[name])
    ranked = sorted(runners, key=losses.__getitem__)
    own = (name for name in ranked if not runners[name].equalled(seed, race.held_out))
    best = next(own, ranked[0])
    return Placement(masks[best], best, losses)


def _candidates(problem: Problem, face: Face, limits: Limits, seed: int) -> dict[str, Mask]:
    """Return the layouts by name, without those that victim or limits do not let be."""
    masks = candidates(face, limits, saliency(problem, face, seed))
    with suppress(UserError):
        masks["l1"] = l1_map(problem, face, seed=seed).packed(face, limits)
    with suppress(UserError):
        masks["learnt"] = learn(problem, face, limits, seed=seed).mask
    return masks


def _laid(patch: Patch, mask: Mask) -> Patch:
    """Return a patch of the same kind on another mask; free pixels where its kind has none."""
    if isinstance(patch, FewInks | Waves | Camouflage):
        return replace(patch, mask=mask)
    return Pixels(mask)


class _Runner:
    """A candidate on its way: its problem, its theta, its own search."""

    def __init__(self, problem: Problem, race: Race, seed: int) -> None:
        settings = Gradient(
            steps=race.steps * (2**race.rounds - 1), batch=race.batch, rate=race.rate
        )
        self.problem = problem
        self.walk = settings.walk(problem, generator(spawn(seed, "placement", "walk")))

    def run(self, steps: int) -> None:
        """Take steps."""
        for _ in range(steps):
            self.walk.advance()

    def loss(self, held: Conditions) -> float:
        """Return the mean loss of the running mean on held-out conditions."""
        with torch.no_grad():
            return float(self.problem.evaluate(self.walk.mean, held).loss.mean())

    def equalled(self, seed: int, n: int) -> bool:
        """Return whether a control surely succeeds in more than `ALONE`, too, as it is judged."""
        found = judge(self.problem, self.walk.mean, seed=spawn(seed, "placement", "controls"), n=n)
        return any(rate.low > ALONE for rate in found.controls.values())
