"""The card of a result: what was measured, under which conditions, with which software."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import Tensor

from physadv.attacks import Placement, Result
from physadv.core import Rate, Varying
from physadv.design import Design
from physadv.evaluation import Grid
from physadv.judge import Report
from physadv.patch import Measures
from physadv.problem import Problem
from physadv.victims import Classifier

PACKAGES = ("physadv", "torch", "kornia", "numpy", "opencv-python", "scikit-image")
MARKING = "robustness test artefact - not for use on public roads"


@dataclass(frozen=True, eq=False)
class Finding:
    """A result with all that its card, sheet and report are made from."""

    design: Design
    victim: Classifier
    problem: Problem
    result: Result
    measures: Measures
    placement: Placement | None
    grid: Grid | None


def make_card(finding: Finding, date: str) -> dict[str, Any]:
    """Return the card as plain data; two runs with one seed differ in `date` and `seconds` only."""
    design, result = finding.design, finding.result
    return {
        "marking": MARKING,
        "name": design.name,
        "date": date,
        "goal": goal_text(finding),
        "design": {"digest": design.digest(), "seed": design.seed},
        "victim": victim_facts(finding.victim),
        "measured": report_facts(result.report),
        "doubts": list(result.doubts),
        "stickers": asdict(finding.measures),
        "placement": placement_facts(finding.placement),
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
    if finding.design.goal.target is None:
        return f"{shown} not read as such"
    return f"{shown} read as {labels[finding.victim.label(finding.design.goal.target)]}"


def victim_facts(victim: Classifier) -> dict[str, Any]:
    """Return what identifies a victim."""
    return {"name": victim.name, "classes": len(victim.labels), "digest": victim.digest()}


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
        "interval": "95 %, Wilson (bootstrap over photos where they repeat)",
    }


def grid_facts(grid: Grid) -> dict[str, Any]:
    """Return a grid as plain data."""
    return {"axes": dict(grid.axes), "rates": [rate_facts(rate) for rate in grid.rates]}


def placement_facts(placement: Placement | None) -> dict[str, Any] | None:
    """Return which layouts were raced and how they did."""
    if placement is None:
        return None
    losses = {name: round(loss, 3) for name, loss in placement.losses.items()}
    return {"chosen": placement.name, "held-out loss": losses}


def conditions_facts(declared: dict[str, Varying]) -> dict[str, Any]:
    """Return the span of everything that varied, by dotted name."""
    return {name: asdict(varying) for name, varying in declared.items()}


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
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
