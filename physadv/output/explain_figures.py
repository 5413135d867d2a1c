"""The figures of an explanation: linearity, dimensions, boundary, errors, a slice of regions."""

from typing import TYPE_CHECKING

import torch
from markupsafe import Markup
from torch import Tensor

from physadv.evaluation.explain import Dimensions, Errors, Linearity, Plane, Reach
from physadv.output.report.figures import BLUE, ORANGE
from physadv.output.report.svg import svg

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

GREY = "#666666"
SIZE_IN, WIDE_IN = (4.6, 3.3), (9.2, 3.4)
MOST_NAMED = 8
"""Classes of a slice that have a colour of their own; the rest share one."""


def linearity_svg(found: Linearity) -> Markup:
    """Draw the fall seen as a share of the one foreseen, by eps."""

    def draw(figure: "Figure") -> None:
        axes, eps = figure.subplots(), _of_255(found.eps)
        low, middle, high = found.ratio.T.tolist()
        axes.axhline(1, color="#999999", lw=1, ls="--")
        axes.fill_between(eps, low, high, color=BLUE, alpha=0.18, lw=0)
        axes.plot(eps, middle, "o-", color=BLUE, ms=4)
        axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=min(0, *low))
        axes.set(xlabel="change of each value (of 255)", ylabel="fall seen / fall foreseen")
        _plain(axes.xaxis)

    return svg(draw, SIZE_IN, name="linearity", says="The fall of the margin by the change's size")


def dimensions_svg(found: Dimensions) -> Markup:
    """Draw the median fall by the number of values changed, on logarithmic axes."""

    def draw(figure: "Figure") -> None:
        axes, values = figure.subplots(), found.values.tolist()
        rows = (
            ("foreseen", found.foreseen, {"color": GREY, "ls": "--"}),
            ("seen", found.seen, {"color": BLUE, "marker": "o", "ms": 4}),
            ("random signs", found.random, {"color": ORANGE, "marker": "s", "ms": 4}),
        )
        for name, row, how in rows:
            axes.plot(values, row.quantile(0.5, dim=1).clamp_min(1e-6).tolist(), label=name, **how)
        axes.set(xscale="log", yscale="log", xlabel="values changed independently")
        axes.set_ylabel("median fall of the margin")
        _plain(axes.xaxis, axes.yaxis)
        axes.legend(fontsize=8.5, frameon=False)

    says = "The fall of the margin by the number of values that are changed"
    return svg(draw, SIZE_IN, name="dimensions", says=says)


def reach_svg(found: Reach) -> Markup:
    """Draw both distances' distributions, and the eps seen against the one foreseen."""

    def draw(figure: "Figure") -> None:
        left, right = figure.subplots(1, 2)
        for name, values, colour in (
            ("along the gradient", found.adversarial, BLUE),
            ("random directions", found.random.flatten(), ORANGE),
        ):
            met = values[values.isfinite()]
            lost = f", none in {len(values) - len(met)} of {len(values)}" * (len(met) < len(values))
            steps = torch.arange(1, len(met) + 1) / max(1, len(values))
            at = met.sort().values.tolist()
            left.plot(at, (100 * steps).tolist(), color=colour, label=name + lost)
        left.set(xscale="log", xlabel="L2 distance to the boundary", ylabel="met by then (%)")
        left.set_ylim(0, 130)
        left.set_yticks(range(0, 101, 20))
        left.legend(fontsize=8.5, frameon=False, loc="upper left")
        good = found.signed.isfinite()
        across, up = _of_255(found.foreseen[good]), _of_255(found.signed[good])
        ends = [min([*across, *up], default=1), max([*across, *up], default=2)]
        right.plot(ends, ends, color="#999999", lw=1, ls="--")
        right.plot(across, up, "o", ms=3.5, mfc="none", mec=BLUE)
        right.set(xscale="log", yscale="log", xlabel="least change foreseen (of 255)")
        right.set_ylabel("least change seen (of 255)")
        _plain(left.xaxis, right.xaxis, right.yaxis)

    says = "Distances to the boundary, and the least change seen against the one foreseen"
    return svg(draw, WIDE_IN, name="reach", says=says)


def errors_svg(found: Errors) -> Markup:
    """Draw errors by eps on logarithmic axes, and the distribution of margins."""

    def draw(figure: "Figure") -> None:
        left, right = figure.subplots(1, 2)
        eps = _of_255(found.eps)
        met = [k for k, one in enumerate(found.seen) if one.hits]
        shares = [100 * found.seen[k].share for k in met]
        below = [share - 100 * found.seen[k].low for k, share in zip(met, shares, strict=True)]
        above = [100 * found.seen[k].high - share for k, share in zip(met, shares, strict=True)]
        at = [eps[k] for k in met]
        bars = [below, above]
        left.errorbar(at, shares, yerr=bars, fmt="o", color=BLUE, ms=4, capsize=3, label="seen")
        foreseen = [(e, 100 * f) for e, f in zip(eps, found.foreseen.tolist(), strict=True) if f]
        left.plot(*zip(*foreseen, strict=True), "--", color=GREY, label="foreseen")
        left.set(xscale="log", yscale="log", xlabel="change of each value (of 255)")
        left.set_ylabel("misread (%)")
        _plain(left.xaxis, left.yaxis)
        left.legend(fontsize=8.5, frameon=False)
        right.hist(found.gaps.tolist(), bins=24, color=BLUE, alpha=0.75)
        right.set(xlabel="margin: difference of the two largest scores", ylabel="images")
        right.set_xlim(left=0)

    says = "Errors by the size of the change, and the distribution of margins"
    return svg(draw, WIDE_IN, name="errors", says=says)


def plane_svg(found: Plane, labels: tuple[str, ...]) -> Markup:
    """Draw the classes of a slice; the image is in the middle."""

    def draw(figure: "Figure") -> None:
        from matplotlib import colormaps
        from matplotlib.colors import ListedColormap, to_hex
        from matplotlib.patches import Patch

        axes, span = figure.subplots(), 255 * found.span
        count = found.classes.flatten().bincount(minlength=len(labels))
        count[found.label] += found.classes.numel()
        named = [k for k in count.argsort(descending=True).tolist() if count[k]][:MOST_NAMED]
        place = {k: n for n, k in enumerate(named)}
        cells = [[place.get(k, MOST_NAMED) for k in row] for row in found.classes.tolist()]
        colours = [*(to_hex(colormaps["Set2"](n)) for n in range(MOST_NAMED)), "#444444"]
        axes.imshow(
            cells,
            cmap=ListedColormap(colours),
            vmin=-0.5,
            vmax=MOST_NAMED + 0.5,
            extent=(-span, span, -span, span),
            origin="lower",
            interpolation="nearest",
        )
        axes.plot([0], [0], "o", ms=5, mfc="white", mec="#111111")
        keys = [Patch(color=colours[place[k]], label=labels[k]) for k in named]
        others = len(found.classes.unique()) > MOST_NAMED
        keys += [Patch(color=colours[-1], label="others")] if others else []
        axes.legend(
            handles=keys, fontsize=8.5, frameon=False, loc="center left", bbox_to_anchor=(1.02, 0.5)
        )
        axes.set(xlabel="along the gradient's signs (of 255)", ylabel="along random signs (of 255)")
        axes.grid(visible=False)

    return svg(draw, (7.2, 4.0), name="plane", says="A slice of the decision regions")


def _of_255(values: Tensor) -> list[float]:
    return [255 * value for value in values.tolist()]


def _plain(*axes: "Axis") -> None:
    """Number logarithmic axes as people do."""
    from matplotlib.ticker import NullFormatter

    for axis in axes:
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
