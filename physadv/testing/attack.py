"""The contract of physical attacks: chance from the seed, resumable, judged by somebody else."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from physadv.attacks import Attack, Result, State
from physadv.core import spawn
from physadv.judge import judge
from physadv.problem import Problem
from physadv.testing.contract import hold, near, no_chance_from_outside

N = 10
"""Photos that each result is judged on."""


@dataclass
class _Stop:
    """Listens to a search, keeps what it said, and ends it after `limit` states."""

    limit: int | None = None
    states: list[State] = field(default_factory=list)

    def __call__(self, state: State) -> None:
        self.states.append(state)
        if self.limit is not None and len(self.states) >= self.limit:
            raise KeyboardInterrupt


def check_attack(attack: Attack, problem: Problem, *, seed: int = 0) -> Result:
    """Raise `ContractError` at the first clause that `attack` breaks; return its result.

    The attack is run four times on `problem`, so both should be small; it must yield at least two
    states. The same seed gives the same theta and report, another seed another theta; a search
    that is stopped and resumed ends as if it had not been; the report is the judge's own; states
    are flat tensors that say all; theta is printable; the victim's weights are not touched.
    """
    weights = _weights(problem)
    whole = _Stop()
    with no_chance_from_outside("an attack does not use the global generator"):
        result = attack(problem, seed=seed, n=N, on_state=whole)
    hold(len(whole.states) >= 2, "give a budget that yields two states", len(whole.states))
    _check_states(problem, whole.states, result)
    _check_seed(attack, problem, result)
    _check_report(problem, result)
    _check_resume(attack, problem, result)
    same = all(torch.equal(weights[name], value) for name, value in _weights(problem).items())
    hold(same, "an attack does not change the victim's weights")
    return result


def _check_states(problem: Problem, states: list[State], result: Result) -> None:
    steps, done = [state.step for state in states], [state.done for state in states]
    hold(steps == sorted(set(steps)), "states go forward", steps)
    hold(all(0 < share <= 1 for share in done), "`done` is a share of the budget", done)
    last, theta = states[-1], result.theta
    hold(torch.equal(last.best, theta), "the last state's best is what is handed out")
    hold(result.steps == last.step and result.queries == last.queries, "the cost is told")
    hold(theta.shape == problem.patch.shape, "theta has the patch's shape", tuple(theta.shape))
    near(problem.patch.project(theta), theta, "theta can be printed", 0)
    flat = all(isinstance(value, Tensor) for value in last.tensors.values())
    hold(flat, "a state's tensors are a flat mapping")
    hold(not any(value.requires_grad for value in last.tensors.values()), "states hold no graph")


def _check_seed(attack: Attack, problem: Problem, result: Result) -> None:
    again = attack(problem, seed=result.seed, n=N)
    near(again.theta, result.theta, "the same seed gives the same theta", 0)
    hold(again.report == result.report, "the same seed gives the same report")
    other, theta = attack(problem, seed=result.seed + 1, n=N), result.theta
    hold(not torch.equal(other.theta, theta), "another seed gives another theta")


def _check_report(problem: Problem, result: Result) -> None:
    report = judge(problem, result.theta, seed=spawn(result.seed, "report"), n=N)
    hold(report == result.report, "the report is what the judge says of theta")
    hold(result.doubts[: len(report.doubts)] == report.doubts, "no doubt is kept back")


def _check_resume(attack: Attack, problem: Problem, result: Result) -> None:
    """Stop at the first state, save as a file would, and go on."""
    stop = _Stop(limit=1)
    early = attack(problem, seed=result.seed, n=N, on_state=stop)
    hold(early.interrupted, "a stopped search is judged and says that it was stopped")
    saved: Mapping[str, Tensor] = {n: v.clone() for n, v in stop.states[0].tensors.items()}
    resumed = attack(problem, seed=result.seed, n=N, resume=saved)
    near(resumed.theta, result.theta, "a resumed search ends as if it had not been stopped", 0)
    hold((resumed.steps, resumed.queries) == (result.steps, result.queries), "so does its cost")


def _weights(problem: Problem) -> dict[str, Tensor]:
    module = getattr(problem.victim, "module", None)
    state = module.state_dict() if isinstance(module, torch.nn.Module) else {}
    return {name: value.detach().clone() for name, value in state.items()}
