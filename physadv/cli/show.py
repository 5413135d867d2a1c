"""How the command line shows things: bars, tables, and one line for what is wrong."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from physadv.core import UserError
from physadv.output import light_words

P = ParamSpec("P")
R = TypeVar("R")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def polite(command: Callable[P, R]) -> Callable[P, R]:
    """Turn `UserError` into one line and exit code 2, and Ctrl-C into exit code 130.

    Paragraphs of its help are one line each, so that they fill whatever width a terminal has.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            errors.print(f"physadv: {error}", style="red", markup=False)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            errors.print("physadv: stopped; nothing was changed", style="yellow")
            raise typer.Exit(130) from error

    run.__doc__ = "\n\n".join(" ".join(part.split()) for part in (run.__doc__ or "").split("\n\n"))
    return run


@contextmanager
def bar() -> Iterator[Progress]:
    """Show a progress bar with a text beside it, on a terminal or not."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, refresh_per_second=4) as progress:
        yield progress


def card_table(card: Mapping[str, Any]) -> Table:
    """Return a card's figures as a short table."""
    table = Table(title=card["goal"], title_justify="left", show_header=True)
    table.add_column("judged under fresh conditions")
    table.add_column("success", justify="right")
    table.add_column("95 % interval", justify="right")
    measured = card["measured"]
    found = card["light"]["kind"] if "light" in card else "stickers"
    rows = {found: measured["success"], "bare sign": measured["clean"]}
    rows |= {f"control: {name}": rate for name, rate in measured["controls"].items()}
    for name, rate in rows.items():
        table.add_row(name, f"{rate['hits']}/{rate['n']}", interval(rate))
    return table


def interval(rate: Mapping[str, Any]) -> str:
    """Say a rate of a card: 93.2 % (90.7-95.1)."""
    return f"{100 * rate['share']:.1f} % ({100 * rate['low']:.1f}-{100 * rate['high']:.1f})"


def sizes_told(card: Mapping[str, Any]) -> list[str]:
    """Say how large stickers are, or what light there is and where, in lines."""
    if "light" in card:
        return [f"{name}: {text}" for name, text in light_words(card["light"]).items()]
    sizes = card["stickers"]
    return [
        f"{sizes['pieces']} pieces, {sizes['area_pct']:.1f} % of the face, "
        f"smallest side {sizes['smallest_mm']:.0f} mm, "
        f"{sizes['legend_pct']:.1f} % of the legend covered"
    ]


def show_card(card: Mapping[str, Any], folder: Path) -> None:
    """Print the figures, the doubts, and where the files are."""
    console.print(card_table(card))
    for line in sizes_told(card):
        console.print(line, markup=False, soft_wrap=True)
    for doubt in card["doubts"]:
        console.print(f"doubt: {doubt}", style="yellow", markup=False)
    told = f"open {folder / 'report.html'}"
    told += "" if "light" in card else f"; print {folder / 'sheet.pdf'} at 100 %"
    console.print(told, markup=False, soft_wrap=True)
