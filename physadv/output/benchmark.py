"""The folder of a benchmark: a file a cell, so that it goes on from wherever it was killed."""

import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, cast

from physadv.core import UserError, check
from physadv.core.whole import clear_unfinished, write_whole
from physadv.evaluation.suites import (
    Cell,
    Failure,
    Outcome,
    Prepared,
    Row,
    Runner,
    accuracy,
    content,
    facts_of,
    file_name,
    leaderboard,
    plan_cells,
)
from physadv.output.card import MARKING, PACKAGES, rate_facts, write_card
from physadv.output.folder import CARD, check_unused, writing
from physadv.output.generate import today
from physadv.output.leaderboard_page import write_leaderboard_page
from physadv.output.parquet import parquet_there, write_parquet
from physadv.output.results_table import result_rows, write_results

CELLS, SUITE, PAGE = "cells", "suite.json", "leaderboard.html"
TABLE, PARQUET = "results.csv", "results.parquet"
ERROR = ".error"


class Watch(Protocol):
    """Whoever looks on."""

    def plan(self, count: int) -> None:
        """Hear how many cells there are."""

    def begun(self, cell: Cell) -> None:
        """Hear of a cell that begins."""

    def ended(self, cell: Cell, found: Outcome | Failure) -> None:
        """Hear of one that ended, or was kept from an earlier run."""


@dataclass(frozen=True)
class Benchmark:
    """What a benchmark found: cells in the suite's order, what came of each, and the ranking."""

    cells: tuple[Cell, ...]
    results: dict[Cell, Outcome | Failure]
    rows: tuple[Row, ...]

    @property
    def crashed(self) -> dict[Cell, Failure]:
        """The cells that crashed."""
        return {one: f for one, f in self.results.items() if isinstance(f, Failure)}


