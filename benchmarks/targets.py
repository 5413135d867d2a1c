"""How far one sign can be turned into every other class: `python -m benchmarks.targets FILE`.

The bundled recogniser, stop to each of the other 42 classes, in `street` from 3 to 12 m, by area.
"""

import json
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import torch
import typer
from rich.progress import track
from rich.table import Table

from benchmarks import show
from physadv.attacks import Result
from physadv.core import clustered, generator
from physadv.core.memory import keep_memory
from physadv.design import (
    Design,
    build_attack,
    build_problem,
    build_victim,
    design_from,
    measure_stickers,
    placed,
)

STOP = 14
NEAR = {"scene.pose.distance_m": [3.0, 12.0]}


def main(
    file: Annotated[Path, typer.Argument(help="JSON of what is done; a run goes on from it.")],
    areas: Annotated[str, typer.Option(help="Per cent of the face, largest last.")] = "15",
    targets: Annotated[str, typer.Option(help="Numbers of classes; none: all but stop.")] = "",
    steps: Annotated[int, typer.Option(help="Steps of each search.")] = 200,
    n: Annotated[int, typer.Option(help="Conditions each result is judged on.")] = 300,
) -> None:
    """Search, judge and note each target and area; print the table of all that is noted."""
    keep_memory()
    show.heading()
    done: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    classes = [int(one) for one in targets.split(",") if one] or [k for k in range(43) if k != STOP]
    wanted = [(target, float(area)) for target in classes for area in areas.split(",")]
    left = [pair for pair in wanted if _name(*pair) not in done]
    for target, area in track(left, "targets", console=show.console, transient=True):
        done[_name(target, area)] = _found(_design(target, area, steps, n))
        file.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    for area in sorted({area for _, area in wanted}):
        _print(area, {k: done[_name(k, area)] for k in classes})


def _name(target: int, area: float) -> str:
    return f"{target} at {area:g}"


def _design(target: int, area: float, steps: int, n: int) -> Design:
    return design_from(
        {
            "judged": n,
            "goal": {"target": str(target)},
            "sticker": {"area_pct": area},
            "world": {"preset": "street", "changes": NEAR},
            "attack": {"steps": steps},
        }
    )


def _found(design: Design) -> dict[str, Any]:
    begun, victim = perf_counter(), build_victim(design)
    design = placed(design, build_problem(design, victim))
    problem = build_problem(design, victim)
    result: Result = build_attack(design)(problem, seed=design.seed, n=design.judged)
    size, report = measure_stickers(design), result.report
    worst = max(report.controls.values(), key=lambda rate: rate.share)
    return {
        "class": victim.labels[int(design.goal.target or 0)],
        "area_pct": round(size.area_pct, 2),
        "pieces": size.pieces,
        "layout": design.sticker.chosen,
        "success": [report.success.hits, report.success.n],
        "interval_pct": [round(100 * end, 1) for end in (report.success.low, report.success.high)],
        "clean_pct": round(100 * report.clean.share, 1),
        "worst_control_pct": round(100 * worst.share, 1),
        "steps": result.steps,
        "seconds": round(perf_counter() - begun, 1),
    }


def _print(area: float, found: dict[int, dict[str, Any]]) -> None:
    table = Table(f"stop, {area:g} %", "success", "interval", "worst control", "area", "s")
    for row in sorted(found.values(), key=lambda one: -one["success"][0] / one["success"][1]):
        low, high = row["interval_pct"]
        hits, n = row["success"]
        size = f"{row['area_pct']:.1f} % in {row['pieces']}"
        share, control = f"{100 * hits / n:.1f} %", f"{row['worst_control_pct']:.1f} %"
        table.add_row(row["class"], share, f"{low}-{high}", control, size, f"{row['seconds']:.0f}")
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
