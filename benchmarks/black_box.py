"""How far searches come that only ask: success, controls and queries on the bundled recogniser."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, NamedTuple

import typer
from rich.console import Console
from torch import Tensor

from benchmarks import show
from physadv.attacks import (
    CMAES,
    Attack,
    Budget,
    GradientEstimate,
    Graphite,
    RandomSearch,
    Result,
    State,
    graphite_mask,
)
from physadv.core import Rate, generator, spawn, wilson
from physadv.core.check import one_of
from physadv.design import build_patch, design_from
from physadv.objectives import margin, untargeted
from physadv.patch import Bars, Limits, Mask, Patch, Pixels, Strokes, candidates, measure
from physadv.presets import world
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from physadv.victims import load_victim

console = Console(width=160)
AREA_PCT, CELL_MM = 12.0, 25.0
LIMITS = Limits(AREA_PCT, allow_legend=True)
LAYOUT = "middle"
MOVED: dict[str, dict[str, Any]] = {
    "cma-es-bars": {"kind": "bars", "area_pct": AREA_PCT, "pieces": 4},
    "cma-es-strokes": {"kind": "strokes", "area_pct": AREA_PCT, "pieces": 4},
}
"""What the search lays itself: four bars of 8 numbers each, four strokes of 12."""
CURVE = (1000, 2000, 5000)
MASK_PCT = 35
"""Of the queries, how many GRAPHITE's mask may take."""

METHODS: dict[str, Callable[[Budget], Attack]] = {
    "random-search": RandomSearch,
    "nes": lambda budget: GradientEstimate("nes", budget),
    "spsa": lambda budget: GradientEstimate("spsa", budget),
    "cma-es": CMAES,
    "graphite": Graphite,
    **dict.fromkeys(MOVED, CMAES),
}


class Row(NamedTuple):
    """A method, what it is told of answers, and what it came to."""

    name: str
    answers: str
    area_pct: float
    result: Result
    curve: dict[int, Rate]


@dataclass
class Course:
    """The best theta after some numbers of queries."""

    marks: tuple[int, ...]
    found: dict[int, State]

    def __call__(self, state: State) -> None:
        """Keep a state for each mark that it is not beyond."""
        for mark in self.marks:
            if state.queries <= mark:
                self.found[mark] = state


def main(
    method: Annotated[list[str] | None, typer.Option(help="These alone.")] = None,
    queries: Annotated[int, typer.Option(min=1)] = 10_000,
    judged: Annotated[int, typer.Option(min=5)] = 500,
    seed: int = 0,
    label_only: Annotated[bool, typer.Option("--label-only", help="Labels alone.")] = False,
) -> None:
    """Print a row for each method: stop read as anything else in `street`, 12 % of the face."""
    for name in method or METHODS:
        one_of("method", name, METHODS)
    answers: Literal["scores", "label"] = "label" if label_only else "scores"
    for row in rows(method or list(METHODS), Budget(queries, answers), judged, seed):
        print_row(row)


def rows(names: list[str], budget: Budget, judged: int, seed: int) -> Iterator[Row]:
    """Yield each method's row as soon as it is judged."""
    scene = StreetScene(sign("stop"))
    face = scene.face()
    patch = Pixels(candidates(face, LIMITS)[LAYOUT], CELL_MM)
    where = world("street", scene, label=14)
    problem = Problem(load_victim("bundled"), untargeted(margin, confidence=5.0), patch, where)
    for name in names:
        mine, given = problem, budget
        if name == "graphite":
            part = replace(budget, queries=budget.queries * MASK_PCT // 100)
            placed = graphite_mask(problem, face, LIMITS, seed=seed, budget=part)
            mine = replace(problem, patch=Pixels(placed.mask, CELL_MM))
            given = replace(budget, spent=placed.queries)
        if name in MOVED:
            mine = replace(problem, patch=build_patch(design_from({"sticker": MOVED[name]})))
        course = Course(tuple(mark for mark in CURVE if mark < budget.queries), {})
        attack = METHODS[name](given)
        result = attack(mine, seed=seed, n=judged, on_state=course)
        mask = _cut(mine.patch, result.theta)
        area = measure(mask, face).area_pct
        yield Row(name, budget.answers, area, result, _curve(mine, course, judged, seed))


def _cut(patch: Patch, theta: Tensor) -> Mask:
    """Return the contours of what was found."""
    if isinstance(patch, Bars | Strokes):
        return patch.cut(theta)
    assert isinstance(patch, Pixels)
    return patch.mask


def _curve(problem: Problem, course: Course, judged: int, seed: int) -> dict[int, Rate]:
    """Judge the best after each number of queries on fresh conditions, 100 at most."""
    n = min(100, judged)
    given = problem.draw(n, generator(spawn(seed, "curve")))
    return {
        mark: wilson(int(problem.judge(state.best, given).success.sum()), n)
        for mark, state in course.found.items()
    }


def print_row(row: Row) -> None:
    """Print a row."""
    report, result = row.result.report, row.result
    controls = ", ".join(f"{name} {rate}" for name, rate in report.controls.items() if rate.hits)
    curve = ", ".join(f"{mark}: {100 * rate.share:.0f}" for mark, rate in row.curve.items())
    console.print(
        f"| {row.name} | {row.answers} | {row.area_pct:.1f} | {report.success} | "
        f"{controls or 'none in any'} | {report.clean} | {result.queries} | {result.seconds:.0f} | "
        f"{curve} |",
        markup=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    show.run(main)
