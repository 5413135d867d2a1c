"""Writes the report: the template, filled from a `Page`."""

from pathlib import Path

from markupsafe import Markup

from physadv.core import Rate
from physadv.output.html_page import write_page
from physadv.output.report.data import Page
from physadv.output.report.figures import area_curve, course, heat_map
from physadv.output.report.pictures import jpeg_uri, png_uri


def write_report(path: str | Path, data: Page) -> None:
    """Write the report as one HTML file that needs no network, no scripts and no other file.

    The same data give the same bytes. Raises `UserError` for a path that cannot be written.
    """
    highest = max(data.controls.items(), key=lambda item: item[1].share, default=None)
    placements = sorted(data.placements.items(), key=lambda item: item[1])
    values = {
        "page": data,
        "figures": _figures(data),
        "highest": highest,
        "placements": placements,
        "over": _over(data),
        "fewer": min(
            (rate.n for rate in data.controls.values() if rate.n < data.success.n), default=0
        ),
    }
    filters = {"percent": percent, "interval": interval, "jpeg": jpeg_uri, "png": png_uri}
    write_page(path, "report/page.html.j2", values, filters)


def _figures(data: Page) -> dict[str, Markup]:
    found = {}
    if data.heat:
        found["heat"] = heat_map(data.heat)
    if data.areas:
        found["areas"] = area_curve(data.areas)
    if data.history:
        found["course"] = course(data.history)
    return found


def _over(data: Page) -> list[str]:
    """Return which of the comparisons exceed the limit."""
    compared = {"bare sign": data.clean, **data.controls}
    return [name for name, rate in compared.items() if rate.share > data.limit]


def percent(share: float) -> str:
    """Say a share with one decimal."""
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def interval(rate: Rate) -> str:
    """Say a rate's 95 % interval."""
    low, high = 100 * rate.low, 100 * rate.high
    return f"{low:.1f}\N{EN DASH}{high:.1f}\N{NO-BREAK SPACE}%"
