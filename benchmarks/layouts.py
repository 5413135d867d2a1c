"""Layouts side by side: `python -m benchmarks.layouts FILE`.

The bundled recogniser, stop to one class, in `street` from 3 to 12 m, each layout with the same
search and judged on the same conditions. Seconds are those of the processor.
"""

import json
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks import show
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

NEAR = {"scene.pose.distance_m": [3.0, 12.0]}
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
    keep_memory()
    show.heading()
    done: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    for layout in layouts.split(","):
        sticker = {"area_pct": area, "layout": layout, "symmetric": symmetric, "away_mm": away_mm}
        design = design_from(
            {
                "seed": seed,
                "judged": n,
                "goal": {"target": target},
                "sticker": sticker,
                "world": {"preset": "street", "changes": NEAR},
                "attack": {"steps": steps},
            }
        )
        name = f"{layout}, {design.digest()[:12]}"
        if name not in done:
            done[name] = _found(design)
            file.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    _print(done)


def _found(design: Design) -> dict[str, Any]:
    begun, victim = process_time(), build_victim(design)
    design = placed(design, build_problem(design, victim))
    laid, problem = process_time(), build_problem(design, victim)
    result = build_attack(design)(problem, seed=design.seed, n=design.judged)
    size, report = measure_stickers(design), result.report
    return {
        "chosen": design.sticker.chosen,
        "area_pct": round(size.area_pct, 2),
        "legend_pct": round(size.legend_pct, 1),
        "pieces": size.pieces,
        "success": [report.success.hits, report.success.n],
        "interval_pct": [round(100 * end, 1) for end in (report.success.low, report.success.high)],
        "clean_pct": round(100 * report.clean.share, 1),
        "controls_pct": {k: round(100 * rate.share, 1) for k, rate in report.controls.items()},
        "steps": result.steps,
        "seconds": [round(laid - begun, 1), round(process_time() - laid, 1)],
        "pieces_mm": design.sticker.pieces_mm,
    }


def _print(found: dict[str, dict[str, Any]]) -> None:
    columns = ("layout", "success", "interval", "worst control", "area", "letters", "placing", "s")
    table = Table(*columns)
    for name, row in found.items():
        (low, high), (hits, n), controls = row["interval_pct"], row["success"], row["controls_pct"]
        worst = max(controls, key=controls.__getitem__)
        table.add_row(
            f"{name.partition(',')[0]} ({row['chosen']})",
            f"{hits}/{n}",
            f"{low}-{high}",
            f"{controls[worst]:.1f} % ({worst})",
            f"{row['area_pct']:.1f} % in {row['pieces']}",
            f"{row['legend_pct']:.1f} %",
            *(f"{seconds:.0f}" for seconds in row["seconds"]),
        )
    show.console.print(table)


if __name__ == "__main__":
    typer.run(main)
