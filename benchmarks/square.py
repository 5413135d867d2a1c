"""ART's `AdversarialPatchPyTorch` and random noise, where our stickers are judged, as baselines.

python -m benchmarks.square [--area 12] [--target 5]: the bundled recogniser, stop as one class, in
`street` from 3 to 12 m. ART searches a square in the middle of the sign, over the letters, as
large as the stickers and for as many steps, on photographs of the bare sign taken from straight
ahead, turned and sized a little. What it found is printed and photographed.
"""

from dataclasses import replace
from math import sqrt
from time import process_time
from typing import Annotated

import numpy as np
import torch
import typer
from art.attacks.evasion import AdversarialPatchPyTorch
from physadv_art import from_victim
from rich.table import Table
from torch import Tensor

from benchmarks import show
from benchmarks.near import near
from physadv.core import Photo, generator, spawn
from physadv.design import build_problem, build_victim
from physadv.judge import judge
from physadv.patch import Mask, Pixels, measure, rectangle
from physadv.problem import Problem
from physadv.scene import StreetScene, sign

STOP = sign("stop")
AHEAD = {"camera.framing.margin_ratio": 0.1, "scene.pose.distance_m": 5.0}
"""What is the same in all photographs that ART sees; pose and framing are at rest beside it."""
BATCH, SIZE = 24, 48
"""Photographs that ART sees, as many as our search sees a step, and their side in pixels."""


def main(
    area: Annotated[float, typer.Option(help="Per cent of the face.")] = 12.0,
    target: Annotated[int, typer.Option(help="Number of a class.")] = 5,
    steps: Annotated[int, typer.Option(help="Steps of ART's search.")] = 200,
    n: Annotated[int, typer.Option(help="Conditions each is judged on.")] = 300,
    seed: Annotated[int, typer.Option(help="Of photographs, search and judge.")] = 0,
) -> None:
    """Print how often ART's square and noise in its place are read as the target."""
    show.heading()
    design = near(str(target), {"allow_legend": True, "area_pct": area}, steps, n)
    base, begun = build_problem(design, build_victim(design)), process_time()
    patch, theta = square(base, area, target, steps, seed)
    seconds = process_time() - begun
    report = judge(replace(base, patch=patch), theta, seed=spawn(seed, "report"), n=n)
    taken = measure(patch.mask, StreetScene(STOP).face())
    size = f"{taken.area_pct:.1f} % of the face, {taken.legend_pct:.0f} % of the letters"
    table = Table(size, "read as the target", "s")
    table.add_row("ART's square", str(report.success), f"{seconds:.0f}")
    for name, rate in {**report.controls, "bare sign": report.clean}.items():
        table.add_row(name, str(rate), "")
    show.console.print(table)


def square(base: Problem, area: float, target: int, steps: int, seed: int) -> tuple[Pixels, Tensor]:
    """Return ART's square in the middle of the sign, as many cells as the photographs, and ink."""
    photos, on = ahead(base, seed), from_victim(base.victim)
    frame_mm = STOP.size_mm[1]
    long_mm = sqrt(area / 100 * StreetScene(STOP).face().area_mm2)
    left, _, right, _ = photos.box_px[0].tolist()
    share = long_mm / frame_mm * (right - left) / SIZE
    np.random.seed(seed)
    attack = AdversarialPatchPyTorch(
        on,
        rotation_max=5.0,
        scale_min=0.9 * share,
        scale_max=1.1 * share,
        learning_rate=0.05,
        max_iter=steps,
        batch_size=BATCH,
        patch_shape=(3, SIZE, SIZE),
        patch_type="square",
        optimizer="Adam",
        verbose=False,
    )
    wanted = np.eye(on.nb_classes, dtype=np.float32)[[target] * BATCH]
    found, _ = attack.generate(photos.pixels.numpy(), wanted)
    edge = round((frame_mm / long_mm - 1) * SIZE / 2)
    cell_mm = frame_mm / (SIZE + 2 * edge)
    theta, inside = torch.full((3, SIZE + 2 * edge, SIZE + 2 * edge), 0.5), slice(edge, edge + SIZE)
    theta[:, inside, inside] = torch.from_numpy(np.asarray(found)).clamp(0, 1)
    place = rectangle(edge * cell_mm, edge * cell_mm, SIZE * cell_mm, SIZE * cell_mm)
    return Pixels(Mask(STOP.size_mm, (place,)), cell_mm), theta


def ahead(base: Problem, seed: int) -> Photo:
    """Return photographs of the bare sign from straight ahead, in the light of the world."""
    given = dict(base.draw(BATCH, generator(spawn(seed, "ahead"))))
    for name, values in given.items():
        if name.startswith(("scene.pose", "camera.framing")):
            given[name] = torch.full_like(values, AHEAD.get(name, 0.0))
    return base.world.photograph(None, given, base.victim.size_px, hardly=True)


if __name__ == "__main__":
    show.run(main)
