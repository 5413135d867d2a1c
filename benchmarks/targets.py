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
from physadv.design import Design

STOP = 14


ALLOWED_PCT = 5.0
"""How often a control may succeed."""
Row = dict[str, Any]


def main(
    file: Annotated[Path, typer.Argument(help="JSON of what is done; a run goes on from it.")],
    areas: Annotated[str, typer.Option(help="Per cent of the face, largest last.")] = "15",
    targets: Annotated[str, typer.Option(help="Numbers of classes; none: all but stop.")] = "",
    layouts: Annotated[
        str, typer.Option(help="As physadv generate --layout takes them; of several, the better.")
    ] = "search",
    steps: Annotated[int, typer.Option(help="Steps of each search.")] = 200,
    n: Annotated[int, typer.Option(help="Conditions each result is judged on.")] = 300,
) -> None:
    """Search, judge and note each target, area and layout; print the table of all that is noted.

    Of several layouts the better is in the table: no control above 5 %, then the most successes.
    """
    show.heading()
    classes = [int(one) for one in targets.split(",") if one] or [k for k in range(43) if k != STOP]
    kinds, sizes = layouts.split(","), sorted(float(area) for area in areas.split(","))
    wanted = [(target, area, kind) for target in classes for area in sizes for kind in kinds]
    done = noted(file, [(_name(*one), _design(*one, steps, n)) for one in wanted])
    for area in sizes:
        each = {kind: [done[_name(k, area, kind)] for k in classes] for kind in kinds}
        better = [max(rows, key=_worth) for rows in zip(*each.values(), strict=True)]
        _print(area, better)
        for name, rows in {**each, "the better": better}.items():
            show.console.print(f"{area:g} %, {name}: {_told(rows)}", soft_wrap=True)


def _name(target: int, area: float, layout: str) -> str:
    return f"{target} at {area:g}, {layout}"


def _design(target: int, area: float, layout: str, steps: int, n: int) -> Design:
    return near(str(target), {"area_pct": area, "layout": layout}, steps, n)


def _share(row: Row) -> float:
    hits, n = row["success"]
    return float(hits / n)


def _control_pct(row: Row) -> float:
    return float(max(row["controls_pct"].values()))


def _worth(row: Row) -> tuple[bool, float]:
    return _control_pct(row) <= ALLOWED_PCT, _share(row)


def _print(area: float, found: list[Row]) -> None:
    columns = ("success", "interval", "worst control", "area", "layout", "s")
    table = Table(f"stop, {area:g} %", *columns)
    for row in sorted(found, key=_share, reverse=True):
        low, high = row["interval_pct"]
        share, seconds = f"{100 * _share(row):.1f} %", f"{sum(row['seconds']):.0f}"
        cells = (f"{low}-{high}", worst_control(row), taken(row), row["chosen"], seconds)
        table.add_row(row["class"], share, *cells)
    show.console.print(table)


def _told(found: list[Row]) -> str:
    counts = [row["success"] for row in found]
    hits = torch.cat([torch.arange(n) < hits for hits, n in counts])
    which = torch.arange(len(counts)).repeat_interleave(torch.tensor([n for _, n in counts]))
    mean, controls = clustered(hits, which, generator(0)), [_control_pct(row) for row in found]
    above, worst = sum(one > ALLOWED_PCT for one in controls), min(map(_share, found))
    return (
        f"{len(found)} targets: mean {mean} over targets, worst {100 * worst:.1f} %; largest "
        f"control {max(controls):.1f} %, above {ALLOWED_PCT:g} % for {above}"
    )


if __name__ == "__main__":
    show.run(main)
