"""Drives past the sign: is it misread while the car could still stop, and at which distances."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from physadv.approach import Approach, reaching
from physadv.core import Conditions, Rate, check, generator, spawn, take, wilson
from physadv.judge import rate
from physadv.problem import Problem

BIN_M = 3.0
"""Width of the distance bins."""


@dataclass(frozen=True)
class LastChance:
    """An approach is lost when `k` of the last `m` frames before the stopping distance are.

    The stopping distance is that of the AASHTO Green Book (2018, 3.2.2): what is driven in
    `reaction_s`, and then at a deceleration of `braking_m_per_s2`. 3.4 m/s² is AASHTO's
    comfortable braking, about 7 an emergency on dry road; AASHTO's drivers need 2.5 s, a machine
    is taken to need 1 s.
    """

    k: int = 3
    m: int = 5
    reaction_s: float = 1.0
    braking_m_per_s2: float = 3.4

    def stopping_m(self, speed_m_per_s: Tensor) -> Tensor:
        """Return the stopping distance v t + v² / (2 a) at speeds of any shape."""
        braked = speed_m_per_s**2 / (2 * self.braking_m_per_s2)
        return speed_m_per_s * self.reaction_s + braked

    def frames(self, given: Conditions) -> Tensor:
        """Return which rows (n,) are among the last m frames of their approach.

        Raises `UserError` where an approach begins too late to have m of them, or k exceeds m.
        """
        sane = "k from 1 up to m"
        check(1 <= self.k <= self.m, "rule", expected=sane, got=f"k {self.k}, m {self.m}")
        which = given["approach.which"].long()
        stop = self.stopping_m(given["approach.speed_m_per_s"])
        before = given["approach.ahead_m"] >= stop
        later = torch.zeros(int(which.max()) + 1, dtype=torch.long)
        seen = later.scatter_add(0, which, before.long())
        rank = before.long().cumsum(0) - (seen.cumsum(0) - seen)[which]
        fewest = int(seen.min())
        check(
            fewest >= self.m,
            "approach",
            expected=f"at least {self.m} frames before the stopping distance",
            got=f"{fewest} before {float(stop[seen[which] == fewest][0]):.1f} m",
            fix="start farther away (from_m), drive slower, or take more frames a second",
        )
        return before & (rank > seen[which] - self.m)

    def lost(self, success: Tensor, given: Conditions) -> Tensor:
        """Return which approaches (A,) are lost, given which frames (n,) are."""
        frames, which = self.frames(given), given["approach.which"].long()
        return which[frames].bincount(weights=success[frames].double()) >= self.k


@dataclass(frozen=True)
class Bin:
    """Rates of frames beyond `low_m` and up to `high_m` ahead of the sign, stickers on and off."""

    low_m: float
    high_m: float
    stickers: Rate
    bare: Rate


@dataclass(frozen=True)
class Drives:
    """What came of n drives.

    `lost` and `lost_bare` are shares of approaches, with and without stickers; `bins` are shares
    of frames by distance along the road, near ones first, their intervals a bootstrap over
    approaches.
    """

    lost: Rate
    lost_bare: Rate
    bins: tuple[Bin, ...]
    rule: LastChance
    frames: int
    seed: int


def drive(
    problem: Problem,
    theta: Tensor,
    *,
    n: int = 40,
    seed: int,
    approach: Approach | None = None,
    rule: LastChance | None = None,
) -> Drives:
    """Drive n times towards the sign with theta and towards the bare sign, and judge each frame.

    Conditions are drawn from `seed`; a frame counts as lost when the objective is met. Raises
    `UserError` for a world without a pose, and where `rule` finds too few frames.
    """
    rule = rule or LastChance()
    given = (approach or Approach()).draw(problem.world, n, generator(spawn(seed, "drive")))
    rule.frames(given)
    filmed = replace(problem, world=reaching(problem.world, given))
    seen, bare = (filmed.judge(ink, given).success for ink in (theta, None))
    lost, lost_bare = (wilson(int(rule.lost(hits, given).sum()), n) for hits in (seen, bare))
    return Drives(lost, lost_bare, _bins(seen, bare, given, seed), rule, len(seen), seed)


def _bins(seen: Tensor, bare: Tensor, given: Conditions, seed: int) -> tuple[Bin, ...]:
    """Count by distance, near bins first, those without frames left out."""
    number = (given["approach.ahead_m"] / BIN_M - 1e-4).ceil().long() - 1
    return tuple(
        _bin(index, number == index, (seen, bare), given, seed)
        for index in number.unique().tolist()
    )


def _bin(
    index: int, rows: Tensor, hits: tuple[Tensor, Tensor], given: Conditions, seed: int
) -> Bin:
    mine = take(given, rows)
    stickers, bare = (rate(one[rows], mine, seed, by="approach.which") for one in hits)
    return Bin(index * BIN_M, (index + 1) * BIN_M, stickers, bare)
