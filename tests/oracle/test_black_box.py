"""Black-box searches: known optima of linear victims, known laws of estimates, exact counts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, cast

import pytest
import torch
from torch import Tensor

from physadv.attacks import (
    CMAES,
    Attack,
    Budget,
    GradientEstimate,
    Graphite,
    RandomSearch,
    State,
)
from physadv.attacks.estimate import directions, slope
from physadv.attacks.evolution import DIAGONAL
from physadv.attacks.space import Space
from physadv.core import Answer, Encoded, UserError, generator, spawn
from physadv.objectives import Objective, margin, targeted
from physadv.patch import Pixels
from physadv.problem import Problem
from physadv.testing.contract import no_chance_from_outside
from tests.oracle.test_linear_victim import best_theta, mean_loss
from tests.victims import linear_victim
from tests.worlds import linear_world, two_bars

BUDGET = Budget(4000, held_out=10, checks=2)
SEARCHES: dict[str, Attack] = {
    "random search": RandomSearch(BUDGET, batch=2),
    "nes": GradientEstimate("nes", BUDGET, batch=1),
    "spsa": GradientEstimate("spsa", BUDGET, batch=1),
    "cma-es": CMAES(BUDGET, batch=2),
    "graphite": Graphite(BUDGET, batch=2),
}
SHARES = {"random search": 0.75, "nes": 0.9, "spsa": 0.9, "cma-es": 0.75, "graphite": 0.6}
"""What each must reach of what the best theta gains over the middle of the box (CMA-ES on blocks
of cells, whose own best is less)."""


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photograph and judge on coarse rasters, exact all the same: the bars' edges lie on them."""
    monkeypatch.setattr("tests.worlds.INK_PX", 64)
    monkeypatch.setattr("physadv.problem.HARD_PX", 64)


class Counted:
    """A linear victim without gradients that counts the images it is shown."""

    differentiable = False

    def __init__(self, seed: int = 0) -> None:
        self.victim, self.images = linear_victim(classes=2, size_px=(16, 16), seed=seed), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.victim, name)

    def __call__(self, images: Encoded) -> Answer:
        assert not torch.is_grad_enabled()
        self.images += len(images)
        return self.victim(images)


def problem(seed: int = 0, objective: Objective | None = None) -> Problem:
    wanted = objective or targeted(1, margin)
    return Problem(Counted(seed), wanted, Pixels(two_bars(), 75.0), linear_world(seed=seed))


def last(attack: Attack, trial: Problem, seed: int = 0) -> State:
    *_, state = attack.search(trial, generator(spawn(seed, "search")), None)
    return state


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_comes_near_the_optimum(name: str) -> None:
    trial = problem()
    open_ = replace(trial, victim=linear_victim(classes=2, size_px=(16, 16)))
    given = trial.draw(64, generator(100))
    middle = mean_loss(open_, torch.full(trial.patch.shape, 0.5), given)
    least = mean_loss(open_, best_theta(open_, given), given)
    found = last(SEARCHES[name], trial).best
    gained = (middle - mean_loss(open_, found, given)) / (middle - least)
    assert SHARES[name] <= gained <= 1 + 1e-4, gained


@pytest.mark.parametrize("answers", ["scores", "label"])
@pytest.mark.parametrize("queries", [347, 1000])
@pytest.mark.parametrize("name", SEARCHES)
def test_queries_are_the_pictures_shown_and_never_more_than_allowed(
    name: str, queries: int, answers: Literal["scores", "label"]
) -> None:
    budget = replace(BUDGET, queries=queries, answers=answers)
    trial = problem()
    states = list(replaced(name, budget).search(trial, generator(0), None))
    assert isinstance(trial.victim, Counted)
    assert states[-1].queries == trial.victim.images <= queries
    assert states[-1].queries > queries - 320
    assert [state.step for state in states] == sorted({state.queries for state in states})
    assert states[-1].done == 1


def replaced(name: str, budget: Budget) -> Attack:
    attack: Any = SEARCHES[name]
    changed: Attack = replace(attack, budget=budget)
    return changed


