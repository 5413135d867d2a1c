"""Stickers against defences that the search goes through: `python -m benchmarks.sticker_defences`.

The bundled recogniser, alone and behind defences, and networks that were trained against patches,
in `street` from 3 to 12 m. One sticker of so much of the face, where --layout has it on the network
undefended, is searched for each victim through its defence, until it reads anything but the sign;
what is found is printed and photographed under fresh conditions. Beside it ("static") the sticker
that was found on the first victim, shown to all of them under the same conditions.

python -m benchmarks.sticker_defences FILE --victims bundled,patch.safetensors
    --defences none,cleanser [--segmenter segmenter.safetensors]
"""

import json
from math import ceil
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import torch
import typer
from torch import Tensor

from benchmarks import show
from benchmarks.near import NEAR
from physadv.attacks import Gradient
from physadv.core import Encoded, Photo, Rate, generator, spawn, wilson
from physadv.core.check import one_of
from physadv.core.paired import paired
from physadv.defences import (
    Defence,
    LocalGradientsSmoothing,
    PatchCleanser,
    PatchSegmentation,
    SaliencyMasking,
)
from physadv.design import (
    Design,
    build_problem,
    design_from,
    measure_stickers,
    placed,
)
from physadv.generative import load_network
from physadv.problem import HARD_PX, Problem
from physadv.scene import sign
from physadv.victims import Victim, load_victim

BARE = "none"
LOOSEST, SLACK_PX = 1.04, 2
"""The tightest crop's side in sides of the sign, and pixels that turning and resizing may add."""
BATCH, PART = 16, 32
Row = dict[str, Any]
KEPT: dict[object, Photo] = {}
"""Photographs that several victims are shown."""


def main(
    file: Annotated[Path, typer.Argument(help="JSON of what is done; a run goes on from it.")],
    victims: Annotated[
        str, typer.Option(help="bundled, or files of weights, by commas.")
    ] = "bundled",
    defences: Annotated[
        str,
        typer.Option(
            help="none, cleanser, gradients, saliency, segmentation (with squares that complete), "
            "marks (without), both also with ' soft', the slope 8 times as wide, by commas."
        ),
    ] = BARE,
    shown: Annotated[str, typer.Option("--sign", help="The sign.")] = "stop",
    area: Annotated[float, typer.Option(help="Per cent of the face.")] = 10.0,
    pieces: Annotated[int, typer.Option(help="Stickers, at most.")] = 1,
    layout: Annotated[str, typer.Option(help="As physadv generate --layout takes it.")] = "l1",
    steps: Annotated[int, typer.Option(help="Steps of each search, of 16 photographs.")] = 60,
    n: Annotated[int, typer.Option(help="Conditions that each is judged on.")] = 150,
    masks: Annotated[int, typer.Option(help="PatchCleanser's masks along each side.")] = 3,
    segmenter: Annotated[Path | None, typer.Option(help="A file of save_network.")] = None,
    seed: Annotated[int, typer.Option(help="Of searches and conditions.")] = 0,
) -> None:
    """Search for each victim and defence; note, and print how often the sign is misread."""
    show.heading()
    done: dict[str, Row] = json.loads(file.read_text()) if file.exists() else {}
    sticker = {"area_pct": area, "pieces": pieces, "layout": layout, "allow_legend": True}
    design = design_from(
        {"sign": shown, "seed": seed, "judged": n, "sticker": sticker, "world": NEAR}
    )
    show.row("victim", "bare", "static", "adaptive", "less than the first", "sticker", "CPU s")
    for spec in victims.split(","):
        names = {
            f"{shown}, {area:g} % in {pieces}, {steps} steps: {Path(spec).stem}, {one}": one
            for one in defences.split(",")
        }
        network = load_victim(spec)
        if not done.keys() >= names.keys():
            lying = placed(design, build_problem(design, network))
            patch_px = in_the_crop(lying, network)
        for name, defence in names.items():
            if name not in done:
                made = defended(network, defence, patch_px, masks, segmenter)
                first = next(iter(done.values()), None)
                done[name] = found(lying, made, first, steps)
                file.write_text(json.dumps(done) + "\n", encoding="utf-8")
            tell(name, done[name], next(iter(done.values())))


