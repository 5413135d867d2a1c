"""Losses of the recipes that harden, on linear networks: closed forms and slow computations."""

from collections.abc import Iterator
from itertools import pairwise
from math import inf, log
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from physadv.attacks.digital import random_point
from physadv.core import UserError, generator
from physadv.training.robust import (
    Fast,
    Free,
    Lesson,
    Method,
    Mix,
    PatchTraining,
    Pgd,
    Physical,
    Pool,
    Student,
    Teacher,
    Trades,
    divergence,
    robust_method,
)
from physadv.training.robust.patches import laid
from tests.victims import LinearNetwork, SmallNetwork

EPS = 0.1


def network(classes: int = 2, side: int = 4, seed: int = 0) -> LinearNetwork:
    rng = generator(seed)
    weight = torch.randn(classes, 3, side, side, generator=rng) / side
    return LinearNetwork(weight, torch.randn(classes, generator=rng))


def lesson(net: nn.Module, side: int = 4, *, seed: int = 1, count: int = 5) -> Lesson:
    """Images far enough from 0 and 1 that the ball is not cut."""
    images = 0.3 + 0.4 * torch.rand(count, 3, side, side, generator=generator(seed))
    return Lesson(net, images, torch.arange(count) % 2, generator(seed), plain=images)


def only(losses: Iterator[Tensor]) -> Tensor:
    (loss,) = losses
    return loss


def margins(net: LinearNetwork, lesson: Lesson) -> Tensor:
    """Return by how much the own of two classes leads, (B,)."""
    scores, rows = net(lesson.images), torch.arange(len(lesson.images))
    lead: Tensor = scores[rows, lesson.labels] - scores[rows, 1 - lesson.labels]
    return lead


def reach(net: LinearNetwork) -> Tensor:
    """Return how far the margin of two classes falls within the ball: eps times the L1 norm."""
    return EPS * (net.weight[0] - net.weight[1]).abs().sum()


def test_pgd_trains_on_the_worst_point_of_the_ball() -> None:
    net = network()
    given = lesson(net)
    worst = softplus(-(margins(net, given) - reach(net))).mean()
    found = only(Pgd(eps=EPS, steps=20)(given))
    assert torch.allclose(found, worst, atol=1e-5)
    assert not torch.allclose(only(Pgd(eps=EPS, steps=1)(lesson(net))), worst, atol=1e-3)


def test_mix_is_half_clean_and_half_the_fast_gradient_sign() -> None:
    net = network()
    given = lesson(net)
    clean, worst = (
        softplus(-m).mean() for m in (margins(net, given), margins(net, given) - reach(net))
    )
    assert torch.allclose(only(Mix(eps=EPS)(given)), (clean + worst) / 2, atol=1e-5)
    some = only(Mix(eps=EPS, share=0.9)(given))
    assert torch.allclose(some, 0.9 * clean + 0.1 * worst, atol=1e-5)
    assert torch.allclose(only(Physical()(given)), clean, atol=1e-6)


def test_fast_takes_one_step_of_one_and_a_quarter_from_a_random_point() -> None:
    net = network()
    given = lesson(net)
    own = net.weight[given.labels] - net.weight[1 - given.labels]
    start = random_point(given.images, EPS, inf, generator(1))
    change = (start - 1.25 * EPS * own.sign()).clamp(-EPS, EPS)
    assert (change.abs() < EPS - 1e-6).any()  # so the start shows
    lead = margins(net, given) + (own * change).flatten(1).sum(dim=1)
    assert torch.allclose(only(Fast(eps=EPS)(given)), softplus(-lead).mean(), atol=1e-5)


def test_free_moves_weights_and_change_along_the_same_slope_in_each_replay() -> None:
    net, rate, memory = network(), 0.5, dict[str, Tensor]()
    weight, bias = net.weight.detach().clone().double(), net.bias.detach().clone().double()
    change, optimiser = (
        torch.zeros(5, 3, 4, 4, dtype=torch.double),
        torch.optim.SGD(net.parameters(), rate),
    )
    for seed in (1, 2):  # the change goes over from one batch to the next
        given = lesson(net, seed=seed)
        batch = Lesson(net, given.images, given.labels, given.rng, memory)
        for loss in Free(eps=EPS / 4, replays=3)(batch):
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        for _ in range(3):
            shown = given.images.double() + change
            scores = shown.flatten(1) @ weight.flatten(1).T + bias
            wrong = (scores.softmax(1) - torch.eye(2, dtype=torch.double)[given.labels]) / 5
            slope = (wrong @ weight.flatten(1)).reshape(change.shape)
            weight = weight - rate * (wrong.T @ shown.flatten(1)).reshape(weight.shape)
            bias = bias - rate * wrong.sum(dim=0)
            change = (change + EPS / 4 * slope.sign()).clamp(-EPS / 4, EPS / 4)
    assert torch.allclose(net.weight.double(), weight, atol=1e-5)
    assert torch.allclose(net.bias.double(), bias, atol=1e-5)
    assert torch.allclose(memory["change"].double(), change, atol=1e-7)


