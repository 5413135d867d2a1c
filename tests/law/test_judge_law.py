"""The judge: repeatable, right where the answer is known, suspicious, blind to the search."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
import torch
from torch import Tensor

from physadv.attacks import Gradient
from physadv.core import (
    Answer,
    Choice,
    Conditions,
    Encoded,
    Ink,
    Photo,
    Varying,
    generator,
    spawn,
    take,
    wilson,
)
from physadv.judge import ImageReport, Report, Told, judge, judge_images, rate
from physadv.objectives import margin, targeted, untargeted
from physadv.patch import Pixels
from physadv.problem import Problem
from physadv.world import World
from tests.victims import LinearVictim, linear_victim
from tests.worlds import LinearWorld, linear_world, tiny_world, two_bars

N = 40


class Stubborn(LinearVictim):
    """Answers as it is told, whatever it is shown."""

    def __init__(self, says: int, classes: int = 3, scores: Sequence[float] = ()) -> None:
        super().__init__(torch.zeros(classes, 3, 8, 8), torch.zeros(classes))
        self.scores = torch.tensor(scores or [float(k == says) * 3 for k in range(classes)])

    def __call__(self, images: Encoded) -> Answer:
        return Answer(self.scores.expand(len(images), -1))


class Bright(LinearVictim):
    """Says class 1 where there is much blue, else class 0."""

    def __init__(self) -> None:
        super().__init__(torch.zeros(3, 3, 8, 8), torch.zeros(3))

    def __call__(self, images: Encoded) -> Answer:
        blue = images[:, 2].mean(dim=(1, 2))
        zero = torch.zeros_like(blue)
        return Answer(torch.stack([zero + 0.35, blue, zero - 9], dim=1))


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print on coarse rasters, to be quick."""
    monkeypatch.setattr("physadv.problem.HARD_PX", 128)


def problem(victim: LinearVictim, world: World | None = None) -> Problem:
    return Problem(victim, targeted(1), Pixels(two_bars(), 50.0), world or linear_world())


def theta(seed: int = 0) -> Tensor:
    return torch.rand(3, 18, 18, generator=generator(seed))


def judged(victim: LinearVictim, seed: int = 0, n: int = N, world: World | None = None) -> Report:
    return judge(problem(victim, world), theta(), seed=seed, n=n)


@pytest.mark.parametrize("world", [linear_world(), tiny_world(0)], ids=["linear", "street"])
def test_the_same_seed_gives_the_same_report(world: World) -> None:
    victim = linear_victim()
    one, again = judged(victim, 1, 20, world), judged(victim, 1, 20, world)
    assert one == again
    assert one.seed == 1
    assert one.n == 20


def test_another_seed_sees_other_photos() -> None:
    reports = [judge(problem(Bright()), theta(), seed=seed, n=N) for seed in range(6)]
    assert len({(r.success.hits, *(c.hits for c in r.controls.values())) for r in reports}) > 1


def test_a_victim_that_always_says_the_target() -> None:
    report = judged(Stubborn(1))
    assert report.success == wilson(N, N)
    assert report.clean == wilson(N, N)
    assert report.correct == wilson(0, N)
    assert all(control == wilson(N, N) for control in report.controls.values())
    assert len(report.controls) == 5
    assert sum("control" in doubt for doubt in report.doubts) == 5
    assert any("reads the bare sign in only" in doubt for doubt in report.doubts)


def test_a_victim_that_never_does() -> None:
    report = judged(Stubborn(0))
    assert report.success == report.clean == wilson(0, N)
    assert report.correct == wilson(N, N)
    assert all(control == wilson(0, N) for control in report.controls.values())
    assert report.doubts == ()


def test_without_a_label_nothing_is_correct() -> None:
    assert judged(Stubborn(0), world=linear_world(label=-1)).correct is None


def test_the_doubt_names_the_control_that_succeeds() -> None:
    """Blue ink makes the target; white film is as blue, so that only it is suspected."""
    blue = torch.zeros(3, 18, 18)
    blue[2] = 1
    dark = LinearWorld(torch.zeros(1, 3, 16, 16))
    victim = Bright()
    victim_problem = problem(victim, cast(World, replace(dark, label=0)))
    bright = judge(with_bar(victim_problem), blue, seed=0, n=N)
    assert bright.clean.hits == 0
    doubted = {name for name in bright.controls if any(f"'{name}'" in d for d in bright.doubts)}
    assert doubted == {name for name, rate in bright.controls.items() if rate.share > 0.05}
    assert {"blank", "mean colour", "shuffled"} <= doubted
    assert bright.controls["random noise"].share < 1


def with_bar(trial: Problem) -> Problem:
    """Cover much of the picture."""
    bar = ((0.0, 0.0), (900.0, 0.0), (900.0, 500.0), (0.0, 500.0))
    return replace(trial, patch=Pixels(replace(two_bars(), pieces_mm=(bar,)), 50.0))


def test_probabilities_are_suspected() -> None:
    doubt = "probabilities, not logits"
    assert any(doubt in d for d in judged(Stubborn(0, scores=(0.7, 0.2, 0.1))).doubts)
    assert not any(doubt in d for d in judged(Stubborn(0, scores=(7.0, 2.0, 1.0))).doubts)