def defended(
    network: Victim, name: str, patch_px: tuple[int, int], masks: int, segmenter: Path | None
) -> Victim:
    """Return a network behind a defence, against patches of a size in the crop."""
    known: dict[str, Defence] = {
        "cleanser": PatchCleanser(patch_px=patch_px, masks=masks),
        "gradients": LocalGradientsSmoothing(),
        "saliency": SaliencyMasking(),
    }
    if segmenter is not None:
        net = load_network(segmenter)
        for soft in (1, 8):
            told = "" if soft == 1 else " soft"
            known[f"segmentation{told}"] = PatchSegmentation(net, softness=soft)
            known[f"marks{told}"] = PatchSegmentation(net, (), softness=soft)
    if name == BARE:
        return network
    one_of("defences", name, known)
    return known[name](network)


def in_the_crop(design: Design, victim: Victim) -> tuple[int, int]:
    """Return height and width of what holds all stickers, in the tightest crop, in pixels."""
    points = torch.tensor([point for piece in design.sticker.pieces_mm for point in piece])
    wide, high = (points.amax(dim=0) - points.amin(dim=0)).tolist()
    pairs = zip((high, wide), sign(design.sign).size_mm, victim.size_px, strict=True)
    rows, columns = (
        min(side, ceil(mm / frame * side / LOOSEST) + SLACK_PX) for mm, frame, side in pairs
    )
    return rows, columns


def found(design: Design, victim: Victim, first: Row | None, steps: int) -> Row:
    """Search through a victim's defence, and judge; `first` is the row whose sticker is static."""
    begun, problem = process_time(), build_problem(design, victim)
    theta = searched(problem, design.seed, steps)
    spent, size = process_time() - begun, measure_stickers(design)
    made = {
        "pieces_mm": design.sticker.pieces_mm,
        "theta": theta.tolist(),
        "area_pct": round(size.area_pct, 2),
        "legend_pct": round(size.legend_pct, 1),
        "patch_px": in_the_crop(design, victim),
        "seconds": round(spent),
    }
    stickers = {"bare": None, "adaptive": made, "static": made if first is None else first}
    return made | {"misread": {k: misread(design, victim, one) for k, one in stickers.items()}}


def searched(problem: Problem, seed: int, steps: int) -> Tensor:
    """Return the best theta of a search."""
    attack = Gradient(steps, BATCH, held_out=32, check_every=max(1, steps // 4))
    theta = torch.zeros(problem.patch.shape)
    for state in attack.search(problem, generator(spawn(seed, "search")), None):
        theta = state.best
    return theta


@torch.no_grad()
def misread(design: Design, victim: Victim, sticker: Row | None) -> list[bool]:
    """Return in which of the fresh photographs a victim misreads the sign."""
    design = design.changed("sticker", pieces_mm=() if sticker is None else sticker["pieces_mm"])
    theta = None if sticker is None else json.dumps(sticker["theta"])
    photo = photographs(design, victim, theta)
    pixels: Tensor = photo.pixels
    read = [victim(Encoded(part)).best for part in torch.split(pixels, PART)]
    wrong: list[bool] = (torch.cat(read) != photo.labels).tolist()
    return wrong


def photographs(design: Design, victim: Victim, theta: str | None) -> Photo:
    """Return the photographs under a sticker, printed hard; those last taken are kept."""
    key = (design.digest(), victim.size_px, theta)
    if key not in KEPT:
        problem = build_problem(design, victim)
        given = problem.draw(design.judged, generator(spawn(design.seed, "report")))
        numbers = None if theta is None else torch.tensor(json.loads(theta))
        touch = None if numbers is None else problem.patch.touch(numbers, HARD_PX)
        KEPT[key] = problem.world.photograph(touch, given, victim.size_px, hardly=True)
    return KEPT[key]


def tell(name: str, one: Row, first: Row) -> None:
    """Print a row of the table; the difference is McNemar's, over the same conditions."""
    rates = [str(rate(one["misread"][k])) for k in ("bare", "static", "adaptive")]
    hits = [torch.tensor(part["misread"]["adaptive"]) for part in (first, one)]
    less = str(paired(hits[0], hits[1], torch.arange(len(hits[0])), generator(0)))
    size = f"{one['area_pct']} %, {one['legend_pct']} % of the letters, {one['patch_px']} px"
    show.row(name, *rates, less, size, str(one["seconds"]))


def rate(hits: list[bool]) -> Rate:
    """Return a share with its interval."""
    return wilson(sum(hits), len(hits))


if __name__ == "__main__":
    show.run(main)
