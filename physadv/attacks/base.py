"""What every physical attack shares: search, save, then be judged by somebody else."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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

        `on_state` is called with each state. Ctrl-C ends the search; what it had found by then is
        judged.
        """
        begun = perf_counter()
        last, history, interrupted = self._run(problem, seed, resume, on_state)
        seconds = perf_counter() - begun
        report = judge(problem, last.best, seed=spawn(seed, "report"), n=n, tick=tick)
        doubts = (*report.doubts, *last.notes)
        return Result(
            last.best, report, last.step, last.queries, seconds, seed, interrupted, history, doubts
        )

    def _run(
        self,
        problem: Problem,
        seed: int,
        resume: Mapping[str, Tensor] | None,
        on_state: OnState,
    ) -> tuple[State, tuple[tuple[int, float, float], ...], bool]:
        last, history = None, []
        try:
            for last in self.search(problem, generator(spawn(seed, "search")), resume):
                history.append((last.step, last.loss, last.success))
                on_state(last)
        except KeyboardInterrupt:
            if last is None:
                raise
            return last, tuple(history), True
        if last is None:
            raise ValueError("the search yielded no state")
        return last, tuple(history), False
