"""Expectation over transformation by gradient: fresh conditions each step (Athalye et al. 2018)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from physadv.attacks.adam import adam
from physadv.attacks.base import Attack, State
from physadv.attacks.expectation import Expectation
from physadv.core import Conditions, generator
from physadv.core.check import at_least_one
from physadv.problem import Problem
from physadv.victims import check_gradients

BLACK_BOX = (
    "name an attack that only asks, e.g. physadv generate --attack random-search; or find stickers "
    "on a victim of your own, and physadv evaluate --victim judges them on this one"
)
"""What a search by gradient advises for a victim that has none."""
KEPT = ("theta", "mean", "best", "first", "second")


@dataclass(frozen=True)
class Gradient(Attack):
    """Adam (Kingma & Ba 2015) or signed steps on theta, over `batch` fresh conditions a step.

    The step size falls with a cosine over each restart. Every `check_every` steps the running
    mean of theta is tried on `held_out` conditions never trained on, printed hard; the best
    theta is kept, and the search ends early when it stayed at `enough` for `patience` checks.
    `expectation` says which conditions a step sees and how they count.
    """

    steps: int = 150
    batch: int = 24
    rate: float = 0.06
    optimiser: Literal["adam", "sign"] = "adam"
    restarts: int = 1
    held_out: int = 60
    check_every: int = 10
    enough: float = 1.0
    patience: int = 3
    average: float = 0.8
    expectation: Expectation = Expectation()

    def __post_init__(self) -> None:
        """Refuse a budget of nothing."""
        at_least_one(self, "steps", "batch", "restarts", "held_out", "check_every")

    def search(
        self, problem: Problem, rng: torch.Generator, resume: Mapping[str, Tensor] | None
    ) -> Iterator[State]:
        """Yield a state every `check_every` steps, and the one it is resumed from."""
        walk, total = self.walk(problem, rng), self.steps * self.restarts
        if resume is not None:
            walk.restore(resume)
            yield walk.state(total)
        while walk.step < total and walk.calm < self.patience:
            walk.advance()
            if walk.step % self.check_every == 0 or walk.step == total:
                walk.check()
                yield walk.state(total)

    def walk(self, problem: Problem, rng: torch.Generator) -> "Walk":
        """Return a search that is advanced by hand; `UserError` where a victim has no gradient."""
        check_gradients(problem.victim, BLACK_BOX)
        apart = generator(int(torch.randint(2**31, (1,), generator=rng)))
        return Walk(self, problem, problem.draw(self.held_out, apart), rng)


class Walk:
    """The memory of one search: where theta is, and what is best so far."""

    def __init__(
        self, settings: Gradient, problem: Problem, held: Conditions, rng: torch.Generator
    ) -> None:
        """Stand before the first step."""
        self.settings, self.problem, self.held, self.rng = settings, problem, held, rng
        self.step = self.queries = self.calm = 0
        self.loss, self.success = float("nan"), -1.0
        self.flat = True
        self.theta = self.mean = self.best = torch.zeros(problem.patch.shape)
        self.first = self.second = torch.zeros(problem.patch.shape)
        self.score = float("inf")

    def restart(self) -> None:
        """Begin anew from a fresh theta; the best so far is kept."""
        self.theta = self.problem.patch.start(self.rng)
        self.mean = self.theta.clone()
        self.first, self.second = torch.zeros_like(self.theta), torch.zeros_like(self.theta)
        if self.step == 0:
            self.best = self.theta.clone()

    def advance(self) -> None:
        """Take one step, from a fresh theta where a restart is due."""
        if self.step % self.settings.steps == 0:
            self.restart()
        theta = self.theta.clone().requires_grad_()
        within, how = self.step % self.settings.steps, self.settings.expectation
        done, batch = within / self.settings.steps, self.settings.batch
        given = how.draw(self.problem, self.theta, batch, done, self.rng)
        loss = how.mean(self.problem.evaluate(theta, given).loss)
        (slope,) = torch.autograd.grad(loss, theta)
        self.flat = self.flat and bool(slope.abs().max() < 1e-9)
        share = 0.5 * (1 + torch.cos(torch.tensor(3.14159265 * within / self.settings.steps)))
        rate = self.settings.rate * float(0.05 + 0.95 * share)
        self.theta = self.problem.patch.project(self.theta - rate * self._direction(slope, within))
        keep = min(self.settings.average, within / (within + 2))
        self.mean = torch.lerp(self.theta, self.mean, keep)
        self.loss = float(loss.detach())
        self.step += 1
        self.queries += how.pictures(batch)

    def _direction(self, slope: Tensor, within: int) -> Tensor:
        if self.settings.optimiser == "sign":
            return slope.sign()
        way, self.first, self.second = adam(slope, self.first, self.second, within)
        return way

    def check(self) -> None:
        """Try the running mean on the held-out conditions and keep it if it is the best."""
        mean = self.problem.patch.project(self.mean)
        outcome = self.problem.judge(mean, self.held)
        success, score = float(outcome.success.float().mean()), float(outcome.loss.mean())
        self.queries += self.settings.held_out
        if (success, -score) > (self.success, -self.score):
            self.success, self.score, self.best = success, score, mean.clone()
        self.calm = self.calm + 1 if success >= self.settings.enough else 0

    def state(self, total: int) -> State:
        """Return where the search stands."""
        notes: tuple[str, ...] = ()
        if self.flat:
            notes = ("the gradient was flat from the start: masked gradients?",)
        if self.step == total and self.success < self.settings.enough:
            notes += self._unsettled()
        tensors = {
            name: getattr(self, name) for name in ("theta", "mean", "best", "first", "second")
        }
        tensors["generator"] = self.rng.get_state()
        tensors["counts"] = torch.tensor([self.step, self.queries, self.calm, int(self.flat)])
        tensors["scores"] = torch.tensor([self.success, self.score, self.loss], dtype=torch.float64)
        return State(
            self.step,
            self.step / total,
            self.loss,
            self.success,
            self.queries,
            self.best,
            tensors,
            notes,
        )

    def _unsettled(self) -> tuple[str, ...]:
        moved = float((self.mean - self.theta).abs().mean())
        return ("not converged: theta still moves at the last step",) if moved > 0.05 else ()

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a state's tensors."""
        for name in KEPT:
            setattr(self, name, tensors[name].clone())
        self.rng.set_state(tensors["generator"])
        self.step, self.queries, self.calm, flat = tensors["counts"].tolist()
        self.flat = bool(flat)
        self.success, self.score, self.loss = tensors["scores"].tolist()
