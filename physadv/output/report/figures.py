"""The report's figures: success by distance and yaw, success by area, the course of the search."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from physadv.core import Rate
from physadv.output.report.data import Heat, Point
from physadv.output.report.svg import svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = "#0072B2", "#B34700"
PALE = 0.5
"""Shares from here on have a pale cell in cividis, which wants dark text."""


def heat_map(heat: Heat) -> Markup:
    """Return the grid as coloured cells, each with its hits/n; grey where nothing was tried."""

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        shares = [[_percent(rate) for rate in row] for row in heat.rates]
        image = axes.pcolormesh(shares, cmap="cividis", vmin=0, vmax=100, edgecolor="white", lw=0.6)
        axes.set_facecolor("#e8e8e8")
        axes.set_xticks(_middles(heat.x_values), [f"{x:g}" for x in heat.x_values])
        axes.set_yticks(_middles(heat.y_values), [_signed(y) for y in heat.y_values])
        axes.set(xlabel=heat.x_name, ylabel=heat.y_name)
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        _cells(axes, heat)
        bar = figure.colorbar(image, ax=axes, label="success (%)", aspect=24, pad=0.02)
        bar.outline.set_visible(False)

    size = 1.75 + 0.74 * len(heat.x_values), 0.75 + 0.42 * max(3, len(heat.y_values))
    return svg(draw, size, name="heat", says=f"Success by {heat.x_name} and {heat.y_name}")


def _cells(axes: "Axes", heat: Heat) -> None:
    for i, row in enumerate(heat.rates):
        for j, rate in enumerate(row):
            text = f"{rate.hits}/{rate.n}" if rate.n else "none"
            colour = "#111111" if not rate.n or rate.share >= PALE else "white"
            axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=colour)


def _middles(values: Sequence[float]) -> list[float]:
    return [i + 0.5 for i in range(len(values))]


def _percent(rate: Rate) -> float:
    return 100 * rate.share if rate.n else float("nan")


def _signed(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def area_curve(points: Sequence[Point]) -> Markup:
    """Return success against area with the intervals as error bars."""
    ordered = sorted(points, key=lambda point: point.area_pct)

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        shares = [_percent(point.rate) for point in ordered]
        below = [s - 100 * point.rate.low for s, point in zip(shares, ordered, strict=True)]
        above = [100 * point.rate.high - s for s, point in zip(shares, ordered, strict=True)]
        areas = [point.area_pct for point in ordered]
        axes.errorbar(areas, shares, yerr=[below, above], color=BLUE, marker="o", capsize=4)
        axes.set(xlabel="stickers' share of the face (%)", ylabel="success (%)", ylim=(-3, 103))
        axes.set_xlim(left=0)

    return svg(draw, (5.0, 2.9), name="areas", says="Success by area of the stickers")


def course(history: Sequence[tuple[int, float, float]]) -> Markup:
    """Return held-out success and loss over the steps of the search."""
    steps, losses, successes = zip(*history, strict=True)

    def draw(figure: "Figure") -> None:
        upper, lower = figure.subplots(2, sharex=True)
        marker = "o" if len(steps) < 20 else ""
        upper.plot(steps, [100 * share for share in successes], color=BLUE, marker=marker, ms=4)
        upper.set(ylabel="held-out\nsuccess (%)", ylim=(-3, 103))
        lower.plot(steps, losses, color=ORANGE, marker=marker, ms=4)
        lower.set(ylabel="loss", xlabel="step")
        figure.align_ylabels()

    return svg(draw, (5.0, 3.4), name="course", says="Held-out success and loss by step")
