"""The main job: from a design to a folder with sheet, pictures, card and report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from physadv.attacks import State
from physadv.core import Span
from physadv.design import (
    Design,
    build_attack,
    build_open_victim,
    build_patch,
    build_problem,
    cut,
    measure_stickers,
    named,
    placed,
)
from physadv.evaluation import Grid, success_grid
from physadv.output.card import Finding, Sized
from physadv.output.curve import area_folder, finished, sized
from physadv.output.folder import STATE, check_folder
from physadv.output.paper import page_of
from physadv.output.state import Saved, check_same, load_state, save_state
from physadv.output.write import write_folder
from physadv.problem import Problem
from physadv.victims import Loaded

GRID_STEPS = 5
GRID_EACH = 12


def nothing(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Watch:
    """Who is told what: each design begun, layout raced, state of a search, stage of judging."""

    begin: Callable[[Design], None] = nothing
    layout: Callable[[str, float], None] = nothing
    state: Callable[[State], None] = nothing
    stage: Callable[[str], None] = nothing


@dataclass(frozen=True)
class Options:
    """How a run treats its folder, and which of torch's devices does the work."""

    paper: str = "A4"
    force: bool = False
    resume: bool = False
    device: str = "cpu"


def generate(
    design: Design, folder: Path, *, options: Options = Options(), watch: Watch = Watch()
) -> tuple[Finding, dict[str, Any]]:
    """Place, search, judge and write; returns what was found and its card.

    With `design.sticker.areas_pct` (the largest is the main result) smaller stickers are made
    first, each into a folder of its own inside. Raises `UserError` before anything is written
    where design or folder do not fit. Ctrl-C (`KeyboardInterrupt`) during a search ends it, and
    what was found is judged and written; at other times it is raised. Either way the folder's
    state file lets `options.resume` go on, and an older result stays until a new one replaces it.
    """
    page_of(options.paper)
    check_folder(folder, force=options.force, resume=options.resume)
    saved = load_state(folder) if options.resume else None
    victim = build_open_victim(design, device=options.device)
    design = named(design, victim)
    if saved is not None:
        design = check_same(saved, design, victim)
    areas = sorted(set(design.sticker.areas_pct))
    if areas:
        design = design.changed("sticker", area_pct=areas[-1])
    problem = build_problem(design, victim)
    for area in areas[:-1]:
        inner = area_folder(folder, area)
        check_folder(inner, force=options.force, resume=options.resume)
    points = [_smaller(design, area, folder, options, watch) for area in areas[:-1]]
    watch.begin(design)
    finding = _find(design, victim, problem, saved, folder, watch)
    if areas:
        points.append(_sized(finding, areas[-1]))
    watch.stage("writing")
    return finding, write_folder(folder, finding, date=today(), paper=options.paper, areas=points)


def today() -> str:
    """Return the date as ISO text."""
    return datetime.now(UTC).date().isoformat()


def _smaller(design: Design, area: float, folder: Path, options: Options, watch: Watch) -> Sized:
    """Return a smaller result of a curve: made now, or as it was found before resuming."""
    inner, small = area_folder(folder, area), sized(design, area)
    done = finished(inner, small) if options.resume else None
    if done is not None:
        return done
    digest = build_open_victim(design).digest()

    def remember(state: State) -> None:
        save_state(folder, Saved(design, digest, {}))
        watch.state(state)

    resume = options.resume and (inner / STATE).exists()
    force = options.force or options.resume
    going = replace(options, force=force, resume=resume)
    finding, _ = generate(small, inner, options=going, watch=replace(watch, state=remember))
    if finding.result.interrupted:
        raise KeyboardInterrupt
    return _sized(finding, area)


def _sized(finding: Finding, area: float) -> Sized:
    covered = measure_stickers(finding.design).area_pct
    return Sized(area, covered, finding.result.report.success)


def _find(
    design: Design,
    victim: Loaded,
    problem: Problem,
    saved: Saved | None,
    folder: Path,
    watch: Watch,
) -> Finding:
    design = placed(design, problem, tick=watch.layout)
    problem = replace(problem, patch=build_patch(design))
    digest = victim.digest()

    def remember(state: State) -> None:
        save_state(folder, Saved(design, digest, state.tensors))
        watch.state(state)

    result = build_attack(design)(
        problem,
        seed=design.seed,
        n=design.judged,
        resume=saved.tensors if saved is not None and saved.tensors else None,
        on_state=remember,
        tick=watch.stage,
    )
    design = cut(design, problem.patch, result.theta)
    watch.stage("grid")
    each = max(2, min(GRID_EACH, design.judged // 25))
    grid = default_grid(problem, result.theta, design.seed, each=each)
    return Finding(design, victim, problem, result, grid)


def default_grid(problem: Problem, theta: Any, seed: int, *, each: int = GRID_EACH) -> Grid | None:
    """Judge theta by distance and yaw over the world's own spans; None where it has none."""
    declared = problem.declared()
    axes: dict[str, Sequence[float]] = {}
    for name in ("scene.pose.distance_m", "scene.pose.yaw_deg"):
        span = declared.get(name)
        if not isinstance(span, Span):
            return None
        step = (span.high - span.low) / (GRID_STEPS - 1)
        axes[name] = [round(span.low + step * k, 2) for k in range(GRID_STEPS)]
    return success_grid(problem, theta, axes, each=each, seed=seed)
