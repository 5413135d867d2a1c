"""Writes the page of digital attacks: one self-contained HTML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from torch import Tensor

from physadv.core import Rate, quantise
from physadv.evaluation import Run
from physadv.output.course import course_svg
from physadv.output.html_page import write_page
from physadv.output.report.figures import BLUE, ORANGE
from physadv.output.report.pictures import png_uri
from physadv.output.report.svg import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 12
"""How many images of a run are shown."""
SHOWN_ALONE = 60
"""How many where there is one run."""
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#E69F00")


def write_attack_page(
    path: Path, runs: Sequence[Run], cards: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]
) -> None:
    """Write the page of runs and their cards; `facts` are those of `write_attacked`.

    Raises `UserError` for a path that cannot be written.
    """
    most = SHOWN_ALONE if len(runs) == 1 else SHOWN
    parts = [
        {
            "run": run,
            "card": card,
            "noise": run.found.noise,
            "norms": {k: float(v.quantile(0.5)) for k, v in run.found.sizes.items()},
            "ssim": float(run.found.sizes["ssim"].mean()),
            "each": None
            if run.found.queries is None
            else run.found.queries / len(run.found.images),
            "course": course_svg(run.found.course, facts["wanted"], f"course{number}"),
            "rows": [_row(run, card, k) for k in range(min(most, len(run.found.images)))],
        }
        for number, (run, card) in enumerate(zip(runs, cards, strict=True))
    ]
    values: dict[str, Any] = {"facts": facts, "parts": parts, "figure": eps_svg(runs)}
    values["doubts"] = all_doubts(runs, cards, facts["doubts"])
    write_page(path, "attack.html.j2", values, {"said": said, "png": png_uri})


def all_doubts(
    runs: Sequence[Run], cards: Sequence[Mapping[str, Any]], doubts: Sequence[str]
) -> list[str]:
    """Return what is doubted of all runs, then of single ones, beginning with their names."""
    common = [one for one in cards[0]["doubts"] if all(one in card["doubts"] for card in cards)]
    found = [*doubts, *(one for one in common if one not in doubts)]
    for run, card in zip(runs, cards, strict=True):
        found += [f"{run.told}: {one}" for one in card["doubts"] if one not in found]
    return found


def said(rate: Rate | None) -> str:
    """Say a rate: 80.0 % (49.0-94.3)."""
    if rate is None:
        return ""
    share, low, high = (100 * one for one in (rate.share, rate.low, rate.high))
    return f"{share:.1f} % ({low:.1f}\N{EN DASH}{high:.1f})"


def eps_svg(runs: Sequence[Run]) -> Markup | None:
    """Return success against eps with intervals, a line an attack; None without two eps of one."""
    lines: dict[str, list[Run]] = {}
    for run in sorted((one for one in runs if one.eps is not None), key=lambda one: one.eps or 0):
        lines.setdefault(run.name, []).append(run)
    if max((len(line) for line in lines.values()), default=0) < 2:
        return None

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        for number, (name, line) in enumerate(lines.items()):
            colour, eps = COLOURS[number % len(COLOURS)], [run.eps or 0.0 for run in line]
            bounds = _bounds([run.success for run in line])
            shares = [100 * run.success.share for run in line]
            axes.errorbar(eps, shares, bounds, color=colour, marker="o", capsize=4, label=name)
            noise = [run.found.noise for run in line]
            told = [float("nan") if one is None else 100 * one.share for one in noise]
            axes.plot(eps, told, color=colour, ls=":", marker=".")
        axes.set(xlabel="eps (images are in [0,1])", ylabel="success (%)", ylim=(-3, 103))
        axes.set_xlim(left=0)
        axes.legend(fontsize=8, frameon=False)

    return svg(draw, (5.6, 3.1), name="eps", says="Success by eps")


def _bounds(rates: Sequence[Rate]) -> list[list[float]]:
    below = [100 * (rate.share - rate.low) for rate in rates]
    return [below, [100 * (rate.high - rate.share) for rate in rates]]


def _row(run: Run, card: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the pictures of one image and what its row of the card says."""
    found, row = run.found, card["images"][number]
    before, after = found.pictures.images[number], found.images[number]
    pictures = (before, after, 0.5 + 10 * (after - before))
    reads = row.get("read as", row.get("best candidate"))
    return {"pictures": [_bytes(one) for one in pictures], "reads": reads, **row}


def _bytes(image: Tensor) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = (quantise(image) * 255).byte().permute(1, 2, 0).cpu().numpy()
    return pixels