def test_trades_is_cross_entropy_and_beta_times_the_divergence_at_a_point_sought_by_its_slope() -> (
    None
):
    net = network(classes=3)
    given, method = lesson(net), Trades(eps=EPS, beta=4.0, steps=10)
    weight, x = net.weight.detach().double().flatten(1), given.images.double().flatten(1)
    start = 0.001 * torch.randn(given.images.shape, generator=generator(1))
    bias, change = net.bias.detach().double(), start.double().flatten(1)
    known = (x @ weight.T + bias).softmax(dim=1)
    for _ in range(10):
        moved = ((x + change) @ weight.T + bias).softmax(dim=1)
        change = (change + EPS / 4 * ((moved - known) @ weight).sign()).clamp(-EPS, EPS)
    moved = ((x + change) @ weight.T + bias).softmax(dim=1)
    far = sum(
        float(p * (p / q).log())
        for row, other in zip(known, moved, strict=True)
        for p, q in zip(row, other, strict=True)
    )
    clean = -known[torch.arange(5), given.labels].log().mean()
    expected = float(clean) + 4.0 * far / 5
    assert float(only(method(given)).detach()) == pytest.approx(expected, abs=1e-5)
    assert far / 5 > 0.01


def test_the_divergence_is_none_of_itself_and_has_a_direction() -> None:
    one, other = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert float(divergence(one, one)) == pytest.approx(0.0, abs=1e-7)
    p, q = one.softmax(1)[0].tolist(), other.softmax(1)[0].tolist()
    expected = sum(a * log(a / b) for a, b in zip(p, q, strict=True))
    assert float(divergence(one, other)) == pytest.approx(expected, abs=1e-6)


def test_a_student_learns_what_its_teacher_is_sure_of_at_the_temperature() -> None:
    teacher, pupil = network(classes=3, seed=5), network(classes=3, seed=6)
    given, heat = lesson(pupil), 7.0
    soft = (teacher(given.images) / heat).softmax(dim=1)
    told = (pupil(given.images) / heat).log_softmax(dim=1)
    loss = only(Student(teacher, heat)(given))
    assert torch.allclose(loss, -(soft * told).sum(dim=1).mean(), atol=1e-6)
    loss.backward()
    assert all(p.grad is None for p in teacher.parameters())
    same = only(Student(teacher, heat)(lesson(teacher)))
    (slope,) = torch.autograd.grad(same, teacher.weight)
    assert float(slope.abs().max()) < 1e-6  # nothing to learn from itself
    own = only(Teacher(heat)(given))
    assert torch.allclose(own, -told[torch.arange(5), given.labels].mean(), atol=1e-6)


def test_what_a_student_learns_is_right_at_the_temperature_one() -> None:
    """A student that matches at T has the teacher's scores, T times what a network at 1 has."""
    pupil, heat = network(), 20.0
    given = lesson(pupil, count=2)
    optimiser = torch.optim.Adam(pupil.parameters(), 0.5)
    for _ in range(200):
        optimiser.zero_grad()
        only(Teacher(heat)(given)).backward()
        optimiser.step()
    assert float(margins(pupil, given).detach().min()) > heat  # exp(-1) at T, exp(-20) at 1


class Counted(SmallNetwork):
    """Says in which mode it was asked."""

    def __init__(self) -> None:
        super().__init__(2)
        self.modes: list[bool] = []

    def forward(self, images: Tensor) -> Tensor:
        self.modes.append(self.training)
        return super().forward(images)


