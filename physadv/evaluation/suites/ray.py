"""Cells on the machines of a Ray cluster (https://docs.ray.io): the same file, the same results.

Images travel with the suite; files that it names (weights, Python files) have to be at the same
path on every machine, and physadv installed.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from physadv.core import UserError
from physadv.evaluation.suites.cells import Cell
from physadv.evaluation.suites.measure import Failure, Outcome, tried
from physadv.evaluation.suites.prepared import Prepared
from physadv.evaluation.suites.processes import Begun, Result, Runner
from physadv.victims.extra import extra

LOCAL = "local"
"""The address that means: begin one on this machine."""


def on_ray(address: str) -> Runner:
    """Return what runs cells on a cluster: "auto", "ray://host:10001", or "local" for one here.

    It connects at once. Raises `UserError` where ray is not installed, or nothing answers.
    """
    with extra("ray", "ray"):
        import ray
    mine = not ray.is_initialized()
    if mine:
        _connect(address)

    def run(prepared: Prepared, cells: Sequence[Cell], begun: Begun) -> Iterator[Result]:
        try:
            work = ray.remote(_tried).options(num_cpus=1, max_retries=0)
            held = ray.put(prepared)
            pending = {work.remote(held, cell): cell for cell in cells}
            for cell in cells:
                begun(cell)
            while pending:
                (done,), _ = ray.wait(list(pending), num_returns=1)
                yield pending.pop(done), _got(done)
        finally:
            if mine:
                ray.shutdown()

    return run


def _connect(address: str) -> None:
    import ray

    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    try:
        if address == LOCAL:
            ray.init(include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        line = str(error).strip().splitlines()[0]
        fix = "ray start --head begins a cluster; local, one here"
        expected = "the address of a Ray cluster"
        raise UserError("ray", expected=expected, got=f"{address!r} ({line})", fix=fix) from error


def _tried(prepared: Prepared, cell: Cell) -> Outcome | Failure:
    import torch

    torch.set_num_threads(1)
    return tried(prepared, cell)


def _got(reference: object) -> Outcome | Failure:
    """Return what came of a cell, or how its process died."""
    import ray

    try:
        found: Outcome | Failure = ray.get(reference)
    except ray.exceptions.RayError as error:
        line = (str(error).strip().splitlines() or [""])[0]
        return Failure(type(error).__name__, line)
    return found
