"""The folder of an explanation: its page and its figures as numbers."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from markupsafe import Markup

from physadv.core import Rate
from physadv.evaluation import TransferMatrix
from physadv.evaluation.explain import NOISE, Explained
from physadv.output.card import MARKING, PACKAGES, victim_facts, write_card
from physadv.output.explain_figures import (
    dimensions_svg,
    errors_svg,
    linearity_svg,
    plane_svg,
    reach_svg,
)
from physadv.output.folder import check_unused, writing
from physadv.output.generate import today
from physadv.output.html_page import write_page
from physadv.victims import Loaded

FACTS, PAGE = "explain.json", "explain.html"


def check_explained(folder: Path, *, force: bool = False) -> None:
    """Raise `UserError` where the folder is a file or holds an explanation already."""
    check_unused(folder, (FACTS, PAGE), of="an explanation", force=force)


def write_explained(
    folder: Path, found: Explained, victim: Loaded, *, seed: int, told: bool
) -> dict[str, Any]:
    """Write the page and the facts; return the facts. `told`: whether labels were given."""
    facts = {
        "marking": MARKING,
        "date": today(),
        "victim": victim_facts(victim),
        "labels": "given" if told else "what the victim reads",
        "seed": seed,
        **found.facts(),
        "versions": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
    }
    figures = {
        "linearity": linearity_svg(found.linearity),
        "dimensions": dimensions_svg(found.dimensions),
        "reach": reach_svg(found.reach),
        "errors": errors_svg(found.errors),
        "plane": plane_svg(found.plane, victim.labels),
    }
    label = victim.labels[found.plane.label]
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_card(folder / FACTS, facts)
        values = {"facts": facts, "figures": figures, "found": found, "label": label}
        values["carried"] = None if found.shared is None else carried(found.shared.matrix)
        filters = {"num": num, "of_255": of_255, "cell": cell}
        write_page(folder / PAGE, "explain.html.j2", values, filters)
    return facts


def num(value: float | None, digits: int = 3) -> str:
    """Say a number with so many digits that count, or that there is none."""
    return "none" if value is None else f"{value:.{digits}g}"


def of_255(value: float | None) -> str:
    """Say a change of values in steps of eight bits."""
    return "none" if value is None else f"{255 * value:.2g}/255"


def cell(rate: Rate | None) -> str:
    """Say a rate in two lines of a table's cell, or that there is none."""
    if rate is None:
        return "none read right"
    share, counted = str(rate).split(" (")
    return Markup("{}<span>{}</span>").format(share, counted.rstrip(")"))


def carried(found: TransferMatrix) -> dict[str, Any] | None:
    """Return which images are misread most by another victim than they were made on, if any."""
    noise = dict(zip(found.columns, found.success[found.rows.index(NOISE)], strict=True))
    cells = [
        (rate.share, {"made on": row, "read by": column, "misread": rate, "noise": noise[column]})
        for row, rates in zip(found.rows, found.success, strict=True)
        for column, rate in zip(found.columns, rates, strict=True)
        if rate is not None and row not in (column, NOISE)
    ]
    return max(cells, key=lambda one: one[0], default=(0, None))[1]
