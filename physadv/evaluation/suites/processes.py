"""Cells in several processes of one machine: one that dies takes its cell with it, and no other."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any

import torch

from physadv.core.memory import keep_memory
from physadv.evaluation.suites.cells import Cell
from physadv.evaluation.suites.measure import Failure, Outcome, tried
from physadv.evaluation.suites.prepared import Prepared

Begun = Callable[[Cell], None]
"""Is told of a cell that begins."""
Result = tuple[Cell, Outcome | Failure]
Runner = Callable[[Prepared, Sequence[Cell], Begun], Iterator[Result]]
"""Runs cells, and yields each with what came of it, in whatever order they end."""


def here(prepared: Prepared, cells: Sequence[Cell], begun: Begun) -> Iterator[Result]:
    """Run cells one after another in this process."""
    for cell in cells:
        begun(cell)
        yield cell, tried(prepared, cell)


def in_processes(jobs: int) -> Runner:
    """Return what runs cells in so many processes, which share out the cores."""

    def run(prepared: Prepared, cells: Sequence[Cell], begun: Begun) -> Iterator[Result]:
        count = min(jobs, len(cells))
        threads = max(1, cores() // max(1, count))
        workers = list[_Worker]()
        left = iter(cells)
        try:
            workers += [_Worker(prepared, threads) for _ in range(count)]
            for worker in workers:
                worker.give(next(left, None), begun)
            while any(worker.cell for worker in workers):
                for worker in _ready(workers):
                    yield worker.take()
                    if worker.gone:
                        worker.start()
                    worker.give(next(left, None), begun)
        finally:
            for worker in workers:
                worker.end()

    return run


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker:
    """A process, the connection to it, and the cell that it is at."""

    def __init__(self, prepared: Prepared, threads: int) -> None:
        self.prepared, self.threads = prepared, threads
        self.cell: Cell | None = None
        self.start()

    def start(self) -> None:
        """Begin a process; spawned, since torch's threads do not survive a fork."""
        context = get_context("spawn")
        self.gone = False
        self.line, other = context.Pipe()
        arguments = (other, self.prepared, self.threads)
        self.process = context.Process(target=_serve, args=arguments, daemon=True)
        self.process.start()
        other.close()

    def give(self, cell: Cell | None, begun: Begun) -> None:
        """Hand over a cell, if there is one left."""
        self.cell = cell
        if cell is None:
            return
        begun(cell)
        try:
            self.line.send(cell)
        except ConnectionError:  # it died since
            self.start()
            self.line.send(cell)

    def take(self) -> Result:
        """Return the cell that ended, with what came of it or how the process died."""
        assert self.cell is not None, "nothing was given"
        try:
            return self.cell, self.line.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            self.gone = True
            return self.cell, _death(self.process.exitcode)

    def end(self) -> None:
        """Stop the process."""
        self.line.close()
        self.process.terminate()
        self.process.join()


def _ready(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait until at least one is done with its cell, or dead."""
    lines: dict[Any, _Worker] = {one.line: one for one in workers if one.cell is not None}
    return [lines[line] for line in wait(list(lines))]


def _death(code: int | None) -> Failure:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        memory = "; perhaps there was too little memory" if name == "SIGKILL" else ""
        return Failure("process died", f"signal {name}{memory}")
    return Failure("process died", f"exit code {code}")


def _serve(line: Connection, prepared: Prepared, threads: int) -> None:
    """Run the cells that come, until the line or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends this process
    Thread(target=_follow, daemon=True).start()
    torch.set_num_threads(threads)
    keep_memory()
    while True:
        try:
            cell = line.recv()
        except (EOFError, ConnectionError):
            return
        line.send(tried(prepared, cell))


def _follow() -> None:
    """End with the parent, however that ended."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
