"""Layouts side by side: `python -m benchmarks.layouts FILE`.

The bundled recogniser, stop to one class, in `street` from 3 to 12 m, each layout with the same
search and judged on the same conditions. Seconds are those of the processor.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks import show
from benchmarks.near import near, noted, taken, worst_control

ALL = "search,l1,cam,occlusion,learnt"


def main(
    file: Annotated[Path, typer.Argument(help="JSON of what is done; a run goes on from it.")],
    layouts: Annotated[str, typer.Option(help="As physadv generate --layout takes them.")] = ALL,
    target: Annotated[str, typer.Option(help="Name or number of a class.")] = "5",
    area: Annotated[float, typer.Option(help="Per cent of the face.")] = 12.0,
    steps: Annotated[int, typer.Option(help="Steps of each search.")] = 200,
    n: Annotated[int, typer.Option(help="Conditions each result is judged on.")] = 300,
    seed: Annotated[int, typer.Option(help="Of placing, search and judge.")] = 0,
    symmetric: Annotated[bool, typer.Option(help="Pieces that are mirror images.")] = False,
    away_mm: Annotated[float, typer.Option(help="Distance from the letters.")] = 0.0,
) -> None:
    """Place, search, judge and note each layout; print the table of all that is noted."""
    show.heading()
    wanted = []
    for layout in layouts.split(","):
        sticker = {"area_pct": area, "layout": layout, "symmetric": symmetric, "away_mm": away_mm}
        design = near(target, sticker, steps, n, seed)
        wanted.append((f"{layout}, {design.digest()[:12]}", design))
    _print(noted(file, wanted))


def _print(found: dict[str, dict[str, Any]]) -> None:
    columns = ("layout", "success", "interval", "worst control", "area", "letters", "placing", "s")
    table = Table(*columns)
    for name, row in found.items():
        (low, high), (hits, n) = row["interval_pct"], row["success"]
        table.add_row(
            f"{name.partition(',')[0]} ({row['chosen']})",
            f"{hits}/{n}",
            f"{low}-{high}",
            worst_control(row),
            taken(row),
            f"{row['legend_pct']:.1f} %",
            *(f"{seconds:.0f}" for seconds in row["seconds"]),
        )
    show.console.print(table)


if __name__ == "__main__":
    show.run(main)
