"""From a finding to the report's page: words and pictures for people."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from physadv.evaluation import contact_sheet
from physadv.output.card import Finding, goal_text
from physadv.output.pictures import sign_picture
from physadv.output.report import Heat, Page, Point, Shot
from physadv.presets import PRESETS
from physadv.scene import StreetScene, sign

SHOTS = 24


def report_page(
    finding: Finding, card: Mapping[str, Any], printed: Tensor, areas: Sequence[Point]
) -> Page:
    """Return the page of a finding; `printed` is patch.png as (1,4,h,w)."""
    design, result, report = finding.design, finding.result, finding.result.report
    face = StreetScene(sign(design.sign)).face(512)
    small = printed[:, :, ::2, ::2]
    placement = finding.placement
    return Page(
        title=design.name,
        objective=goal_text(finding),
        victim=f"{finding.victim.name}, {len(finding.victim.labels)} classes",
        world=_world_text(finding),
        before=_rgba(sign_picture(face, small * 0)),
        after=_rgba(sign_picture(face, small)),
        success=report.success,
        clean=report.clean,
        correct=report.correct,
        controls=report.controls,
        doubts=result.doubts,
        measures=_measures(finding),
        budget=_budget(finding),
        facts=_facts(card),
        photos="fresh simulated photos" if design.world.photo is None else "photos",
        shots=_shots(finding),
        selection="drawn at random, ordered by distance",
        heat=_heat(finding),
        areas=areas,
        history=result.history,
        placements={} if placement is None else placement.losses,
    )


def _world_text(finding: Finding) -> str:
    part = finding.design.world
    if part.photo is not None:
        return f"real photos: {part.photo}"
    return f"{part.preset}: {PRESETS[part.preset].about}"


def _measures(finding: Finding) -> dict[str, str]:
    found = finding.measures
    return {
        "area of the face": f"{found.area_pct:.1f} %",
        "pieces": str(found.pieces),
        "smallest side": f"{found.smallest_mm:.0f} mm",
        "strokes of the legend covered": f"{found.legend_pct:.1f} %",
    }


def _budget(finding: Finding) -> dict[str, str]:
    result = finding.result
    return {
        "steps": str(result.steps),
        "pictures shown to the victim": f"{result.queries:,}",
        "search": f"{result.seconds:.0f} s",
        "seed": str(result.seed),
        "ended": "by hand (Ctrl-C)" if result.interrupted else "by itself",
    }


def _facts(card: Mapping[str, Any]) -> dict[str, str]:
    facts = {
        "date": str(card["date"]),
        "design": str(card["design"]["digest"]),
        "theta": str(card["theta"]),
        "victim's weights": str(card["victim"]["digest"]),
    }
    return facts | {name: str(number) for name, number in card["versions"].items()}


def _shots(finding: Finding) -> list[Shot]:
    sheet = contact_sheet(finding.problem, finding.result.theta, n=SHOTS, seed=finding.result.seed)
    pictures = (sheet.pictures * 255).round().byte().permute(0, 2, 3, 1).numpy()
    rows = zip(pictures, sheet.answers, sheet.success, sheet.captions, strict=True)
    return [Shot(p, finding.victim.labels[a], hit, text) for p, a, hit, text in rows]


def _heat(finding: Finding) -> Heat | None:
    grid = finding.grid
    if grid is None or len(grid.axes) != 2:
        return None
    (x_name, x_values), (y_name, y_values) = grid.axes.items()
    return Heat(_axis(x_name), x_values, _axis(y_name), y_values, grid.table())


def _axis(name: str) -> str:
    """Turn "scene.pose.distance_m" into "distance (m)"."""
    words, _, unit = name.rpartition(".")[2].rpartition("_")
    return f"{words.replace('_', ' ')} ({unit.replace('deg', '°')})"


def _rgba(picture: Tensor) -> NDArray[np.uint8]:
    array = (picture[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    return np.ascontiguousarray(array.numpy())