@dataclass(frozen=True, eq=False)
class BenchmarkFolder:
    """Where the cells of a prepared suite are kept, each under what its result depends on."""

    path: Path
    prepared: Prepared

    def begin(self, *, resume: bool, force: bool) -> None:
        """Make the folder, or go on with it; raises `UserError` where it holds another suite.

        `force` alone begins anew; with `resume` it goes on with another suite, and keeps what is
        the same in both.
        """
        check_benchmark(self.path, resume=resume, force=force)
        there, facts = self.path / SUITE, facts_of(self.prepared)
        if resume and not force:
            self._check_same(there, facts)
        with writing(self.path):
            if force and not resume:
                shutil.rmtree(self.path / CELLS, ignore_errors=True)
            (self.path / CELLS).mkdir(parents=True, exist_ok=True)
            stale = [self.path / name for name in (PAGE, TABLE, PARQUET, CARD)]
            for path in (*stale, *(self.path / CELLS).glob(f"*{ERROR}.*")):
                path.unlink(missing_ok=True)  # crashed cells are tried again
            for folder in (self.path, self.path / CELLS):
                clear_unfinished(folder)
            write_whole(there, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")

    def _check_same(self, path: Path, facts: Mapping[str, Any]) -> None:
        fix = "the same suite and images, or --resume --force to keep what is the same in both"
        try:
            was = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            expected, got = "a folder with a benchmark to go on with", f"{self.path} without one"
            raise UserError("resume", expected=expected, got=got, fix="leave it out") from error
        now = json.loads(json.dumps(facts))
        others = ", ".join(_differing(was, now))
        check(not others, "resume", expected="the benchmark that it holds", got=others, fix=fix)

    def read(self, cell: Cell) -> Outcome | None:
        """Return what is kept of a cell, None where there is nothing, or nothing that is whole."""
        try:
            facts = json.loads(self._file(cell, ".json").read_text(encoding="utf-8"))
            return _outcome(facts["found"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, cell: Cell, found: Outcome | Failure) -> None:
        """Keep what came of a cell; a file is whole or not there."""
        error, trace = self._file(cell, f"{ERROR}.json"), self._file(cell, f"{ERROR}.txt")
        facts: dict[str, Any] = {"cell": asdict(cell), "of": content(self.prepared, cell)}
        with writing(self.path):
            if isinstance(found, Failure):
                told = {"kind": found.kind, "message": found.message}
                write_whole(trace, found.trace or f"{found}\n")
                write_whole(error, json.dumps(facts | {"error": told}, indent=2) + "\n")
                return
            rates = {"read right": rate_facts(accuracy(found)), "interval": "95 %, Wilson"}
            facts |= {"measured": rates, "found": _plain(found)}
            write_whole(self._file(cell, ".json"), json.dumps(facts, indent=2) + "\n")
            for old in (error, trace):
                old.unlink(missing_ok=True)

    def trace_name(self, cell: Cell) -> str:
        """Return where the trace of a cell that crashed is, inside the folder."""
        return str(self._file(cell, f"{ERROR}.txt").relative_to(self.path))

    def _file(self, cell: Cell, ending: str) -> Path:
        return self.path / CELLS / (file_name(cell, content(self.prepared, cell)) + ending)


def check_benchmark(path: Path, *, resume: bool = False, force: bool = False) -> None:
    """Raise `UserError` where a folder holds a benchmark and neither flag is given."""
    check_unused(path, (), of="a benchmark", force=force)
    there = path.exists() and any((path / name).exists() for name in (SUITE, CELLS, CARD))
    expected, fix = "a folder without a benchmark", "go on with --resume, or anew with --force"
    check(resume or force or not there, "out", expected=expected, got=str(path), fix=fix)
    none = "a folder with a benchmark to go on with"
    fix = "leave --resume out to begin one"
    check(there or not resume, "resume", expected=none, got=str(path), fix=fix)


def run_benchmark(folder: BenchmarkFolder, runner: Runner, watch: Watch) -> Benchmark:
    """Run the cells that the folder has no result of, and write tables and page.

    Cells that crash are kept as such and tried again the next time. Whenever it is stopped, only
    cells that have begun and not ended are lost; after Ctrl-C tables and page show the others.
    """
    cells = tuple(plan_cells(folder.prepared))
    watch.plan(len(cells))
    results: dict[Cell, Outcome | Failure] = {}
    for cell in cells:
        kept = folder.read(cell)
        if kept is not None:
            results[cell] = kept
            watch.ended(cell, kept)
    left = [one for one in cells if one not in results]
    try:
        for cell, found in runner(folder.prepared, left, watch.begun):
            folder.write(cell, found)
            results[cell] = found
            watch.ended(cell, found)
    finally:
        done = Benchmark(cells, results, tuple(leaderboard(cells, results)))
        _write(folder, done)
    return done


def _write(folder: BenchmarkFolder, found: Benchmark) -> None:
    """Write tables, card and page."""
    path, table = folder.path, result_rows(found.cells, found.results)
    card = _card(folder.prepared, found)
    traces = {cell: folder.trace_name(cell) for cell in found.crashed}
    with writing(path):
        write_results(path / TABLE, table)
        if parquet_there():
            write_parquet(path / PARQUET, table)
        write_card(path / CARD, card)
        write_leaderboard_page(path / PAGE, found.cells, found.results, found.rows, card, traces)


def _card(prepared: Prepared, found: Benchmark) -> dict[str, Any]:
    failed = {cell.name: str(failure) for cell, failure in found.crashed.items()}
    spent = [one for one in found.results.values() if isinstance(one, Outcome)]
    return {
        "marking": MARKING,
        "date": today(),
        **facts_of(prepared),
        "cells": len(found.cells),
        "cells not run": len(found.cells) - len(found.results),
        "crashed": failed,
        "leaderboard": [_row_facts(row) for row in found.rows],
        "budget": {
            "seconds": round(sum(one.seconds for one in spent), 1),
            "processor seconds": round(sum(one.processor_s for one in spent), 1),
        },
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
    }


def _row_facts(row: Row) -> dict[str, Any]:
    worst = None if row.worst is None else {"attack": row.worst[0], **_facts(row.worst[1])}
    return {
        "victim": row.victim,
        "defence": row.defence,
        "clean": rate_facts(row.clean),
        "withstand all": rate_facts(row.robust),
        "withstand, by size": {name: rate_facts(rate) for name, rate in row.threats.items()},
        "worst adaptive attack": worst,
        "clean images rejected": rate_facts(row.refused),
        "slowdown": None if row.slowdown is None else round(row.slowdown, 2),
        "cells missing": row.missing,
        "doubts": list(row.doubts),
    }


def _facts(rate: Any) -> dict[str, Any]:
    return cast(dict[str, Any], rate_facts(rate))


def _plain(found: Outcome) -> dict[str, Any]:
    """Return an outcome as plain data, truth about images as a text of 0 and 1."""
    proved = found.certified
    bits = None if proved is None else {name: _bits(held) for name, held in proved.items()}
    return asdict(found) | {"right": _bits(found.right), "certified": bits}


def _bits(each: Sequence[bool]) -> str:
    return "".join("01"[one] for one in each)


def _outcome(facts: Mapping[str, Any]) -> Outcome:
    """Return an outcome as it was before it was plain data."""
    values: dict[str, Any] = dict(facts)
    for name in ("noise", "one_step", "doubts"):
        values[name] = None if values[name] is None else tuple(values[name])
    values["right"] = tuple(bit == "1" for bit in values["right"])
    proved = values["certified"]
    if proved is not None:
        held = {name: tuple(bit == "1" for bit in bits) for name, bits in proved.items()}
        values["certified"] = held
    return Outcome(**values)


def _differing(was: Any, now: Any, name: str = "") -> Iterator[str]:
    """Yield what is not the same in two plain things, by dotted name."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*was, *now]):
            yield from _differing(was.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif was != now:
        yield f"another {name}"