@pytest.mark.parametrize("name", SEARCHES)
def test_a_budget_smaller_than_a_step_is_refused(name: str) -> None:
    trial = problem()
    with pytest.raises(UserError, match=r"queries: expected at least \d+: a step and the check"):
        last(replaced(name, replace(BUDGET, queries=11)), trial)
    assert isinstance(trial.victim, Counted)
    assert trial.victim.images == 0
    with pytest.raises(UserError, match="queries: expected at least 1, got 0"):
        Budget(0)
    with pytest.raises(UserError, match="answers: expected one of scores, label, got 'labels'"):
        Budget(answers="labels")  # type: ignore[arg-type]  # wrong on purpose


def test_what_was_spent_before_counts() -> None:
    trial = problem()
    found = last(RandomSearch(Budget(400, held_out=10, spent=300), batch=2), trial)
    assert isinstance(trial.victim, Counted)
    assert found.queries == 300 + trial.victim.images <= 400
    with pytest.raises(UserError, match="queries: expected at least 314"):
        last(RandomSearch(Budget(310, held_out=10, spent=300), batch=2), problem())


class Sealed(Tensor):
    """Scores that tell how many they are, where they are, and which is highest."""

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        allowed = {"__len__", "argmax", "__get__", "size", "dim"}
        assert func.__name__ in allowed, f"{func.__name__} reads the scores"
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))


class Closed(Counted):
    """Answers with scores that may not be read."""

    def __call__(self, images: Encoded) -> Answer:
        return Answer(super().__call__(images).scores.as_subclass(Sealed))


@pytest.mark.parametrize("name", SEARCHES)
def test_label_only_never_reads_scores(name: str) -> None:
    """Nor does the loss matter: the theta is that of a victim whose scores are bare votes."""
    attack = replaced(name, Budget(600, "label", held_out=10, checks=2))
    trial = problem(objective=targeted(1, margin))
    closed = replace(trial, victim=Closed())
    found = last(attack, closed)
    open_ = last(attack, trial)
    assert torch.equal(found.best, open_.best)
    with pytest.raises(AssertionError, match="reads the scores"):
        last(replaced(name, BUDGET), closed)


@pytest.mark.parametrize("name", SEARCHES)
def test_label_only_finds_what_succeeds(name: str) -> None:
    """The start succeeds under some conditions; what is found under more of them."""
    trial = problem(seed=1)
    given = trial.draw(200, generator(7))
    found = last(replaced(name, Budget(3000, "label", held_out=20, checks=3)), trial)
    with torch.no_grad():
        rate = float(trial.succeeds(found.best, given).float().mean())
    assert rate >= 0.95


@pytest.mark.parametrize(("method", "extra"), [("nes", 1), ("spsa", -1)])
def test_an_estimate_is_unbiased_with_the_error_that_theory_says(method: str, extra: int) -> None:
    """On a linear loss: mean squared error |g|² (n ± 1)/m, the mean over many is the gradient."""
    n, m, times = 12, 20, 4000
    gradient = torch.randn(n, generator=generator(0)).double()
    rng = generator(1)

    def along(way: Tensor) -> tuple[float, float]:
        rise = float(way.double() @ gradient) * 0.3
        return 5 + rise, 5 - rise

    found = torch.stack([slope(along, directions(method, m, n, rng), 0.3) for _ in range(times)])
    size = float(gradient.square().sum())
    error = float((found - gradient).square().sum(dim=1).mean())
    assert error == pytest.approx(size * (n + extra) / m, rel=0.06)
    bias = float((found.mean(dim=0) - gradient).square().sum())
    assert bias < 3 * size * (n + extra) / m / times


@pytest.mark.parametrize("method", ["nes", "spsa"])
def test_an_estimate_points_along_the_gradient_of_a_quadratic(method: str) -> None:
    """Central differences have no error of second order."""
    n, rng = 10, generator(2)
    root = torch.randn(n, n, generator=rng).double()
    matrix, x = root @ root.T, torch.randn(n, generator=rng).double()

    def loss(at: Tensor) -> float:
        return float(at @ matrix @ at) / 2

    def along(way: Tensor) -> tuple[float, float]:
        return loss(x + 0.5 * way.double()), loss(x - 0.5 * way.double())

    found = slope(along, directions(method, 4000, n, rng), 0.5)
    assert float(torch.cosine_similarity(found, (matrix @ x).float(), dim=0)) > 0.99


