"""Robust RP2: stickers for LISA-CNN through print, street and camera, judged by fresh photographs.

python -m benchmarks.rp2_street ../shared/data [--part poster] [--steps 200] [--judged 500]
"""

from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import torch
import typer
from rich.table import Table
from torch import Tensor

from benchmarks import show
from benchmarks.rp2 import art, signs
from physadv.attacks import Gradient
from physadv.attacks.masks import Learning, learn
from physadv.core import spawn
from physadv.core.check import one_of
from physadv.design import build_problem, design_from
from physadv.judge import Report, judge
from physadv.objectives import non_printability, read_palette
from physadv.patch import Limits, Mask, Pixels, ink, measure, rectangle
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from tests.lisa import lisa

US_STOP = sign("us_stop")
SIDE_MM = US_STOP.size_mm[1]
LIMITS = Limits(area_pct=12.0, pieces=8, min_mm=40.0, allow_legend=True)
"""What learnt rectangles may be."""
LEARNING = Learning(starts=10, steps=80, batch=16)
SQUARE = (10, 11)
"""ART's patch: its side and its distance from the photo's edge, of 32 pixels."""
PARTS = ("poster", "rectangles", "art")


def main(
    data: Annotated[Path, typer.Argument(help="Folder with rp2/ and victims/.")],
    part: Annotated[str, typer.Option(help="poster, rectangles, art, or all.")] = "all",
    steps: Annotated[int, typer.Option(help="Steps of a search.")] = 200,
    judged: Annotated[int, typer.Option(help="Fresh photographs of the judge.")] = 500,
    seed: Annotated[int, typer.Option(help="Of search and judge.")] = 0,
) -> None:
    """Print how often a US stop sign in the street is read as speedLimit45, by sticker.

    The printability score with the 30 published colours is on, and what is judged is printed.
    """
    one_of("part", part, [*PARTS, "all"])
    show.heading()
    base = problem(data)
    table = Table(
        *("sticker", "face %", "legend %", "pieces", "s", "speedLimit45", "bare", "bare is read"),
        *("largest control", "printability"),
    )
    for name in PARTS if part == "all" else [part]:
        begun = perf_counter()
        if name == "art":
            mask, theta = square(data, steps)
            laid = replace(base, patch=Pixels(mask, SIDE_MM / 32))
            seconds = perf_counter() - begun
            report = judge(laid, theta, seed=spawn(seed, "report"), n=judged)
        else:
            mask = poster() if name == "poster" else rectangles(base, seed)
            laid = replace(base, patch=Pixels(mask, 25.0))
            placing = perf_counter() - begun
            attack = Gradient(steps=steps, held_out=100, check_every=20)
            found = attack(laid, seed=seed, n=judged)
            theta, report, seconds = found.theta, found.report, found.seconds + placing
        table.add_row(name, *told(mask, report, seconds), f"{score(data, laid, theta):.2g}")
    show.console.print(table)


def problem(data: Path) -> Problem:
    """Return LISA-CNN in the street before a US stop sign, the poster on it."""
    goal: dict[str, Any] = {"target": "speedLimit45", "truth": "stop", "confidence": 2.0}
    goal |= {"printable": 0.1, "palette": str(data / "rp2" / "colours" / "npstriplets.txt")}
    sticker = {"area_pct": 100, "allow_legend": True, "cell_mm": 25}
    values = {"sign": "us_stop", "goal": goal, "world": {"preset": "street"}, "sticker": sticker}
    return build_problem(design_from(values), lisa(data))


def poster() -> Mask:
    """Return the octagon inside the rim."""
    return Mask(US_STOP.size_mm, tuple(shape[0] for shape in US_STOP.field))


def rectangles(base: Problem, seed: int) -> Mask:
    """Return rectangles where the victim at hand is weakest."""
    return learn(base, StreetScene(US_STOP).face(), LIMITS, seed=seed, how=LEARNING).mask


def square(data: Path, steps: int) -> tuple[Mask, Tensor]:
    """Return ART's square in the middle of the sign, searched on the 40 photos, and its colours."""
    side, edge = SQUARE
    patch, _ = art(signs(data), side, (edge, edge), steps)
    theta, inside = torch.full((3, 32, 32), 0.5), slice(edge, edge + side)
    theta[:, inside, inside] = torch.from_numpy(patch).clamp(0, 1)
    near, long = (count * SIDE_MM / 32 for count in (edge, side))
    return Mask(US_STOP.size_mm, (rectangle(near, near, long, long),)), theta


def told(mask: Mask, report: Report, seconds: float) -> tuple[str, ...]:
    """Return the cells of a row, from area to controls."""
    found = measure(mask, StreetScene(US_STOP).face())
    name, most = max(report.controls.items(), key=lambda pair: pair[1].share)
    return (
        *(f"{found.area_pct:.1f}", f"{found.legend_pct:.0f}", str(found.pieces), f"{seconds:.0f}"),
        *(str(report.success), str(report.clean), str(report.correct), f"{name}: {most}"),
    )


def score(data: Path, laid: Problem, theta: Tensor) -> float:
    """Return the mean non-printability score of what is inked."""
    printed = ink(laid.patch, theta, 256)
    palette = read_palette(data / "rp2" / "colours" / "npstriplets.txt")
    return float(
        (non_printability(printed.colour, palette) * printed.cover).sum() / printed.cover.sum()
    )


if __name__ == "__main__":
    show.run(main)