@pytest.mark.parametrize(
    ("method", "modes"),
    [
        (Pgd(steps=2), [False, False, True]),
        (Fast(), [False, True]),
        (Mix(), [False, True, True]),
        (Trades(steps=1), [False, False, True, True]),
        (Free(replays=2), [True, True]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_examples_are_made_at_rest_and_learnt_in_training(
    method: Method, modes: list[bool]
) -> None:
    net = Counted().train()
    for loss in method(lesson(net)):
        loss.backward()
    assert net.modes == modes
    assert net.training
    assert all(p.grad is not None for p in net.parameters())


def test_a_pool_holds_examples_as_near_as_any_that_are_read_as_another_class() -> None:
    """Of two classes of linear scores: straight to the boundary, lead / |w| away."""
    net, given = network(), lesson(network())
    method = Pool(size=5, fresh=5, rounds=12, steps=40)
    given.labels.copy_(torch.where(margins(net, given) > 0, given.labels, 1 - given.labels))
    own = net.weight[given.labels] - net.weight[1 - given.labels]
    loss = only(method(given))
    pool, truth = given.memory["pool"], given.memory["truth"]
    assert torch.equal(truth, given.labels)
    assert torch.equal(net(pool).argmax(dim=1), 1 - truth)
    change, length = (pool - given.images).flatten(1), own.flatten(1).norm(dim=1)
    nearest = margins(net, given) / length
    assert (change.norm(dim=1) <= 1.05 * nearest).all()
    assert (change.norm(dim=1) >= nearest - 1e-6).all()
    taken = torch.randint(5, (5,), generator=after_draws(1, (5,)))
    worse = nn.functional.cross_entropy(net(pool[taken]), truth[taken])
    clean = nn.functional.cross_entropy(net(given.images), given.labels)
    assert torch.allclose(loss, (clean + worse) / 2, atol=1e-6)


def after_draws(seed: int, shape: tuple[int, ...]) -> torch.Generator:
    """Return a lesson's chance after its images and one draw of other classes."""
    rng = generator(seed)
    torch.randint(1, 2, shape, generator=rng)
    return rng


def test_a_pool_fills_up_and_then_changes_by_what_is_fresh() -> None:
    net, memory = network(), dict[str, Tensor]()
    method, seen = Pool(size=5, fresh=2, rounds=2, steps=4), list[Tensor]()
    for seed in range(6):
        given = lesson(net, seed=seed)
        batch = Lesson(net, given.images, given.labels, given.rng, memory)
        only(method(batch))
        seen.append(memory["pool"])
    assert [len(pool) for pool in seen] == [2, 4, 5, 5, 5, 5]
    for before, after in pairwise(seen[2:]):
        assert int((before != after).flatten(1).any(dim=1).sum()) == 2
    assert len(memory["truth"]) == 5


def ramp(side: int) -> LinearNetwork:
    """A network whose first class leads less the brighter the top left corner is."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    fall = (2 * side - x - y).float().expand(3, -1, -1) / side**3
    return LinearNetwork(torch.stack([-fall, fall]), torch.zeros(2))


def ramp_lesson(side: int = 16) -> Lesson:
    grey, labels = torch.full((5, 3, side, side), 0.5), torch.zeros(5, dtype=torch.long)
    return Lesson(ramp(side), grey, labels, generator(1), plain=grey)


@pytest.mark.parametrize("search", ["random", "full"])
def test_patches_go_where_they_do_most(search: str) -> None:
    given = ramp_lesson()
    side, steps = 4, 30 if search == "full" else 300
    found = PatchTraining(search=search, steps=steps, rate=1.0).attacked(given, given.images)
    best = given.images.clone()
    best[:, :, :side, :side] = 1.0  # by exhaustion: the weights fall in both directions
    assert torch.equal(found, best)
    still = PatchTraining(search="none", steps=2, rate=1.0).attacked(given, given.images)
    losses = [given.scores(images)[:, 0] for images in (found, still)]
    assert bool((losses[0] <= losses[1]).all())


def test_patches_lie_whole_in_the_crop_and_spare_its_middle() -> None:
    given = ramp_lesson()
    method = PatchTraining(steps=6)
    changed = (method.attacked(given, given.images) != given.images).any(dim=1)
    assert not changed[:, 6:10, 6:10].any()  # 0.3125 of 16 px is 5 px, 5.5 to 10.5
    for row in changed:
        rows, columns = row.any(dim=1).nonzero()[:, 0], row.any(dim=0).nonzero()[:, 0]
        assert (len(rows), len(columns)) == (4, 4)
        assert bool(row[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all())


def test_half_of_a_batch_bears_patches() -> None:
    given = ramp_lesson()
    shown = given.images.clone()
    method = PatchTraining(steps=3)
    shown[:2] = method.attacked(ramp_lesson(), given.images[:2])
    expected = nn.functional.cross_entropy(given.scores(shown), given.labels)
    assert torch.allclose(only(method(given)), expected)


def test_a_patch_is_laid_at_its_corner() -> None:
    plain, patch = torch.zeros(2, 3, 6, 8), torch.rand(2, 3, 2, 2, generator=generator(0))
    made = laid(plain, patch, torch.tensor([[5, 1], [0, 4]]))
    assert torch.equal(made[0, :, 1:3, 5:7], patch[0])
    assert torch.equal(made[1, :, 4:6, 0:2], patch[1])
    assert torch.isclose(made.sum(), patch.sum())


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("distil", {"temperature": 0.0}, "temperature: expected above 0, got 0"),
        ("distil", {"temperature": -1}, "temperature: expected above 0, got -1"),
        ("pgd", {"eps": 8}, "8 of 255 is 8/255"),
        ("pgd", {"steps": 0}, "steps: expected at least 1"),
        ("pgd", {"steps": "many"}, "steps: expected a number, got 'many'"),
        ("mix", {"share": 1.5}, "share: expected above 0 and at most 1, got 1.5"),
        ("pool", {"share": 0.0}, "share: expected above 0 and at most 1, got 0"),
        ("pool", {"fresh": 0}, "fresh: expected at least 1"),
        ("fast", {"replays": 2}, "fast --set: expected one of eps, rate_ratio"),
        ("trade", {}, "did you mean 'trades'"),
        ("patch", {"search": "ful"}, "did you mean 'full'"),
        ("patch", {"side_ratio": 0.4}, "side_ratio: expected with half the middle"),
    ],
)
def test_bad_settings_are_refused(name: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as error:
        robust_method(name, settings)
    assert said in str(error.value)


def test_a_student_at_no_temperature_is_refused() -> None:
    with pytest.raises(UserError, match="temperature: expected above 0"):
        Student(network(), 0.0)
