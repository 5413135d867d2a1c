"""The figure of an attack's course: confidence and likeness by step, and pictures on the way."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from physadv.evaluation import Moment
from physadv.output.report.figures import BLUE, ORANGE
from physadv.output.report.svg import STYLE, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_IN = (8.6, 4.2)
PICTURES = 8
LEAST = 3
"""With fewer moments there is no course."""


def course_svg(moments: Sequence[Moment], wanted: str, name: str) -> Markup | None:
    """Return the figure as one SVG element, ids beginning with `name`; None without a course."""
    if len(moments) < LEAST:
        return None
    says = f"Confidence in {wanted} and structural similarity by step"
    return svg(lambda figure: draw(figure, moments, wanted), SIZE_IN, name=name, says=says)


def course_png(moments: Sequence[Moment], wanted: str) -> bytes | None:
    """Return the same as a PNG file."""
    from matplotlib import style
    from matplotlib.figure import Figure

    if len(moments) < LEAST:
        return None
    buffer = BytesIO()
    with style.context(["default", STYLE]):
        figure = Figure(figsize=SIZE_IN, layout="constrained", dpi=160)
        draw(figure, moments, wanted)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def draw(figure: "Figure", moments: Sequence[Moment], wanted: str) -> None:
    """Draw on a blank figure of matplotlib's: two curves with quartiles, and pictures below."""
    parts: Any = figure.subfigures(2, 1, height_ratios=[2.6, 1])
    above, below = parts
    left, right = above.subplots(1, 2)
    steps = [moment.step for moment in moments]
    confidence = [[100 * one for one in moment.confidence] for moment in moments]
    _band(left, steps, confidence, BLUE)
    left.set(xlabel="step", ylabel=f"confidence in\n{wanted} (%)", ylim=(-3, 103))
    _band(right, steps, [list(moment.ssim) for moment in moments], ORANGE)
    right.set(xlabel="step", ylabel="structural similarity\nto the image", ylim=(None, 1.0))
    _pictures(below, moments)


def _band(axes: "Axes", steps: Sequence[int], rows: Sequence[Sequence[float]], colour: str) -> None:
    low, middle, high = zip(*rows, strict=True)
    axes.fill_between(steps, low, high, color=colour, alpha=0.2, lw=0)
    axes.plot(steps, middle, color=colour)


def _pictures(figure: "Figure", moments: Sequence[Moment]) -> None:
    """Show the first image at times evenly apart, its first and last among them."""
    count = min(PICTURES, len(moments))
    chosen = [moments[round(k * (len(moments) - 1) / (count - 1))] for k in range(count)]
    for axes, moment in zip(figure.subplots(1, count), chosen, strict=True):
        axes.imshow(moment.image.permute(1, 2, 0).numpy(), interpolation="nearest")
        axes.set_title(f"step {moment.step}", fontsize=8)
        axes.axis("off")
