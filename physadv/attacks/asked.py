"""What a black-box search may ask: pictures counted, a budget kept, scores or labels alone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from physadv.attacks.base import State
from physadv.core import Conditions, check, generator
from physadv.core.check import at_least_one, one_of
from physadv.problem import Problem

STATES = 20
"""How many states a search yields, about."""
ANSWERS = ("scores", "label")


@dataclass(frozen=True)
class Budget:
    """How many pictures a victim may be shown, and what of its answers is used.

    With `answers="label"` the search learns of each picture whether it succeeds and nothing else.
    `checks` times what was found is tried under `held_out` conditions of their own, printed hard:
    they are queries too. `spent` were used up before, as by choosing a layout.
    """

    queries: int = 10_000
    answers: Literal["scores", "label"] = "scores"
    held_out: int = 40
    checks: int = 5
    spent: int = 0

    def __post_init__(self) -> None:
        """Refuse a budget of nothing."""
        at_least_one(self, "queries", "held_out", "checks")
        one_of("answers", self.answers, ANSWERS)


class Asked:
    """A problem whose victim is a black box: the one door to it, where pictures are counted.

    While searching, pictures are made as any search's are (`Problem.evaluate`, without gradient):
    who has a printer only would print here. Checks print hard.
    """

    def __init__(self, problem: Problem, budget: Budget) -> None:
        """Have asked nothing yet."""
        self.problem, self.budget, self.spent = problem, budget, budget.spent

    @property
    def share(self) -> float:
        """How much of the budget is spent, in [0,1]."""
        return self.spent / self.budget.queries

    @torch.no_grad()
    def seen(self, theta: Tensor, given: Conditions) -> tuple[Tensor, Tensor]:
        """Return what is to be made small, (B,): losses, or 1 for a failure; and successes (B,)."""
        self._pay(given)
        if self.budget.answers == "label":
            success = self.problem.succeeds(theta, given)
            return 1 - success.float(), success
        outcome = self.problem.evaluate(theta, given)
        return outcome.loss, outcome.success

    def loss(self, theta: Tensor, given: Conditions) -> float:
        """Return the mean of what is to be made small."""
        return float(self.seen(theta, given)[0].mean())

    def held(self, theta: Tensor, given: Conditions) -> tuple[float, float]:
        """Return the share of successes and the mean loss, printed hard."""
        self._pay(given)
        if self.budget.answers == "label":
            success = float(self.problem.succeeds(theta, given, hardly=True).float().mean())
            return success, 1 - success
        seen = self.problem.judge(theta, given)
        return float(seen.success.float().mean()), float(seen.loss.mean())

    def _pay(self, given: Conditions) -> None:
        self.spent += len(next(iter(given.values())))
        if self.spent > self.budget.queries:
            raise RuntimeError(f"{self.spent} queries of {self.budget.queries}")


class Seeker(Protocol):
    """The memory of one search that asks: where it stands and how it goes on."""

    loss: float

    @property
    def theta(self) -> Tensor:
        """What it would hand out now."""

    @property
    def cost(self) -> int:
        """How many pictures the next step takes, at most."""

    def advance(self) -> None:
        """Take a step."""

    def tensors(self) -> dict[str, Tensor]:
        """Return all it needs to go on, but for the generator."""

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from there."""


class Held:
    """The conditions that nothing is searched on, and the best that was found under them."""

    def __init__(self, asked: Asked, rng: torch.Generator) -> None:
        """Draw them from a generator of their own."""
        apart = generator(int(torch.randint(2**31, (1,), generator=rng)))
        self.asked, self.given = asked, asked.problem.draw(asked.budget.held_out, apart)
        self.success, self.loss, self.times = -1.0, float("inf"), 0
        self.best = torch.zeros(asked.problem.patch.shape)

    def check(self, theta: Tensor) -> None:
        """Try theta and keep it if none was better."""
        success, loss = self.asked.held(theta, self.given)
        self.times += 1
        if (success, -loss) >= (self.success, -self.loss):
            self.success, self.loss, self.best = success, loss, theta.clone()


def follow(
    begin: Callable[[Asked, torch.Generator], Seeker],
    problem: Problem,
    budget: Budget,
    rng: torch.Generator,
    resume: Mapping[str, Tensor] | None,
) -> Iterator[State]:
    """Yield about `STATES` states of the search that `begin` makes until its budget is spent.

    A state's step is its last query; the first state is the one it is resumed from. Raises
    `UserError` where the budget is smaller than one step and the last check.
    """
    asked = Asked(problem, budget)
    held = Held(asked, rng)
    seeker = begin(asked, rng)
    least = seeker.cost + budget.held_out + budget.spent
    expected = f"at least {least}: a step and the check of what it found"
    check(least <= budget.queries, "queries", expected=expected, got=budget.queries)
    if resume is not None:
        _restore(seeker, held, rng, resume)
        yield _state(seeker, held, rng)
    due = max(1, budget.queries // STATES)
    while _affordable(seeker, held):
        before = asked.spent // due
        seeker.advance()
        if asked.spent // due > before and _affordable(seeker, held):
            if asked.share >= (held.times + 1) / budget.checks and _affordable(seeker, held, 2):
                held.check(seeker.theta)
            yield _state(seeker, held, rng)
    if asked.spent < budget.queries and not _finished(resume, held):
        held.check(seeker.theta)
        yield _state(seeker, held, rng, done=True)


def _affordable(seeker: Seeker, held: Held, checks: int = 1) -> bool:
    """Whether a step can be paid and that many checks after it."""
    budget = held.asked.budget
    return held.asked.spent + seeker.cost + checks * budget.held_out <= budget.queries


def _finished(resume: Mapping[str, Tensor] | None, held: Held) -> bool:
    """Whether it was resumed from its last state, so that nothing was asked since."""
    return resume is not None and bool(resume["done"]) and held.asked.spent == int(resume["spent"])


def _state(seeker: Seeker, held: Held, rng: torch.Generator, *, done: bool = False) -> State:
    asked, success = held.asked, held.success
    best = held.best if held.times else seeker.theta
    tensors = {
        **seeker.tensors(),
        "best": held.best,
        "generator": rng.get_state(),
        "spent": torch.tensor(asked.spent),
        "done": torch.tensor(done),
        "held": torch.tensor([success, held.loss, held.times], dtype=torch.float64),
    }
    share = 1.0 if done else asked.share
    loss = held.loss if done else seeker.loss
    return State(asked.spent, share, loss, success, asked.spent, best, tensors)


def _restore(
    seeker: Seeker, held: Held, rng: torch.Generator, tensors: Mapping[str, Tensor]
) -> None:
    seeker.restore(tensors)
    rng.set_state(tensors["generator"])
    held.asked.spent, held.best = int(tensors["spent"]), tensors["best"].clone()
    held.success, held.loss, times = tensors["held"].tolist()
    held.times = int(times)
