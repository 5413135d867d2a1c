"""Every attack keeps the contract; the contract catches those that do not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

import physadv.attacks
from physadv.attacks import (
    CMAES,
    Attack,
    Budget,
    Expectation,
    Gradient,
    GradientEstimate,
    Graphite,
    RandomSearch,
    Result,
    State,
)
from physadv.core import generator
from physadv.objectives import targeted
from physadv.patch import Pixels
from physadv.problem import Problem
from physadv.testing import ContractError, check_attack, check_victim
from physadv.victims import Classifier
from tests.victims import linear_victim, small_victim
from tests.worlds import linear_world, tiny_world, two_bars

SMALL = Gradient(steps=6, batch=4, restarts=2, held_out=4, check_every=3, enough=2.0)
BUDGET = Budget(60, held_out=4, checks=2)
ATTACKS: dict[str, Attack] = {
    "adam": SMALL,
    "sign": replace(SMALL, optimiser="sign"),
    "early": replace(SMALL, enough=0.0, patience=2),
    "worst cases": replace(SMALL, expectation=Expectation(0.6, hardest_of=2, mild_ratio=0.5)),
    "random search": RandomSearch(BUDGET, batch=2, refresh=3),
    "nes": GradientEstimate("nes", BUDGET, pairs=3, batch=1),
    "spsa, label only": GradientEstimate(
        "spsa", replace(BUDGET, answers="label"), pairs=3, batch=1, optimiser="sign"
    ),
    "cma-es": CMAES(BUDGET, batch=2, population=4, numbers=9),
    "graphite": Graphite(
        BUDGET, batch=1, directions=4, pictures=(torch.rand(3, 9, 9, generator=generator(0)),)
    ),
}
KINDS = {type(attack) for attack in ATTACKS.values()}


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge on coarse rasters: what is judged does not matter here, only by whom."""
    monkeypatch.setattr("physadv.problem.HARD_PX", 128)


def problem() -> Problem:
    return Problem(small_victim(), targeted(2), Pixels(two_bars(), 50.0), tiny_world())


def linear_problem() -> Problem:
    return Problem(linear_victim(), targeted(2), Pixels(two_bars(), 50.0), linear_world())


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_in_a_street(name: str) -> None:
    result = check_attack(ATTACKS[name], problem())
    assert result.queries > 0


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_in_a_linear_world(name: str) -> None:
    check_attack(ATTACKS[name], linear_problem(), seed=3)


def test_every_attack_is_tried() -> None:
    exported = [getattr(physadv.attacks, name) for name in physadv.attacks.__all__]
    attacks = {x for x in exported if isinstance(x, type) and issubclass(x, Attack)} - {Attack}
    assert attacks == KINDS


def test_the_budget_is_counted() -> None:
    result = SMALL(linear_problem(), seed=0, n=20)
    assert result.steps == 12
    assert result.queries == 12 * 4 + 4 * 4
    assert [step for step, _, _ in result.history] == [3, 6, 9, 12]


def test_early_stopping_stops_early() -> None:
    result = ATTACKS["early"](linear_problem(), seed=0, n=20)
    assert result.steps == 6
    assert not result.interrupted


@dataclass(frozen=True)
class Forgetful(Attack):
    """Random search whose states do not hold its generator."""

    def search(
        self, problem: Problem, rng: torch.Generator, resume: Mapping[str, Tensor] | None
    ) -> Iterator[State]:
        first = 0 if resume is None else int(resume["step"])
        for step in range(first, 3):
            theta = problem.patch.start(rng)
            tensors = {"step": torch.tensor(step + 1)}
            yield State(step + 1, (step + 1) / 3, 0.0, 0.0, step + 1, theta, tensors)


@dataclass(frozen=True)
class Global(Forgetful):
    """Asks the global generator."""

    def search(
        self, problem: Problem, rng: torch.Generator, resume: Mapping[str, Tensor] | None
    ) -> Iterator[State]:
        for state in super().search(problem, rng, resume):
            yield replace(state, best=torch.rand(problem.patch.shape))


@dataclass(frozen=True)
class Boastful(Attack):
    """Grades its own work."""

    def search(
        self, problem: Problem, rng: torch.Generator, resume: Mapping[str, Tensor] | None
    ) -> Iterator[State]:
        yield from SMALL.search(problem, rng, resume)

    def __call__(self, problem: Problem, *, seed: int, n: int = 500, **rest: object) -> Result:
        result = super().__call__(problem, seed=seed, n=n, **rest)  # type: ignore[arg-type]  # wrong on purpose
        return replace(result, report=replace(result.report, n=n + 1))


@dataclass(frozen=True)
class Poisonous(Boastful):
    """Makes the victim weaker."""

    def __call__(self, problem: Problem, *, seed: int, n: int = 500, **rest: object) -> Result:
        assert isinstance(problem.victim, Classifier)
        with torch.no_grad():
            next(problem.victim.module.parameters()).mul_(1 - 1e-6)
        return Attack.__call__(self, problem, seed=seed, n=n, **rest)  # type: ignore[arg-type]  # wrong on purpose


@dataclass(frozen=True)
class Garish(Boastful):
    """Hands out what no printer prints."""

    def search(
        self, problem: Problem, rng: torch.Generator, resume: Mapping[str, Tensor] | None
    ) -> Iterator[State]:
        for state in SMALL.search(problem, rng, resume):
            yield replace(state, best=state.best * 3)

    def __call__(self, problem: Problem, *, seed: int, n: int = 500, **rest: object) -> Result:
        return Attack.__call__(self, problem, seed=seed, n=n, **rest)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("attack", "clause"),
    [
        (Forgetful(), "resumed"),
        (Global(), "global generator"),
        (Boastful(), "the judge says"),
        (Poisonous(), "weights|same theta|same report"),
        (Garish(), "printed"),
    ],
)
def test_what_breaks_the_contract_is_caught(attack: Attack, clause: str) -> None:
    victim = small_victim()
    trial = replace(problem(), victim=victim) if isinstance(attack, Poisonous) else linear_problem()
    with pytest.raises(ContractError, match=clause):
        check_attack(attack, trial)


@pytest.mark.parametrize("victim", [linear_victim(), small_victim()], ids=["linear", "small"])
def test_the_toys_keep_the_victim_s_contract(victim: Classifier) -> None:
    check_victim(victim)


class Training(Classifier):
    """Leaves its module in another mode."""

    def __call__(self, images):  # type: ignore[no-untyped-def]  # wrong on purpose
        answer = super().__call__(images)
        self.module.train(not self.module.training)
        return answer


def test_a_victim_that_changes_is_caught() -> None:
    own = small_victim()
    victim = Training(own.module, own.labels, size_px=own.size_px)
    with pytest.raises(ContractError, match="stay as they were"):
        check_victim(victim)


def test_a_search_that_yields_nothing_is_an_error() -> None:
    nothing = {"step": torch.tensor(3)}
    with pytest.raises(ValueError, match="yielded no state"):
        Forgetful()(linear_problem(), seed=0, n=5, resume=nothing)
