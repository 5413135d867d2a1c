"""`physadv benchmark`: attacks by defences by victims from a file, in parallel, ranked."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from physadv.cli.options import ForceOption, OutOption, flag, option
from physadv.cli.run import STOPPED
from physadv.cli.show import bar, console, errors, polite

if TYPE_CHECKING:
    from physadv.evaluation.suites import Cell, Failure, Outcome, Runner
    from physadv.output.benchmark import Benchmark

IMAGES, RUN, RESULT = "Images, in place of the suite's", "How it runs", "Result"
CRASHED = 1
"""Exit code where cells crashed."""
TOLD = 3
"""How many cells in flight are named beside the bar."""


@polite
def benchmark_command(
    suite: Annotated[
        str,
        option("NAME|FILE", "signs, or a file .toml of yours: docs/benchmark.md tells what it is."),
    ] = "signs",
    images: Annotated[
        Path | None,
        option("CSV", "A table .csv with the columns file and label.", IMAGES),
    ] = None,
    data: Annotated[
        Path | None, option("DIR", "A GTSRB folder, whose test part is taken.", IMAGES)
    ] = None,
    n: Annotated[int | None, option("N", "How many are attacked.", IMAGES, min=1)] = None,
    jobs: Annotated[
        int | None,
        option(
            "N",
            "Processes on this machine, by default one a core; 1 runs all in this one, where a "
            "crash of the interpreter itself ends the run.",
            RUN,
            min=1,
        ),
    ] = None,
    ray: Annotated[
        str | None,
        option(
            "ADDRESS",
            "A Ray cluster instead: auto, ray://host:10001, or local. Needs the extra ray.",
            RUN,
        ),
    ] = None,
    out: OutOption = Path("physadv-benchmark"),
    resume: Annotated[
        bool,
        flag("--resume", "Go on with the benchmark that --out holds; crashed cells too.", RESULT),
    ] = False,
    force: ForceOption = False,
) -> None:
    """Run attacks by defences by victims from a file, and rank what withstands.

    Each attack meets each defence knowing it; images made without it, clean accuracy, processor
    time and certificates stand beside, never in one column. Each cell that ends is kept: killed at
    any moment, the same command with --resume goes on. A cell that crashes is reported, the others
    go on, and the exit code is 1. Leaves leaderboard.html, results.csv, results.parquet (with the
    extra parquet), card.json and a file a cell in --out. --resume with --force goes on with a suite
    that was changed, and keeps what is the same in both.

    Examples:

    physadv benchmark --suite signs --data gtsrb --jobs 8

    physadv benchmark --suite mine.toml --images table.csv --n 50 --resume

    physadv benchmark --suite mine.toml --ray auto
    """
    from physadv.evaluation.suites import prepare, read_suite
    from physadv.output.benchmark import PAGE, BenchmarkFolder, check_benchmark, run_benchmark

    check_benchmark(out, resume=resume, force=force)
    runner = _runner(jobs, ray)
    given = {"path": _text(images), "data": _text(data), "n": n}
    prepared = prepare(read_suite(suite, given))
    folder = BenchmarkFolder(out, prepared)
    folder.begin(resume=resume, force=force)
    try:
        with bar() as progress:
            watch = _Watch(progress)
            found = run_benchmark(folder, runner, watch)
    except KeyboardInterrupt as error:
        told = f"stopped; {watch.done} cells are kept in {out} and shown in {PAGE}"
        again = "go on with the same command and --resume"
        errors.print(f"physadv: {told}; {again}", style="yellow", markup=False)
        raise typer.Exit(STOPPED) from error
    _show(found)
    _closing(found, out)


class _Watch:
    """The bar over cells, and which are in flight."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.done = progress, 0
        self.flying: dict[Cell, None] = {}
        self.task = progress.add_task("cells", total=None, note="")

    def plan(self, count: int) -> None:
        """Learn how many there are."""
        self.progress.update(self.task, total=count)

    def begun(self, cell: "Cell") -> None:
        """Show a cell in flight."""
        self.flying[cell] = None
        self._note()

    def ended(self, cell: "Cell", _found: "Outcome | Failure") -> None:
        """Count a cell."""
        self.flying.pop(cell, None)
        self.done += 1
        self.progress.update(self.task, completed=self.done)
        self._note()

    def _note(self) -> None:
        names = [one.name for one in self.flying]
        more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
        self.progress.update(self.task, note="; ".join(names[:TOLD]) + more)


def _runner(jobs: int | None, address: str | None) -> "Runner":
    from physadv.core import check
    from physadv.evaluation.suites import cores, here, in_processes, on_ray

    both = jobs is not None and address is not None
    check(not both, "ray", expected="--jobs or --ray", got="both", fix="leave one out")
    if address is not None:
        return on_ray(address)
    count = cores() if jobs is None else jobs
    return here if count == 1 else in_processes(count)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _show(found: "Benchmark") -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("victim", "defence", "withstand all", "95 % interval", "not attacked"):
        left = name in ("victim", "defence")
        table.add_column(name, justify="left" if left else "right", overflow="fold")
    for row in found.rows:
        robust, clean, shares = row.robust, row.clean, ("", "")
        if robust is not None:
            least = "≤ " if row.missing else ""
            interval = f"{100 * robust.low:.1f}-{100 * robust.high:.1f} %"
            shares = (f"{least}{100 * robust.share:.1f} %", interval)
        plain = "" if clean is None else f"{100 * clean.share:.1f} %"
        table.add_row(row.victim, row.defence, *shares, plain)
    console.print(table)


def _closing(found: "Benchmark", out: Path) -> None:
    """Say what crashed, what is doubted, and where it is kept; exit with 1 where cells crashed."""
    from physadv.output.benchmark import PAGE
    from physadv.output.parquet import INSTALL, parquet_there

    doubts = sum(len(row.doubts) for row in found.rows)
    if doubts:
        console.print(f"{doubts} doubts: {PAGE} tells them", style="yellow", markup=False)
    if not parquet_there():
        console.print(f"no results.parquet: {INSTALL}", markup=False)
    console.print(f"kept in {out}: open {out / PAGE}", markup=False, soft_wrap=True)
    crashed = found.crashed
    for cell, failure in crashed.items():
        errors.print(f"physadv: crashed: {cell.name}: {failure}", style="red", markup=False)
    if crashed:
        told = f"{len(crashed)} of {len(found.cells)} cells crashed; traces are in {out / 'cells'}"
        fix = "the same command with --resume tries them again"
        errors.print(f"physadv: {told}; {fix}", style="red", markup=False)
        raise typer.Exit(CRASHED)
