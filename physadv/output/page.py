"""From a finding to the report's page: words and pictures for people."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from physadv.core import Choice
from physadv.evaluation import contact_sheet, read_as
from physadv.output.card import Finding, Sized, goal_text, world_text
from physadv.output.light import light_steps, light_words
from physadv.output.pictures import sign_pictures
from physadv.output.report import Heat, Page, Point, Shot
from physadv.presets import about

SHOTS, SIGN_PX = 24, 512
THINGS = {"lens-dots": "dots on the lens"}
"""What the report calls what is not printed, where that is not its kind's name."""


def report_page(
    finding: Finding,
    card: Mapping[str, Any],
    *,
    areas: Sequence[Sized] = (),
    note: str | None = None,
) -> Page:
    """Return the page of a finding; `note` is on the paper."""
    design, result, report = finding.design, finding.result, finding.result.report
    before, after = sign_pictures(finding.problem, result.theta, SIGN_PX)
    kind = design.sticker.kind
    return Page(
        title=design.name,
        objective=goal_text(finding),
        victim=f"{finding.victim.name}, {len(finding.victim.labels)} classes",
        world=_world_text(finding),
        before=_rgba(before),
        after=_rgba(after),
        success=report.success,
        clean=report.clean,
        correct=report.correct,
        controls=report.controls,
        doubts=result.doubts,
        measures=_measures(card),
        budget=_budget(finding),
        facts=_facts(card),
        photos=_photos_text(finding),
        shots=_shots(finding),
        selection="drawn at random" + (", near ones first" if design.world.photo is None else ""),
        heat=_heat(finding),
        areas=[Point(area.area_pct, area.success) for area in areas],
        history=result.history,
        placements=design.sticker.raced,
        chosen=design.sticker.chosen,
        paper_note=note,
        thing="stickers" if design.printed else THINGS.get(kind, kind),
        steps=() if design.printed else light_steps(kind),
    )


def _world_text(finding: Finding) -> str:
    part = finding.design.world
    text = world_text(finding.design)
    if part.photo is not None:
        return text
    if part.changes:
        return text if part.about is None else f"{part.about}: {text}"
    return f"{text}: {about(part.preset)}"


def _photos_text(finding: Finding) -> str:
    """Say what the verdict counts."""
    which = finding.problem.declared().get("scene.photo.which")
    if not isinstance(which, Choice):
        return "fresh simulated photos"
    many = len(which.options)
    return (
        f"pictures made from {many} real photos"
        if many > 1
        else "pictures made from one real photo"
    )


def _measures(card: Mapping[str, Any]) -> dict[str, str]:
    if "light" in card:
        return light_words(card["light"])
    found = card["stickers"]
    return {
        "area of the face": f"{found['area_pct']:.1f} %",
        "pieces": str(found["pieces"]),
        "smallest side": f"{found['smallest_mm']:.0f} mm",
        "strokes of the legend covered": f"{found['legend_pct']:.1f} %",
    }


def _budget(finding: Finding) -> dict[str, str]:
    result, part = finding.result, finding.design.sticker
    layout = {"layout": part.chosen or "contours given by hand"} if finding.design.printed else {}
    return {
        "steps": str(result.steps),
        "pictures shown to the victim": f"{result.queries:,}",
        "search": f"{result.seconds:.0f} s",
        "seed": str(result.seed),
        "ended": "by hand (Ctrl-C)" if result.interrupted else "by itself",
        **layout,
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
    result, n = finding.result, max(6, min(SHOTS, finding.design.judged // 10))
    score, seed = finding.design.goal.score, result.seed
    sheet = contact_sheet(finding.problem, result.theta, n=n, seed=seed, score=score)
    pictures = (sheet.pictures * 255).round().byte().permute(0, 2, 3, 1).numpy()
    names = read_as(finding.victim.labels, sheet.answers)
    rows = zip(pictures, names, sheet.success, sheet.captions, strict=True)
    return [Shot(*row) for row in rows]


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
