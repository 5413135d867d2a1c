"""Success over a grid of conditions, with an interval in every cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from physadv.core import Rate, check, generator, grid, spawn, take, wilson
from physadv.problem import Problem

STREET_AXES = {
    "scene.pose.distance_m": (3.0, 5.0, 7.0, 9.0, 12.0),
    "scene.pose.yaw_deg": (-30.0, -15.0, 0.0, 15.0, 30.0),
}
"""The default grid: distance by yaw over what `lab` spans."""


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
    """Judge theta at each combination of the axes' values, over `each` fresh draws of the rest."""
    given = grid(problem.declared(), axes, each, generator(spawn(seed, "grid")))
    success = problem.judge(theta, given).success
    cells = [take({"success": success}, slice(i, i + each)) for i in range(0, len(success), each)]
    rates = tuple(wilson(int(cell["success"].sum()), each) for cell in cells)
    return Grid({name: tuple(values) for name, values in axes.items()}, rates)


def parse_axes(text: str) -> dict[str, tuple[float, ...]]:
    """Read "scene.pose.distance_m=3,6,9 scene.pose.yaw_deg=-30,0,30".

    Raises `UserError` for what does not read as names and numbers.
    """
    axes = {}
    for part in text.replace(";", " ").split():
        name, _, values = part.partition("=")
        try:
            axes[name] = tuple(float(value) for value in values.split(","))
        except ValueError:
            axes = {}
            break
    check(
        bool(axes),
        "grid",
        expected="name=value,value… for each axis, e.g. scene.pose.distance_m=3,6,9",
        got=repr(text),
    )
    return axes
