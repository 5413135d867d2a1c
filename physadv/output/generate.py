"""The main job: from a design to a folder with sheet, pictures, card and report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from physadv.attacks import State
from physadv.core import Span, UserError
from physadv.design import (
    Design,
    build_attack,
    build_problem,
    build_victim,
    choose_mask,
    design_from,
    limits,
    read_design,
    write_design,
)
from physadv.evaluation import Grid, success_grid
from physadv.output.card import Finding
from physadv.output.folder import DESIGN, load_state, open_folder, save_state, write_folder
from physadv.output.report import Point
from physadv.patch import Mask, check_mask
from physadv.problem import Problem
from physadv.scene import StreetScene, sign

GRID_STEPS = 5
GRID_EACH = 12


@dataclass(frozen=True)
class Watch:
    """Who is told what: each raced layout, each state of the search, each stage of judging."""

    layout: Callable[[str, float], None] = lambda *_: None
    state: Callable[[State], None] = lambda _: None
    stage: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class Options:
    """How a run treats its folder."""

    paper: str = "A4"
    force: bool = False
    resume: bool = False
    areas: tuple[float, ...] = ()


def generate(
    design: Design, folder: Path, *, options: Options = Options(), watch: Watch = Watch()
) -> tuple[Finding, dict[str, Any]]:
    """Place, search, judge and write; returns what was found and its card.

    With `options.areas` (per cent, of which the largest is the main result) smaller stickers are
    made first, each into a folder of its own inside. Raises `UserError` before anything is
    written where design or folder do not fit.
    """
    open_folder(folder, force=options.force, resume=options.resume)
    points, main = [], design
    for area in sorted(options.areas):
        sized = _with_area(design, area)
        if area == max(options.areas):
            main = sized
            break
        inner = folder / f"area-{area:g}"
        part, _ = generate(sized, inner, options=_inner(options, inner), watch=watch)
        points.append(Point(part.measures.area_pct, part.result.report.success))
    finding = _find(main, folder, options, watch)
    if points:
        points.append(Point(finding.measures.area_pct, finding.result.report.success))
    watch.stage("writing")
    card = write_folder(folder, finding, date=today(), paper=options.paper, areas=points)
    return finding, card


def _inner(options: Options, folder: Path) -> Options:
    return Options(options.paper, options.force, options.resume and (folder / DESIGN).exists())


def today() -> str:
    """Return the date as ISO text."""
    return datetime.now(UTC).date().isoformat()


def _with_area(design: Design, area_pct: float) -> Design:
    values = design.model_dump()
    values["sticker"] |= {"area_pct": area_pct, "pieces_mm": ()}
    return design_from(values, "areas")


def _find(design: Design, folder: Path, options: Options, watch: Watch) -> Finding:
    victim = build_victim(design)
    saved = load_state(folder) if options.resume else None
    if options.resume:
        design = _same_design(design, folder)
    mask, placement = choose_mask(design, victim, tick=watch.layout)
    design = _with_pieces(design, mask)
    write_design(folder / DESIGN, design)
    problem = build_problem(design, victim, mask)

    def remember(state: State) -> None:
        save_state(folder, state)
        watch.state(state)

    result = build_attack(design)(
        problem,
        seed=design.seed,
        n=design.judged,
        resume=saved,
        on_state=remember,
        tick=watch.stage,
    )
    watch.stage("grid")
    grid = default_grid(problem, result.theta, design.seed)
    measures = check_mask(mask, StreetScene(sign(design.sign)).face(), limits(design))
    return Finding(design, victim, problem, result, measures, placement, grid)


def _with_pieces(design: Design, mask: Mask) -> Design:
    """Return the design with the stickers' contours in it, to a hundredth of a millimetre."""
    pieces = [[(round(x, 2), round(y, 2)) for x, y in piece] for piece in mask.pieces_mm]
    values = design.model_dump()
    values["sticker"]["pieces_mm"] = pieces
    return design_from(values)


def _same_design(design: Design, folder: Path) -> Design:
    """Return the folder's design, if it is `design` with the stickers' contours in it."""
    kept = read_design(folder / DESIGN)
    bare = [d.model_copy(update={"sticker": _bare(d)}) for d in (kept, design)]
    if bare[0] != bare[1]:
        raise UserError(
            "resume",
            expected="the settings the search began with",
            got="other settings",
            fix=f"use {folder / DESIGN}",
        )
    return kept


def _bare(design: Design) -> object:
    return design.sticker.model_copy(update={"pieces_mm": ()})


def default_grid(problem: Problem, theta: Any, seed: int) -> Grid | None:
    """Judge theta by distance and yaw over the world's own spans; None where it has none."""
    declared = problem.declared()
    axes: dict[str, Sequence[float]] = {}
    for name in ("scene.pose.distance_m", "scene.pose.yaw_deg"):
        span = declared.get(name)
        if not isinstance(span, Span):
            return None
        step = (span.high - span.low) / (GRID_STEPS - 1)
        axes[name] = [round(span.low + step * k, 2) for k in range(GRID_STEPS)]
    return success_grid(problem, theta, axes, each=GRID_EACH, seed=seed)