def test_an_answer_says_how_sure_it_is_or_nothing() -> None:
    """Probabilities are taken as they are, logits through the softmax; a label is no confidence."""
    images, doubt = Encoded(torch.zeros(2, 3, 8, 8)), "probabilities, not logits"

    def told(*scores: float) -> ImageReport:
        victim = Stubborn(0, scores=scores)
        return judge_images(victim, images, images, untargeted(margin), Told(torch.tensor([0, 0])))

    sure, logits, label = told(0.7, 0.2, 0.1), told(7.0, 2.0, 1.0), told(0.0, 1.0, 0.0)
    assert sure.sure == pytest.approx((0.7, 0.7))
    assert logits.sure == pytest.approx((0.9909, 0.9909), abs=1e-4)
    assert label.sure == (None, None)
    doubted = [any(doubt in said for said in one.doubts) for one in (sure, logits, label)]
    assert doubted == [True, False, False]


def test_ink_at_its_limits_is_suspected() -> None:
    trial = problem(Stubborn(0))
    black_white = judge(trial, theta().round(), seed=0, n=N)
    assert any("at its limits" in doubt for doubt in black_white.doubts)
    assert not any("at its limits" in doubt for doubt in judged(Stubborn(0)).doubts)


def test_a_coin_s_toss_is_suspected() -> None:
    half = torch.arange(N) % 2 == 0
    found = rate(half, {"x": torch.arange(float(N))}, 0)
    assert found.low < 0.5 < found.high


def test_photos_that_repeat_widen_the_interval() -> None:
    success = torch.arange(N) % 8 < 4
    photo = torch.arange(float(N)) % 8
    repeated = rate(success, {"scene.photo.which": photo}, 0)
    plain = rate(success, {"scene.pose.distance_m": photo}, 0)
    assert plain == wilson(N // 2, N)
    assert repeated.high - repeated.low > 1.5 * (plain.high - plain.low)
    assert rate(success, {"scene.photo.which": torch.arange(float(N))}, 0) == plain


@dataclass(frozen=True, eq=False)
class Watched(LinearWorld):
    """Remembers under which conditions it photographed, and how."""

    seen: list[tuple[float, bool]] = field(default_factory=list)

    def photograph(
        self, ink: Ink | None, given: Conditions, size_px: tuple[int, int], *, hardly: bool = False
    ) -> Photo:
        self.seen.extend((value, hardly) for value in given["dimmer.gain_ratio"].tolist())
        return super().photograph(ink, given, size_px, hardly=hardly)


def test_judging_does_not_use_conditions_of_the_search() -> None:
    """Neither those trained on, nor those held out; and it never photographs softly."""
    world = Watched(torch.rand(1, 3, 16, 16, generator=generator(0)))
    trial = problem(linear_victim(), cast(World, world))
    attack = Gradient(steps=10, batch=8, held_out=16, check_every=5, enough=2.0)
    theta_found = list(attack.search(trial, generator(3), None))[-1].best
    searched = {value for value, _ in world.seen}
    world.seen.clear()
    judge(trial, theta_found, seed=3, n=N)
    values = [value for value, _ in world.seen]
    assert all(hardly for _, hardly in world.seen)
    assert not searched & set(values)
    assert len(set(values)) == N
    assert values == values[:N] * 7  # sticker, bare sign and five controls: all the same


def test_another_seed_draws_other_conditions() -> None:
    drawn = []
    for seed in (0, 1):
        world = Watched(torch.rand(1, 3, 16, 16, generator=generator(0)))
        judge(problem(linear_victim(), cast(World, world)), theta(), seed=seed, n=N)
        drawn.append({value for value, _ in world.seen})
    assert not drawn[0] & drawn[1]


def test_untargeted_success_is_a_wrong_answer() -> None:
    trial = replace(problem(Stubborn(2)), objective=untargeted())
    report = judge(trial, theta(), seed=0, n=N)
    assert report.success.hits == N
    assert report.correct is not None
    assert report.correct.hits == 0


def test_each_stage_is_told() -> None:
    told: list[str] = []
    judge(problem(Stubborn(0)), theta(), seed=0, n=N, tick=told.append)
    assert told[:2] == ["sticker", "bare sign"]
    assert len(told) == 7


@dataclass(frozen=True, eq=False)
class Album(LinearWorld):
    """A linear world whose pictures are of one of four photos."""

    def declared(self) -> dict[str, Varying]:
        photo = Choice((0.0, 1.0, 2.0, 3.0))
        return super().declared() | {"scene.photo.which": photo}


def test_controls_that_succeed_now_and_then_are_clustered_by_their_own_photos(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A control is judged under fewer conditions than the stickers."""
    monkeypatch.setattr("physadv.judge.CONTROL_ROWS", 12)
    album = Album(torch.full((1, 3, 16, 16), 0.45))
    report = judged(Bright(), n=N, world=cast(World, album))
    some = [one for one in report.controls.values() if 0 < one.hits < one.n]
    assert some
    assert all(one.n == 12 for one in report.controls.values())


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_few_photos_are_judged_too(n: int) -> None:
    report = judged(Stubborn(1), n=n)
    assert report.success.n == report.clean.n == n
    assert all(control.n == n for control in report.controls.values())


def test_a_sample_is_the_first_of_the_conditions() -> None:
    """A rate of the first k rows is their count in a loop; all rows are the whole report."""
    victim, seed = linear_victim(), 3
    where = problem(victim, tiny_world(0))
    whole = judge(where, theta(), seed=seed, n=N)
    assert judge(where, theta(), seed=seed, n=N, first=N + 9) == whole
    given = where.draw(N, generator(spawn(seed, "judge")))
    hits = [bool(where.judge(theta(), take(given, slice(k, k + 1))).success) for k in range(12)]
    sample = judge(where, theta(), seed=seed, n=N, first=12)
    assert (sample.n, sample.success) == (12, wilson(sum(hits), 12))
    assert all(one.n == 12 for one in sample.controls.values())
