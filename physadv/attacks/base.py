"""What every physical attack shares: search, save, then be judged by somebody else."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import torch
from torch import Tensor

from physadv.core import generator, spawn
from physadv.judge import Report, Tick, judge
from physadv.problem import Problem


@dataclass(frozen=True, eq=False)
class State:
    """Where a search stands. `tensors` is all it needs to go on; `best` the theta to hand out.

    `success` is the share of the held-out conditions on which `best` succeeds, `queries` the
    pictures shown to the victim so far, `done` in [0,1] the share of the budget that is spent.
    """

    step: int
    done: float
    loss: float
    success: float
    queries: int
    best: Tensor
    tensors: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Result:
    """What an attack found, what the judge saw, and what it cost."""

    theta: Tensor
    report: Report
    steps: int
    queries: int
    seconds: float
    seed: int
    interrupted: bool
    history: tuple[tuple[int, float, float], ...]
    doubts: tuple[str, ...]


OnState = Callable[[State], None]

HISTORY, SECONDS = "base.history", "base.seconds"
"""What the base adds to a state's tensors: (N,3) of step, loss, success; the time taken so far."""


class Attack(ABC):
    """A physical attack: one theta for many photos. Subclasses write `search` alone."""

    @abstractmethod
    def search(
        self, problem: Problem, rng: torch.Generator, resume: Mapping[str, Tensor] | None
    ) -> Iterator[State]:
        """Yield states; the last one's `best` is what is handed out.

        All chance comes from `rng`; with `resume` (a state's tensors) the search goes on as if it
        had never stopped.
        """

    def __call__(
        self,
        problem: Problem,
        *,
        seed: int,
        n: int = 500,
        resume: Mapping[str, Tensor] | None = None,
        on_state: OnState = lambda _: None,
        tick: Tick = lambda _: None,
    ) -> Result:
        """Search, then have the judge look at what came back under n fresh conditions.

        `on_state` is called with each state; its tensors as `resume` make the search go on from
        there, and its history and its clock with it. Ctrl-C ends the search; what it had found by
        then is judged.
        """
        past = _Past.of(resume)
        last, interrupted = self._run(
            problem, seed, resume, lambda state: on_state(past.add(state))
        )
        seconds, history = past.seconds, tuple(past.history)
        report = judge(problem, last.best, seed=spawn(seed, "report"), n=n, tick=tick)
        stopped = f"the search was stopped by hand at {100 * last.done:.0f} % of its steps"
        doubts = (*report.doubts, *last.notes, *([stopped] if interrupted else []))
        return Result(
            last.best, report, last.step, last.queries, seconds, seed, interrupted, history, doubts
        )

    def _run(
        self,
        problem: Problem,
        seed: int,
        resume: Mapping[str, Tensor] | None,
        on_state: OnState,
    ) -> tuple[State, bool]:
        last = None
        try:
            for last in self.search(problem, generator(spawn(seed, "search")), resume):
                on_state(last)
        except KeyboardInterrupt:
            if last is None:
                raise
            return last, True
        if last is None:
            raise ValueError("the search yielded no state")
        return last, False


class _Past:
    """The course and the clock of a search, which travel in its states when it is resumed."""

    def __init__(self, history: list[tuple[int, float, float]], before: float) -> None:
        self.history, self.before, self.begun = history, before, perf_counter()

    @classmethod
    def of(cls, resume: Mapping[str, Tensor] | None) -> "_Past":
        """Return the past of a resumed search, or none."""
        if resume is None or HISTORY not in resume:
            return cls([], 0.0)
        rows = resume[HISTORY].tolist()
        return cls([(int(step), a, b) for step, a, b in rows], float(resume[SECONDS]))

    @property
    def seconds(self) -> float:
        """How long the search has taken in all."""
        return self.before + perf_counter() - self.begun

    def add(self, state: State) -> State:
        """Note a state and return it with all that came before it in its tensors."""
        if not self.history or self.history[-1][0] != state.step:
            self.history.append((state.step, state.loss, state.success))
        rows = torch.tensor(self.history, dtype=torch.float64)
        seconds = torch.tensor(self.seconds, dtype=torch.float64)
        return replace(state, tensors={**state.tensors, HISTORY: rows, SECONDS: seconds})
