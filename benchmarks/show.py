"""The tables of a run."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.cases import Case
from benchmarks.record import machine, versions
from physadv.core import UserError
from physadv.core.memory import keep_memory

console = Console()
Three = tuple[float, float, float]


def run(main: Callable[..., Any]) -> None:
    """Run a benchmark from the command line: `UserError` becomes one line and exit code 2.

    Freed memory is kept between steps, for all that is compared alike.
    """
    keep_memory()
    try:
        main() if isinstance(main, typer.Typer) else typer.run(main)
    except UserError as error:
        typer.echo(f"benchmarks.{Path(sys.argv[0]).stem}: {error}", err=True)
        raise SystemExit(2) from error


def heading() -> None:
    """Say where and with what the figures are taken."""
    here = machine()
    gpu = f", {here['gpu']}" if here["gpu"] else ""
    console.print(f"{here['processor']}, {here['cores']} cores, {here['threads']} threads{gpu}")
    console.print(", ".join(f"{name} {found or 'missing'}" for name, found in versions().items()))


def row(*cells: str) -> None:
    """Print a row of a table as Markdown has it."""
    console.print(f"| {' | '.join(cells)} |", markup=False, soft_wrap=True)


def case(measured: Case, figures: dict[str, Any]) -> None:
    """Print the steps, the world's share of the forward pass, and what each effect costs."""
    layout = "channels last" if measured.channels_last else "channels first"
    table = _table(
        f"{measured}, {layout}", "step", "ms", "ratio", "quartiles", "peak MiB", "of it step"
    )
    for row, found in figures["rows"].items():
        low, middle, high = found["ratio"]
        peak = figures["peak_mib"].get(row, {})
        memory = [f"{peak[part]:.0f}" if peak else "-" for part in ("whole", "step")]
        table.add_row(
            row, f"{found['ms'][1]:.1f}", f"{middle:.2f}", f"{low:.2f}-{high:.2f}", *memory
        )
    console.print(table)
    for row, reason in figures["absent"].items():
        console.print(f"{row}: left out, {reason}", markup=False)
    if "effects" in figures:
        _world(figures["forward_share"], figures["effects"])


def _world(share: Three, effects: dict[str, Any]) -> None:
    low, middle, high = (100 * one for one in share)
    forward = f"{middle:.0f} % ({low:.0f}-{high:.0f}) of the network's forward pass"
    console.print(f"street, forward alone: {forward}")
    whole = effects["world_ms"][1]
    table = _table(f"street without the network: {whole:.1f} ms", "effect", "ms", "quartiles", "%")
    for name, (least, cost, most) in sorted(effects["cost_ms"].items(), key=lambda e: -e[1][1]):
        quartiles = f"{least:.1f}-{most:.1f}"
        table.add_row(name, f"{cost:.1f}", quartiles, f"{effects['share_pct'][name]:.1f}")
    console.print(table)
    console.print("ms: saved when the effect is switched off; %: of the network's step")


def missing(wanted: Case, error: ImportError) -> None:
    """Say that a case cannot be measured."""
    console.print(f"{wanted}: left out, {error}", markup=False)


def saved(path: Path) -> None:
    """Say where the figures are."""
    console.print(f"figures: {path}", markup=False)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    return table
