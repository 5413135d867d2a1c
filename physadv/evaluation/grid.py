"""Success over a grid of conditions, with an interval in every cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite

from torch import Tensor

from physadv.core import (
    Choice,
    Rate,
    Seed,
    Span,
    Varying,
    check,
    generator,
    grid,
    spawn,
    take,
    widened,
)
from physadv.core.check import one_of
from physadv.judge import rate
from physadv.presets import BOUNDS
from physadv.problem import Problem
from physadv.scene.pose import check_height
from physadv.world import World

STREET_AXES = {
    "scene.pose.distance_m": (3.0, 5.0, 7.0, 9.0, 12.0),
    "scene.pose.yaw_deg": (-30.0, -15.0, 0.0, 15.0, 30.0),
}
"""The default grid: distance by yaw over what `lab` spans."""

POSE = "scene.pose."
STEEPEST_DEG = 80
"""Angles beyond this show next to nothing of a sign."""


@dataclass(frozen=True)
class Grid:
    """Rates at every combination of the axes' values; the last axis runs fastest in `rates`."""

    axes: Mapping[str, tuple[float, ...]]
    rates: tuple[Rate, ...]

    def table(self) -> tuple[tuple[Rate, ...], ...]:
        """Return the rates of a grid of two axes as rows (second axis) of columns (first axis)."""
        check(len(self.axes) == 2, "grid", expected="two axes", got=len(self.axes))
        _, second = self.axes.values()
        step = len(second)
        return tuple(self.rates[row::step] for row in range(step))


def success_grid(
    problem: Problem,
    theta: Tensor | None,
    axes: Mapping[str, Sequence[float]],
    *,
    each: int,
    seed: int,
) -> Grid:
    """Judge theta at each combination of the axes' values, over `each` fresh draws of the rest.

    Raises `UserError` for axes that `check_axes` refuses.
    """
    check_axes(problem.declared(), axes)
    for name, values in axes.items():
        problem = replace(problem, world=awake(problem.world, name, values))
    given = grid(problem.draw, axes, each, generator(spawn(seed, "grid")))
    success = problem.judge(theta, given).success
    cells = [slice(start, start + each) for start in range(0, len(success), each)]
    rates = tuple(rate(success[cell], take(given, cell), seed) for cell in cells)
    return Grid({name: tuple(values) for name, values in axes.items()}, rates)


def awake(world: World, name: str, values: Sequence[float]) -> World:
    """Return the world in which the effect of a name acts at all of the values.

    A pose always does, and need not be one in which each height goes with each distance.
    """
    return world if name.startswith(POSE) else widened(world, name, values)


def check_axes(declared: Mapping[str, Varying], axes: Mapping[str, Sequence[float]]) -> None:
    """Raise `UserError` for an axis that does not vary, and for values it cannot take."""
    for name, values in axes.items():
        one_of("grid", name, declared)
        for value in values:
            expected = _expected(declared[name], name, value)
            fix = "leave this value out"
            check(not expected, f"grid {name}", expected=expected, got=f"{value:g}", fix=fix)
    heights, distances = (_reach(declared, axes, POSE + one) for one in ("height_m", "distance_m"))
    if any(heights) and distances:
        check_height(f"grid {POSE}height_m", max(heights, key=abs), min(distances))


def _reach(
    declared: Mapping[str, Varying], axes: Mapping[str, Sequence[float]], name: str
) -> Sequence[float]:
    """Return the ends of what a condition is on a grid, none where it is not known."""
    span = declared.get(name)
    return axes.get(name, (span.low, span.high) if isinstance(span, Span) else ())


def _expected(varying: Varying, name: str, value: float) -> str:
    """Say what a value should be, nothing if it is so."""
    if isinstance(varying, Choice):
        known = sorted(varying.options)
        return "" if value in known else f"a whole number from {known[0]:g} to {known[-1]:g}"
    if isinstance(varying, Seed):
        return "" if value >= 0 and value.is_integer() else "a whole number, at least 0"
    if name.endswith("_deg"):
        return (
            "" if abs(value) <= STEEPEST_DEG else f"degrees from -{STEEPEST_DEG} to {STEEPEST_DEG}"
        )
    if varying.low > 0:
        return "" if value > 0 else "a number above 0"
    least = min(varying.low, BOUNDS.get(name, (0.0, inf))[0])
    return "" if least < 0 or value >= 0 else "a number, at least 0"


def parse_axes(text: str) -> dict[str, tuple[float, ...]]:
    """Read "scene.pose.distance_m=3,6,9 scene.pose.yaw_deg=-30,0,30".

    Raises `UserError` for what does not read as names and numbers.
    """
    axes: dict[str, tuple[float, ...]] = {}
    parts = text.replace(";", " ").split()
    for part in parts:
        name, _, values = part.partition("=")
        try:
            axes[name] = tuple(float(value) for value in values.split(","))
        except ValueError:
            break
    finite = all(isfinite(value) for values in axes.values() for value in values)
    check(
        bool(parts) and len(axes) == len(parts) and finite,
        "grid",
        expected="name=value,value… for each axis, e.g. scene.pose.distance_m=3,6,9",
        got=repr(text),
    )
    return axes
