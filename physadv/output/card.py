"""The card of a result: what was measured, under which conditions, with which software."""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from math import isinf
from pathlib import Path
from typing import Any

from torch import Tensor

from physadv.attacks import Result
from physadv.core import Rate, Seed, Varying
from physadv.design import Design, measure_stickers
from physadv.evaluation import Grid
from physadv.judge import ImageReport, Report
from physadv.output.light import light_facts
from physadv.presets import changes_text
from physadv.problem import Problem
from physadv.victims import Loaded, detects

PACKAGES = ("physadv", "torch", "kornia", "numpy", "opencv-python", "scikit-image")
MARKING = "robustness test artefact - not for use on public roads"


@dataclass(frozen=True, eq=False)
class Finding:
    """A result with all that its card, sheet and report are made from."""

    design: Design
    victim: Loaded
    problem: Problem
    result: Result
    grid: Grid | None


@dataclass(frozen=True)
class Sized:
    """A point of the curve: the area that was allowed, what was covered, and the success."""

    allowed_pct: float
    area_pct: float
    success: Rate


def make_card(finding: Finding, date: str, areas: Sequence[Sized] = ()) -> dict[str, Any]:
    """Return the card as plain data; two runs with one seed differ in `date` and `seconds` only."""
    design, result = finding.design, finding.result
    return {
        "marking": MARKING,
        "name": design.name,
        "date": date,
        "goal": goal_text(finding),
        "design": {"digest": design.digest(), "seed": design.seed},
        "sign": design.sign,
        "victim": victim_facts(finding.victim),
        "world": world_text(design),
        "measured": report_facts(result.report),
        "doubts": list(result.doubts),
        **touch_facts(design, finding.problem, result.theta),
        **({"placement": placement_facts(design)} if design.printed else {}),
        "areas": [area_facts(area) for area in areas],
        "grid": None if finding.grid is None else grid_facts(finding.grid),
        "conditions": conditions_facts(finding.problem.declared()),
        "budget": budget_facts(result),
        "theta": tensor_digest(result.theta),
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
    }


def goal_text(finding: Finding) -> str:
    """Say the goal in a few words."""
    labels, label = finding.victim.labels, finding.problem.world.label
    shown = labels[label] if label >= 0 else finding.design.sign
    found = "reported" if detects(finding.victim) else "read"
    if finding.design.goal.target is None:
        return f"{shown} not {found} as such"
    return f"{shown} {found} as {labels[finding.victim.label(finding.design.goal.target)]}"


def victim_facts(victim: Loaded) -> dict[str, Any]:
    """Return what identifies a victim, and how many images a black box was shown."""
    asked = {} if victim.differentiable else {"queries": victim.queries}
    facts = {"name": victim.name, "classes": len(victim.labels), "digest": victim.digest()}
    return facts | asked


def rate_facts(rate: Rate | None) -> dict[str, Any] | None:
    """Return a rate as plain data, shares to four digits."""
    if rate is None:
        return None
    low, high = round(rate.low, 4), round(rate.high, 4)
    return {"share": round(rate.share, 4), "hits": rate.hits, "n": rate.n, "low": low, "high": high}


def report_facts(report: Report) -> dict[str, Any]:
    """Return what the judge saw as plain data."""
    return {
        "success": rate_facts(report.success),
        "clean": rate_facts(report.clean),
        "bare sign read correctly": rate_facts(report.correct),
        "controls": {name: rate_facts(rate) for name, rate in report.controls.items()},
        "n": report.n,
        "seed": report.seed,
        "interval": "95 %, Wilson; a bootstrap over photos where they repeat",
    }


def image_facts(report: ImageReport) -> dict[str, Any]:
    """Return what the judge saw of attacked images as plain data."""
    return {
        "success": rate_facts(report.success),
        "clean": rate_facts(report.clean),
        "images read correctly": rate_facts(report.correct),
        "controls": {name: rate_facts(rate) for name, rate in report.controls.items()},
        "largest change": {name: round(size, 6) for name, size in report.change.items()},
        "n": report.n,
        "interval": "95 %, Wilson",
        "pixels": "rounded to 8 bits",
    }


def grid_facts(grid: Grid) -> dict[str, Any]:
    """Return a grid as plain data."""
    return {"axes": dict(grid.axes), "rates": [rate_facts(rate) for rate in grid.rates]}


def touch_facts(design: Design, problem: Problem, theta: Tensor) -> dict[str, Any]:
    """Return what was found in units, as plain data under "stickers", or under "light"."""
    if not design.printed:
        return {"light": light_facts(design.sticker.kind, problem, theta)}
    sizes = asdict(measure_stickers(design))
    return {"stickers": {name: round(value, 2) for name, value in sizes.items()}}


def placement_facts(design: Design) -> dict[str, Any]:
    """Return where the stickers' contours come from, and how the layouts did that were raced."""
    part = design.sticker
    return {"chosen": part.chosen or "by hand", "held-out loss": dict(part.raced)}


def area_facts(area: Sized) -> dict[str, Any]:
    """Return a point of the curve as plain data."""
    sizes = {"allowed_pct": area.allowed_pct, "area_pct": round(area.area_pct, 2)}
    return sizes | {"success": rate_facts(area.success)}


def world_text(design: Design) -> str:
    """Say in which world it was judged."""
    part = design.world
    if part.photo is not None:
        return f"real photos: {part.photo}"
    return changes_text(part.preset, part.changes or {})


def conditions_facts(declared: dict[str, Varying]) -> dict[str, Any]:
    """Return the span of everything that varied, by dotted name; effects at rest are left out."""
    awake = {name.rpartition(".")[0] for name, one in declared.items() if not one.idle}
    varied = {
        name: one
        for name, one in declared.items()
        if not one.idle or (isinstance(one, Seed) and name.rpartition(".")[0] in awake)
    }
    return {name: _plain(asdict(varying)) for name, varying in varied.items()}


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """Say endless numbers in words, since JSON has none."""
    endless = {name for name, one in facts.items() if isinstance(one, float) and isinf(one)}
    return {name: "endless" if name in endless else one for name, one in facts.items()}


def budget_facts(result: Result) -> dict[str, Any]:
    """Return what the search cost."""
    return {
        "steps": result.steps,
        "queries": result.queries,
        "seconds": round(result.seconds, 1),
        "interrupted": result.interrupted,
    }


def tensor_digest(tensor: Tensor) -> str:
    """Return the SHA-256 of a tensor's float32 values, hex."""
    return hashlib.sha256(tensor.float().contiguous().numpy().tobytes()).hexdigest()


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Write a card as readable JSON."""
    text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
