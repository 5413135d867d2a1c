"""A linear victim in a linear world: the best patch is known, and the attack must find it."""

from dataclasses import replace
from functools import partial
from typing import Literal

import pytest
import torch
from torch import Tensor

from physadv.attacks import Gradient
from physadv.core import Answer, Conditions, Photo, generator
from physadv.objectives import Objective, margin, targeted, untargeted
from physadv.patch import Pixels
from physadv.problem import Problem
from tests.victims import linear_victim
from tests.worlds import linear_world, two_bars

ATTACK = Gradient(steps=60, batch=8, held_out=16, enough=2.0)
TARGET = 1


def problem(seed: int = 0, objective: Objective | None = None) -> Problem:
    """Return two classes, whose margin is linear in scores, scores in pixels, pixels in theta."""
    victim = linear_victim(classes=2, size_px=(16, 16), seed=seed)
    wanted = objective or targeted(TARGET, margin)
    return Problem(victim, wanted, Pixels(two_bars(), 50.0), linear_world(seed=seed))


def mean_loss(trial: Problem, theta: Tensor, given: Conditions) -> float:
    with torch.no_grad():
        return float(trial.evaluate(theta, given).loss.mean())


def best_theta(trial: Problem, given: Conditions) -> Tensor:
    """Return the corner of the box that the constant gradient points to: its least loss."""
    theta = torch.full(trial.patch.shape, 0.5, requires_grad=True)
    (slope,) = torch.autograd.grad(trial.evaluate(theta, given).loss.mean(), theta)
    return torch.where(slope > 0, 0.0, 1.0)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("optimiser", ["adam", "sign"])
def test_the_attack_reaches_the_optimum(optimiser: Literal["adam", "sign"], seed: int) -> None:
    """At least 98 % of what the best theta gains over the middle of the box."""
    trial = problem(seed)
    given = trial.draw(64, generator(seed + 100))
    middle = mean_loss(trial, torch.full(trial.patch.shape, 0.5), given)
    least = mean_loss(trial, best_theta(trial, given), given)
    found = replace(ATTACK, optimiser=optimiser)(trial, seed=seed, n=20)
    assert middle - mean_loss(trial, found.theta, given) >= 0.98 * (middle - least)


def test_no_corner_of_the_box_is_better() -> None:
    """The closed form itself: turning any cell over, or drawing at random, only adds loss."""
    trial = problem()
    given = trial.draw(16, generator(0))
    best = best_theta(trial, given)
    least = mean_loss(trial, best, given)
    for seed in range(20):
        rng = generator(seed)
        other = torch.where(torch.rand(best.shape, generator=rng) < 0.1, 1 - best, best)
        assert mean_loss(trial, other, given) >= least
        assert mean_loss(trial, torch.rand(best.shape, generator=rng), given) > least


def test_the_loss_is_linear_in_theta() -> None:
    trial = problem()
    given = trial.draw(8, generator(1))
    one, other = (torch.rand(trial.patch.shape, generator=generator(k)) for k in (1, 2))
    for share in (0.25, 0.6):
        mixed = mean_loss(trial, torch.lerp(one, other, share), given)
        ends = (1 - share) * mean_loss(trial, one, given) + share * mean_loss(trial, other, given)
        assert mixed == pytest.approx(ends, abs=1e-4)


def test_the_judge_sees_the_optimum_s_margin() -> None:
    """Printed hard and in 8 bits, the best theta keeps its margin to a part in a hundred."""
    trial = problem()
    given = trial.draw(64, generator(2))
    best = best_theta(trial, given)
    with torch.no_grad():
        soft, hard = trial.evaluate(best, given), trial.judge(best, given)
    scale = float(soft.loss.abs().mean())
    assert float((soft.loss - hard.loss).abs().max()) < 0.01 * scale + 0.02


def test_what_is_not_covered_does_not_matter() -> None:
    trial = problem()
    given = trial.draw(4, generator(3))
    assert isinstance(trial.patch, Pixels)
    used, theta = trial.patch.used(), torch.rand(trial.patch.shape, generator=generator(4))
    other = torch.where(used, theta, 1 - theta)
    assert 0 < float(used.float().mean()) < 0.5
    assert mean_loss(trial, theta, given) == mean_loss(trial, other, given)


def test_untargeted_is_targeted_where_there_are_two_classes() -> None:
    given = problem().draw(16, generator(5))
    towards, away = problem(), problem(objective=untargeted(margin))
    theta = torch.rand(towards.patch.shape, generator=generator(6))
    one, other = towards.evaluate(theta, given), away.evaluate(theta, given)
    torch.testing.assert_close(one.loss, other.loss)
    assert torch.equal(one.success, other.success)


def test_a_flat_gradient_is_noted() -> None:
    flat = Objective(((1.0, partial(_nothing)),), targeted(TARGET).goals)
    found = replace(ATTACK, steps=10)(problem(objective=flat), seed=0, n=20)
    assert any("flat" in doubt for doubt in found.doubts)
    sound = replace(ATTACK, steps=10)(problem(), seed=0, n=20)
    assert not any("flat" in doubt for doubt in sound.doubts)


def _nothing(answer: Answer, _photo: Photo) -> Tensor:
    return 0 * answer.scores.sum(dim=1)
