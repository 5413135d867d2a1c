"""How far one sign can be turned into every other class: `python -m benchmarks.targets FILE`.

The bundled recogniser, stop to each of the other 42 classes, in `street` from 3 to 12 m, by area.
"""

from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.table import Table

from benchmarks import show
from benchmarks.near import near, noted, taken, worst_control
from physadv.core import clustered, generator
from physadv.core.memory import keep_memory

STOP = 14


def main(
    file: Annotated[Path, typer.Argument(help="JSON of what is done; a run goes on from it.")],
    areas: Annotated[str, typer.Option(help="Per cent of the face, largest last.")] = "15",
    targets: Annotated[str, typer.Option(help="Numbers of classes; none: all but stop.")] = "",
    layout: Annotated[str, typer.Option(help="As physadv generate --layout takes it.")] = "search",
    steps: Annotated[int, typer.Option(help="Steps of each search.")] = 200,
    n: Annotated[int, typer.Option(help="Conditions each result is judged on.")] = 300,
) -> None:
    """Search, judge and note each target and area; print the table of all that is noted."""
    keep_memory()
    show.heading()
    classes = [int(one) for one in targets.split(",") if one] or [k for k in range(43) if k != STOP]
    wanted = [(target, float(area)) for target in classes for area in areas.split(",")]
    stickers = [{"area_pct": area, "layout": layout} for _, area in wanted]
    designs = [near(str(k), one, steps, n) for (k, _), one in zip(wanted, stickers, strict=True)]
    names = [_name(*pair, layout) for pair in wanted]
    done = noted(file, zip(names, designs, strict=True))
    for area in sorted({area for _, area in wanted}):
        _print(area, {k: done[_name(k, area, layout)] for k in classes})


def _name(target: int, area: float, layout: str) -> str:
    return f"{target} at {area:g}, {layout}"


def _print(area: float, found: dict[int, dict[str, Any]]) -> None:
    table = Table(f"stop, {area:g} %", "success", "interval", "worst control", "area", "s")
    for row in sorted(found.values(), key=lambda one: -one["success"][0] / one["success"][1]):
        low, high = row["interval_pct"]
        hits, n = row["success"]
        share, seconds = f"{100 * hits / n:.1f} %", f"{sum(row['seconds']):.0f}"
        table.add_row(row["class"], share, f"{low}-{high}", worst_control(row), taken(row), seconds)
    show.console.print(table)
    counts = [row["success"] for row in found.values()]
    hits = torch.cat([torch.arange(n) < hits for hits, n in counts])
    which = torch.arange(len(counts)).repeat_interleave(torch.tensor([n for _, n in counts]))
    mean, worst = clustered(hits, which, generator(0)), min(hits / n for hits, n in counts)
    show.console.print(
        f"{len(counts)} targets: mean {mean} over targets, worst {100 * worst:.1f} %"
    )


if __name__ == "__main__":
    typer.run(main)
