"""One sticker after the other in `street` from 3 to 12 m: made, judged, and noted in a file."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import process_time
from typing import Any

from rich.progress import track

from benchmarks import show
from physadv.design import (
    Design,
    build_attack,
    build_problem,
    build_victim,
    design_from,
    measure_stickers,
    placed,
)

NEAR = {"preset": "street", "changes": {"scene.pose.distance_m": [3.0, 12.0]}}


def near(target: str, sticker: Mapping[str, Any], steps: int, n: int, seed: int = 0) -> Design:
    """Return the design of stickers towards a class, judged on n conditions."""
    return design_from(
        {
            "seed": seed,
            "judged": n,
            "goal": {"target": target},
            "sticker": dict(sticker),
            "world": NEAR,
            "attack": {"steps": steps},
        }
    )


def noted(file: Path, wanted: Iterable[tuple[str, Design]]) -> dict[str, Any]:
    """Return what is noted in a file, by name, once all that is wanted is; a run goes on from it.

    Each is written as soon as it is judged.
    """
    done: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    left = [(name, design) for name, design in wanted if name not in done]
    for name, design in track(left, "stickers", console=show.console, transient=True):
        done[name] = _found(design)
        file.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    return done


def _found(design: Design) -> dict[str, Any]:
    """Place, search and judge; seconds are the processor's, of placing and of the rest."""
    begun, victim = process_time(), build_victim(design)
    design = placed(design, build_problem(design, victim))
    laid, problem = process_time(), build_problem(design, victim)
    result = build_attack(design)(problem, seed=design.seed, n=design.judged)
    size, report = measure_stickers(design), result.report
    return {
        "class": victim.labels[victim.label(str(design.goal.target))],
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


def worst_control(row: Mapping[str, Any]) -> str:
    """Return the control that succeeds most, and how often."""
    controls = row["controls_pct"]
    worst = max(controls, key=controls.__getitem__)
    return f"{controls[worst]:.1f} % ({worst})"


def taken(row: Mapping[str, Any]) -> str:
    """Return what the stickers take of the face."""
    return f"{row['area_pct']:.1f} % in {row['pieces']}"
