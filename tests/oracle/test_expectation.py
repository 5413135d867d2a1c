"""How conditions count: the tail's mean against its definition, the hardest rows, mild first."""

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.attacks import Expectation, Gradient
from physadv.attacks.expectation import eased, tail_mean
from physadv.core import UserError, generator
from physadv.objectives import targeted
from physadv.patch import Pixels
from physadv.problem import Outcome, Problem
from tests.victims import linear_victim
from tests.worlds import linear_world, two_bars


def problem() -> Problem:
    return Problem(linear_victim(), targeted(2), Pixels(two_bars(), 50.0), linear_world())


@settings(max_examples=50, deadline=None)
@over(st.lists(st.floats(-5, 5), min_size=1, max_size=12), st.floats(0.05, 1))
def test_the_tail_s_mean_is_the_least_of_rockafellar_and_uryasev(
    losses: list[float], share: float
) -> None:
    """min over c of c + E max(loss - c, 0) / share; the minimum lies at one of the losses."""
    values = torch.tensor(losses, dtype=torch.float64)
    over_all = [c + float((values - c).clamp_min(0).mean()) / share for c in losses]
    assert float(tail_mean(values, share)) == pytest.approx(min(over_all), abs=1e-9)


def test_all_of_the_tail_is_the_mean() -> None:
    values = torch.rand(24, generator=generator(0))
    assert torch.equal(tail_mean(values, 1.0), values.mean())


def test_the_tail_s_gradient_is_its_rows_share() -> None:
    values = torch.tensor([3.0, 1.0, 2.0, 0.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(tail_mean(values, 0.375), values)
    assert slope.tolist() == pytest.approx([2 / 3, 0, 1 / 3, 0])


def test_the_hardest_rows_are_those_of_highest_loss() -> None:
    trial, theta = problem(), torch.full(problem().patch.shape, 0.5)
    wide = trial.draw(30, generator(1))
    losses = trial.evaluate(theta, wide).loss
    kept = Expectation(hardest_of=3).draw(trial, theta, 10, 1.0, generator(1))
    found = trial.evaluate(theta, kept).loss
    torch.testing.assert_close(found.sort().values, losses.sort().values[-10:])


def test_spans_open_from_half_their_width_to_all_of_it() -> None:
    trial = problem()
    whole = trial.draw(8, generator(2))
    for done, share in ((0.0, 0.5), (0.2, 0.75), (0.4, 1.0), (0.9, 1.0)):
        mild = Expectation(mild_ratio=0.4).draw(trial, torch.empty(0), 8, done, generator(2))
        for name, value in eased(trial.declared(), whole, share).items():
            torch.testing.assert_close(mild[name], value)
    rest = eased(trial.declared(), whole, 0.0)
    assert all(bool((value == value[0]).all()) for value in rest.values())


@dataclass(frozen=True)
class Counted(Problem):
    """A problem that notes how many pictures were shown."""

    shown: list[int] | None = None

    def evaluate(self, theta: Tensor | None, given: object) -> Outcome:
        """Count and go on."""
        found = super().evaluate(theta, given)  # type: ignore[arg-type]  # as the base takes it
        assert self.shown is not None
        self.shown.append(len(found.loss))
        return found

    def judge(self, theta: Tensor | None, given: object) -> Outcome:
        """Count and go on."""
        found = super().judge(theta, given)  # type: ignore[arg-type]  # as the base takes it
        assert self.shown is not None
        self.shown.append(len(found.loss))
        return found


@pytest.mark.parametrize("how", [Expectation(), Expectation(0.5, 3, 0.5)])
def test_queries_are_the_pictures_shown(how: Expectation) -> None:
    base, shown = problem(), list[int]()
    trial = Counted(base.victim, base.objective, base.patch, base.world, shown)
    attack = Gradient(steps=4, batch=4, held_out=6, check_every=2, enough=2.0, expectation=how)
    *_, last = attack.search(trial, generator(0), None)
    assert last.queries == sum(shown)


def test_the_plain_expectation_draws_as_the_problem_does() -> None:
    trial = problem()
    plain = Expectation().draw(trial, torch.empty(0), 5, 0.0, generator(3))
    wanted = trial.draw(5, generator(3))
    assert all(torch.equal(plain[name], value) for name, value in wanted.items())
    assert Gradient().expectation == replace(Expectation())


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"tail_ratio": 0.0}, "tail_ratio"),
        ({"hardest_of": 0}, "hardest_of"),
        ({"mild_ratio": 1.5}, "mild_ratio"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, float], name: str) -> None:
    with pytest.raises(UserError, match=name):
        Expectation(**values)  # type: ignore[arg-type]  # a bad one on purpose
