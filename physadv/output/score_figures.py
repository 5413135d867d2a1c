"""The figures of a score: what was predicted against what was seen, and from where."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from physadv.output.report.figures import BLUE, ORANGE
from physadv.output.report.svg import STYLE, svg
from physadv.scoring import STICKERS, Scored, tally

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_IN = (9.2, 3.9)
STEP = 0.022
"""How far apart photos of one prediction are drawn, as a share of the axis."""


def score_svg(photos: Sequence[Scored]) -> Markup:
    """Return both figures side by side as one SVG element."""
    says = "Predicted against seen success, and where the photos were taken from"
    return svg(lambda figure: draw(figure, photos), SIZE_IN, name="score", says=says)


def score_png(photos: Sequence[Scored]) -> bytes:
    """Return the same as a PNG file."""
    from matplotlib import style
    from matplotlib.figure import Figure

    buffer = BytesIO()
    with style.context(["default", STYLE]):
        figure = Figure(figsize=SIZE_IN, layout="constrained", dpi=160)
        draw(figure, photos)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def draw(figure: "Figure", photos: Sequence[Scored]) -> None:
    """Draw on a blank figure of matplotlib's."""
    left, right = figure.subplots(1, 2)
    _calibration(left, photos)
    _places(right, photos)


def _calibration(axes: "Axes", photos: Sequence[Scored]) -> None:
    """Draw each photo at its prediction, hits above and misses below, and the bins' shares."""
    axes.plot([0, 100], [0, 100], color="#999999", lw=1, ls="--")
    stacked: dict[tuple[int, bool], int] = {}
    for photo in photos:
        if photo.predicted is not None:
            share, hit = photo.predicted.share, bool(photo.hit)
            key = round(25 * share), hit
            stacked[key] = stacked.get(key, -1) + 1
            away = 100 * STEP * (1 + stacked[key] % 8)
            y = 100 + away if hit else -away
            axes.plot(100 * share, y, "o", ms=4.5, **_mark(hit))
    for one in tally(photos).bins:
        share = 100 * one.seen.share
        error = [[share - 100 * one.seen.low], [100 * one.seen.high - share]]
        x = 100 * one.predicted
        axes.errorbar([x], [share], yerr=error, fmt="D", ms=6, color="#111111", capsize=4)
        text = f"{one.seen.hits}/{one.seen.n}"
        axes.annotate(text, (x, share), (7, -13), textcoords="offset points")
    axes.axhspan(-25, 0, color="#f4f4f4", zorder=0)
    axes.axhspan(100, 125, color="#f4f4f4", zorder=0)
    axes.set(xlim=(-6, 112), ylim=(-22, 122), xlabel="success predicted at the pose (%)")
    axes.set(ylabel="success seen (%)", yticks=[0, 25, 50, 75, 100])
    axes.set_title("Predicted and seen: photos with stickers", fontsize=9.5, loc="left")


def _places(axes: "Axes", photos: Sequence[Scored]) -> None:
    """Draw distance and yaw of each photo, with the errors of both."""
    for photo in photos:
        if photo.pose is not None and photo.hit is not None:
            pose, bare = photo.pose, photo.shows != STICKERS
            axes.errorbar(
                [pose.distance_m],
                [pose.yaw_deg],
                xerr=pose.distance_error_m,
                yerr=pose.yaw_error_deg,
                fmt="s" if bare else "o",
                ms=5.5,
                elinewidth=0.8,
                ecolor="#999999",
                **_mark(photo.hit),
            )
    for hit, bare in ((True, False), (False, False), (True, True), (False, True)):
        name = ("bare sign: " if bare else "") + ("hit" if hit else "miss")
        axes.plot([], [], "s" if bare else "o", ms=5.5, label=name, **_mark(hit))
    axes.set(xlabel="distance (m)", ylabel="yaw (°)")
    axes.margins(0.12)
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))


def _mark(hit: bool) -> dict[str, Any]:
    """Return the colours of a hit, filled, or of a miss, hollow."""
    colour = BLUE if hit else ORANGE
    return {"mfc": colour if hit else "white", "mec": colour, "ls": "none"}
