"""matplotlib figures as SVG elements that can stand side by side in one HTML page."""

import re
from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "physadv",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.parse_math": False,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": "#222222",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
}
"""Text stays text, for search and screen readers; the same figure gives the same ids."""

ANONYMOUS = dict.fromkeys(("Creator", "Date", "Format", "Type"))
REFERENCE = re.compile(r'(\sid="|xlink:href="#|url\(#)')
NOT_FOR_HTML = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", re.DOTALL)


def svg(
    draw: Callable[["Figure"], None], size_in: tuple[float, float], *, name: str, says: str
) -> Markup:
    """Draw on a blank figure of (width, height) inches and return it as one `<svg>` element.

    `name` is put before every id, since ids are shared by the whole page; `says` is what a screen
    reader reads out. matplotlib is imported here, as it takes a second.
    """
    from matplotlib import style
    from matplotlib.figure import Figure

    buffer = StringIO()
    with style.context(["default", STYLE]):
        figure = Figure(figsize=size_in, layout="constrained")
        draw(figure)
        figure.savefig(buffer, format="svg", transparent=True, metadata=ANONYMOUS)
    element = NOT_FOR_HTML.sub("", buffer.getvalue())
    element = REFERENCE.sub(rf"\1{name}-", element[element.index("<svg ") :])
    return Markup(element.replace("<svg ", f'<svg role="img" aria-label="{escape(says)}" ', 1))
