"""The verdict on a defence: does anything of it withstand attacks that know it?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from physadv.core import Encoded, Rate, check, generator, spawn, wilson
from physadv.core.paired import Paired, paired
from physadv.evaluation.audit import Run, audit
from physadv.evaluation.digital import attack_pictures
from physadv.evaluation.ladder import (
    ADAPTIVE,
    TRANSFER,
    UNBOUNDED,
    Plan,
    Rung,
    Tick,
    is_random,
    ladder,
    misread,
    vanished,
)
from physadv.evaluation.pictures import PART, Pictures, Sifted, sift
from physadv.victims import Victim

LEVEL = 0.05
"""Differences of a p below it count."""
KEPT = 1 / 3
"""A defence is in doubt that keeps less of the gain that attacks which do not know it see."""
DRAWS = 2000
BROKEN, DOUBTFUL, HOLDS = "broken", "doubtful", "holds so far"


@dataclass(frozen=True, eq=False)
class Audited:
    """What an audit found: the runs of the ladder, what is left of images, and what to think of it.

    `robust` is the share of all images, those misread as they are among the lost, that no rung of
    the budget changed; `blind` that which is left by images made without knowledge of the defence,
    and `plain` that of the victim undefended (None where that was not given). `gain` compares
    robust with plain, image by image. `doubts` are reasons not to trust `robust`.
    """

    runs: tuple[Run, ...]
    left: Sifted
    clean: Rate
    robust: Rate
    blind: Rate | None
    plain: Rate | None
    gain: Paired | None
    doubts: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Broken: no more withstands than undefended. Doubtful: there are doubts. Else it holds."""
        if self.gain is not None and not (self.gain.difference > 0 and self.gain.p < LEVEL):
            return BROKEN
        return DOUBTFUL if self.doubts else HOLDS


@dataclass(frozen=True, eq=False)
class Bare:
    """A victim undefended, and which of some pictures (N,) bool withstand a plan on it."""

    victim: Victim
    held: Tensor


def audit_defence(
    victim: Victim,
    pictures: Pictures,
    plan: Plan,
    *,
    undefended: Victim | Bare | None = None,
    seed: int = 0,
    tick: Tick = lambda *_: None,
) -> Audited:
    """Climb the ladder with a defended victim, and say what is left of its robustness.

    Nothing of the victim is looked at but its answers, its labels and its gradients; `undefended`
    is what it is compared with, already attacked (`attack_bare`) or not. Pictures need labels that
    are known. Raises `UserError` where labels are not told or all images are misread.
    """
    fix = "name them in a table, or with --truth"
    check(pictures.told, "images", expected="labels that are known", got="none", fix=fix)
    if undefended is not None and not isinstance(undefended, Bare) and undefended.differentiable:
        undefended = attack_bare(undefended, pictures, plan, seed=seed, tick=tick)
    bare = undefended if isinstance(undefended, Bare) else None
    chance = is_random(victim, Encoded(pictures.images[:2]))
    known, left = sift(victim, pictures, misread(victim), None)
    runs = [
        _climbed(victim, rung, known, seed, tick)
        for rung in ladder(victim, plan, undefended=bare.victim if bare else None, random=chance)
    ]
    count = len(pictures.files)
    held = _held(count, left, [run for run in runs if run.eps == plan.eps])
    moved = [run for run in runs if run.name == TRANSFER]
    unseen = _held(count, left, moved) if moved else None
    plain, gain = None, None
    bound = [run for run in runs if run.eps != UNBOUNDED]  # without one noise succeeds, too
    doubts = [*_vanishing(victim, known), *audit(bound), *_boundless(runs)]
    if bare is not None:
        plain, rng = bare.held, generator(spawn(seed, "gain"))
        gain = paired(held, plain, torch.arange(len(held)), rng)
        doubts += _shown(held, plain, unseen, rng) if unseen is not None else []
    return Audited(
        tuple(runs),
        left,
        wilson(len(left.rows), count),
        _share(held),
        None if unseen is None else _share(unseen),
        None if plain is None else _share(plain),
        gain,
        tuple(doubts),
    )


def attack_bare(
    victim: Victim,
    pictures: Pictures,
    plan: Plan,
    *,
    seed: int = 0,
    tick: Tick = lambda *_: None,
) -> Bare:
    """Return a victim and which images withstand the rungs of the plan's eps that see gradients."""
    known, left = sift(victim, pictures, misread(victim), None)
    rungs = [one for one in ladder(victim, replace(plan, queries=0)) if one.eps == plan.eps]
    named = [replace(one, name=f"undefended, {one.name}") for one in rungs]
    runs = [_climbed(victim, one, known, seed, tick) for one in named]
    return Bare(victim, _held(len(pictures.files), left, runs))


def _climbed(victim: Victim, rung: Rung, pictures: Pictures, seed: int, tick: Tick) -> Run:
    watch = (PART, lambda share: tick(rung.name, share))
    found = attack_pictures(
        victim, rung.attack, pictures, (rung.goal, None), seed=spawn(seed, rung.name), watch=watch
    )
    told = {"eps": f"{255 * rung.eps:g}/255"}
    return Run(rung.name, rung.eps, found, told, rung.needs, "inf")


def _held(count: int, left: Sifted, runs: Sequence[Run]) -> Tensor:
    """Return which of `count` images are read right, and by no run's image as anything else."""
    held = torch.zeros(count, dtype=torch.bool)
    rows = torch.tensor(left.rows)
    held[rows] = True
    for run in runs:
        met = torch.tensor(run.found.report.met)
        held[rows[: len(met)]] &= ~met
    return held


def _share(held: Tensor) -> Rate:
    return wilson(int(held.sum()), len(held))


def _shown(held: Tensor, plain: Tensor, unseen: Tensor, rng: torch.Generator) -> list[str]:
    """Doubt a gain (B,) that is there, beyond chance, for those who do not know the defence only.

    Their attacks say little of what withstands those that do (Carlini et al. 2019, section 3.2).
    """
    real, seems = held.double() - plain.double(), unseen.double() - plain.double()
    short = (real - KEPT * seems)[torch.randint(len(held), (DRAWS, len(held)), generator=rng)]
    if float(seems.mean()) <= 0 or float(short.mean(dim=1).quantile(0.975)) >= 0:
        return []
    points, left = (f"{100 * float(one.mean()):+.1f} points" for one in (seems, real))
    told = f"images made without knowledge of it leave {points} more than are left undefended"
    return [f"{told}, attacks that know it {left}: most of the gain hangs on not being known"]


def _vanishing(victim: Victim, pictures: Pictures) -> list[str]:
    """Doubt gradients that are nothing on many images (Carlini et al. 2019, section 5.6)."""
    if not victim.differentiable:
        return []
    gone = [
        vanished(victim, Encoded(pictures.images[k : k + PART]), pictures.labels[k : k + PART])
        for k in range(0, len(pictures.labels), PART)
    ]
    rate = wilson(int(torch.cat(gone).sum()), len(pictures.labels))
    told = f"the slope of the cross-entropy is 0 on {rate} of the images: it leads nowhere there"
    return [told] if rate.share > 0.1 else []


def _boundless(runs: Sequence[Run]) -> list[str]:
    """Doubt where not all images fall without a bound on the change."""
    return [
        f"{run.name} without a bound succeeds in {run.success} only: gradients do not lead there"
        for run in runs
        if run.name == ADAPTIVE and run.eps == UNBOUNDED and run.success.hits < run.success.n
    ]