@dataclass(frozen=True)
class Few:
    """A patch of a few numbers in a box, of which two are grey levels and the rest show nothing."""

    n: int = 6

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n,)

    def start(self, rng: torch.Generator) -> Tensor:
        return torch.rand(self.n, generator=rng)

    def project(self, theta: Tensor) -> Tensor:
        return theta.clamp(0, 1)

    def touch(self, theta: Tensor, width_px: int = 64) -> Any:
        return theta

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        return ()

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        return {"middle": torch.full_like(theta, 0.5)}


class Bowl:
    """An ill-conditioned bowl around `best`; the one thing to be asked."""

    def __init__(self, best: Tensor) -> None:
        self.patch, self.best, self.asked = Few(len(best)), best, 0

    def draw(self, n: int, rng: torch.Generator) -> dict[str, Tensor]:
        return {"tilt": torch.rand(n, generator=rng)}

    def evaluate(self, theta: Tensor, given: Mapping[str, Tensor]) -> Any:
        weights = 10.0 ** torch.linspace(0, 3, len(theta))
        self.asked += len(given["tilt"])
        loss = ((theta - self.best) ** 2 * weights).sum() + given["tilt"]
        return Losses(loss, loss < 0)

    judge = evaluate


@dataclass
class Losses:
    """Losses and successes."""

    loss: Tensor
    success: Tensor


def test_cma_es_finds_the_bottom_of_an_ill_conditioned_bowl() -> None:
    """Six numbers, axes a thousand to one; a best one on the edge of the box."""
    best = torch.tensor([0.2, 0.8, 0.5, 0.3, 1.0, 0.6])
    bowl: Any = Bowl(best)
    found = last(CMAES(Budget(6000, held_out=2, checks=2), batch=2), bowl)
    assert float((found.best - best).abs().max()) < 0.02
    assert bowl.asked == found.queries <= 6000


def test_the_seed_tells_all_of_cma_es_past_its_diagonal_beginning() -> None:
    """Both generations with a diagonal covariance and those with a full one; none from outside."""
    best = torch.tensor([0.2, 0.8, 0.5, 0.3, 1.0, 0.6])
    attack, bowls = CMAES(Budget(800, held_out=2, checks=2), batch=2), (Bowl(best), Bowl(best))
    with no_chance_from_outside("CMA-ES takes its chance from the seed"):
        one, other = (last(attack, cast(Any, bowl)) for bowl in bowls)
    assert one.queries > 2 * DIAGONAL * attack.batch * 9
    assert torch.equal(one.best, other.best)


def test_a_space_moves_what_shows_in_blocks() -> None:
    patch = Pixels(two_bars(), 25.0)
    base = patch.start(generator(0))
    used = patch.used().expand(patch.shape)
    fine = Space(patch, base, 10_000)
    assert fine.n == int(used.sum())
    theta = torch.rand(patch.shape, generator=generator(1))
    assert torch.equal(fine.theta(fine.numbers(theta))[used], theta[used])
    coarse = Space(patch, base, 50)
    assert 20 < coarse.n <= 50
    numbers = torch.rand(coarse.n, generator=generator(2))
    made = coarse.theta(numbers)
    assert torch.allclose(coarse.numbers(made), numbers, atol=1e-6)
    assert torch.equal(made[~used], base.clamp(0, 1)[~used])
    assert len(made[used].unique()) == coarse.n


def same_given(calls: list[Mapping[str, Tensor]]) -> Iterator[bool]:
    for one, other in pairwise(calls):
        yield torch.equal(one["dimmer.gain_ratio"], other["dimmer.gain_ratio"])


def test_old_and_new_are_judged_under_the_same_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[Mapping[str, Tensor]]()
    asked = Problem.evaluate

    def watched(self: Problem, theta: Tensor | None, given: Mapping[str, Tensor]) -> Any:
        calls.append(given)
        return asked(self, theta, given)

    monkeypatch.setattr(Problem, "evaluate", watched)
    last(RandomSearch(Budget(200, held_out=10, checks=1), batch=4, refresh=5), problem())
    assert list(same_given(calls))[:11] == [True] * 5 + [False] + [True] * 5
    calls.clear()
    last(GradientEstimate("spsa", Budget(200, held_out=10, checks=1), batch=4), problem())
    assert list(same_given(calls))[:5] == [True, False, True, False, True]
