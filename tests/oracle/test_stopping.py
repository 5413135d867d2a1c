"""Drives judged: AASHTO's published stopping distances, counts by hand, clustered intervals."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.approach import Approach
from physadv.core import Conditions, Span, UserError, generator, wilson
from physadv.evaluation import LastChance, drive
from physadv.evaluation.approaches import BIN_M
from physadv.objectives import targeted
from physadv.patch import Pixels
from physadv.problem import Problem
from physadv.world import World
from tests.victims import LinearVictim
from tests.worlds import tiny_world, two_bars

AASHTO = {
    20: (13.9, 4.6),
    30: (20.9, 10.3),
    50: (34.8, 28.7),
    70: (48.7, 56.2),
    100: (69.5, 114.7),
    120: (83.4, 165.2),
}
"""Design speed in km/h to brake reaction distance and braking distance on level road, in metres:
Table 3-1 of the Green Book (2011), 2.5 s and 3.4 m/s², its factors rounded to 0.278 and 0.039."""

APPROACH = Approach(
    from_m=Span.at(6.0),
    to_m=Span.at(2.0),
    speed_m_per_s=Span(1.2, 1.8),
    offset_m=Span(0.2, 0.6),
    height_m=Span(0.0, 0.3),
)
RULE = LastChance(k=2, m=4)


@dataclass(frozen=True)
class Told:
    """A problem whose stickers win every frame of even approaches; remembers what it was asked."""

    world: World
    asked: list[Conditions] = field(default_factory=list)

    def judge(self, theta: Tensor | None, given: Conditions) -> SimpleNamespace:
        self.asked.append(given)
        even = given["approach.which"] % 2 == 0
        return SimpleNamespace(success=even & (theta is not None))


class Always(LinearVictim):
    """Says class 1."""

    def __init__(self) -> None:
        super().__init__(torch.zeros(2, 3, 8, 8), torch.tensor([0.0, 1.0]))


def drawn(n: int, seed: int) -> dict[str, Tensor]:
    return APPROACH.draw(tiny_world(0), n, generator(seed))


def by_hand(success: Tensor, given: Conditions, rule: LastChance) -> list[bool]:
    """Walk through each approach frame by frame."""
    found = []
    for one in given["approach.which"].unique().tolist():
        early = []
        for row in range(len(success)):
            speed = float(given["approach.speed_m_per_s"][row])
            stop = speed * rule.reaction_s + speed * speed / 2 / rule.braking_m_per_s2
            far = float(given["approach.ahead_m"][row]) >= stop
            if far and float(given["approach.which"][row]) == one:
                early.append(bool(success[row]))
        found.append(sum(early[-rule.m :]) >= rule.k)
    return found


@pytest.mark.parametrize("speed", AASHTO)
def test_the_stopping_distance_is_aashto_s(speed: int) -> None:
    reaction, braking = AASHTO[speed]
    human = LastChance(reaction_s=2.5)
    found = float(human.stopping_m(torch.tensor(speed / 3.6)))
    assert found == pytest.approx(reaction + braking, rel=0.008)
    at_once = float(LastChance(reaction_s=0.0).stopping_m(torch.tensor(speed / 3.6)))
    assert at_once == pytest.approx(braking, rel=0.015)


@settings(max_examples=25, deadline=None)
@over(st.integers(1, 6), st.integers(1, 6), st.floats(0, 1), st.integers(0, 99))
def test_lost_approaches_are_those_counted_by_hand(k: int, m: int, share: float, seed: int) -> None:
    rule, given = LastChance(min(k, m), m), drawn(5, seed)
    success = torch.rand(len(given["approach.which"]), generator=generator(seed)) < share
    assert rule.lost(success, given).tolist() == by_hand(success, given, rule)


def test_only_frames_before_the_stopping_distance_count() -> None:
    given = drawn(4, 0)
    stop = RULE.stopping_m(given["approach.speed_m_per_s"])
    late = given["approach.ahead_m"] < stop
    assert bool(late.any())
    assert not RULE.lost(late, given).any()
    assert RULE.lost(~late, given).all()
    assert RULE.frames(given).sum() == 4 * RULE.m


def test_a_drive_counts_approaches_and_bins_frames() -> None:
    told = Told(tiny_world(0))
    trial = cast(Problem, told)
    found = drive(trial, torch.zeros(3, 18, 18), n=6, seed=3, approach=APPROACH, rule=RULE)
    given = told.asked[0]
    assert (found.lost, found.lost_bare) == (wilson(3, 6), wilson(0, 6))
    assert found.frames == len(given["approach.which"])
    assert sum(one.stickers.n for one in found.bins) == found.frames
    ahead, even = given["approach.ahead_m"], given["approach.which"] % 2 == 0
    for one in found.bins:
        rows = (ahead > one.low_m) & (ahead <= one.high_m)
        assert one.high_m - one.low_m == BIN_M
        assert one.stickers.n == one.bare.n == int(rows.sum())
        assert (one.stickers.hits, one.bare.hits) == (int(even[rows].sum()), 0)
    assert (found.bins[0].low_m, found.bins[-1].high_m) == (0.0, 6.0)
    most = max((one.stickers for one in found.bins), key=lambda one: one.n)
    alone = wilson(most.hits, most.n)
    assert most.high - most.low > 1.5 * (alone.high - alone.low)  # frames of one drive agree


def test_both_signs_are_driven_past_under_the_same_conditions() -> None:
    told = Told(tiny_world(0))
    drive(cast(Problem, told), torch.zeros(1), n=2, seed=0, approach=APPROACH, rule=RULE)
    drive(cast(Problem, told), torch.zeros(1), n=2, seed=1, approach=APPROACH, rule=RULE)
    one, bare, other, _ = told.asked
    assert all(torch.equal(one[name], bare[name]) for name in one)
    assert not torch.equal(one["camera.exposure.gain_ev"][0], other["camera.exposure.gain_ev"][0])


def test_a_drive_through_the_whole_path() -> None:
    """A victim that always says the target loses every approach, on pictures of the real world."""
    trial = Problem(Always(), targeted(1), Pixels(two_bars(), 50.0), tiny_world(0))
    theta = torch.rand(3, 18, 18, generator=generator(0))
    found = drive(trial, theta, n=2, seed=0, approach=APPROACH, rule=RULE)
    assert found.lost == found.lost_bare == wilson(2, 2)


def test_too_late_a_start_and_too_many_frames_are_refused() -> None:
    with pytest.raises(UserError, match=r"approach: expected at least 40 frames before"):
        LastChance(k=1, m=40).frames(drawn(3, 0))
    with pytest.raises(UserError, match="k 5, m 3"):
        LastChance(k=5, m=3).frames(drawn(3, 0))
