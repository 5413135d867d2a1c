"""One sticker for all stop signs against a real detector, by the ART class, on photos it never saw.

python -m benchmarks.art_detector ../shared/data [--detector nanodet] [--steps 60]
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from physadv_art import PlanePatch, detector_classifier
from physadv_art.frame import Array
from physadv_art.victim import EstimatorDetector
from rich.table import Table
from torch import Tensor
from torch.nn.functional import interpolate

from benchmarks import show
from benchmarks.coco import detectors
from benchmarks.paired import comparison
from physadv.attacks.digital import Rows
from physadv.core import clustered, generator, load_image, quantise
from physadv.objectives import vanish
from physadv.patch import controls

EDGES = ("xmin", "ymin", "xmax", "ymax")
ON_SIGN = (0.12, 0.6, 0.88, 0.92)
"""Where the sticker lies on the sign's box: below the letters, 24 % of the box."""


@dataclass(frozen=True, eq=False)
class Signs:
    """Photos (n,3,h,w) of stop signs as large as the detector takes them, boxes, and scenes."""

    x: Array
    boxes: Array
    scenes: Tensor

    def take(self, rows: Tensor) -> "Signs":
        """Return the chosen ones."""
        return Signs(self.x[rows.numpy()], self.boxes[rows.numpy()], self.scenes[rows])


def main(
    data: Annotated[Path, typer.Argument(help="Folder with detectors/ and photos/.")],
    detector: Annotated[str, typer.Option(help="fastestdet or nanodet.")] = "fastestdet",
    steps: Annotated[int, typer.Option(help="Steps of the search.")] = 60,
    score: Annotated[float, typer.Option(help="From which score on a sign is reported.")] = 0.5,
    photos: Annotated[int | None, typer.Option(help="Only the first so many photos.")] = None,
) -> None:
    """Print how often the sign is not reported, with the sticker and with each control.

    Then, on the same photos, sticker against control: the exact McNemar test over photos, which
    takes photos of one scene as independent, and the sign test over scenes, which does not.

    Searched on the photos of every other scene, judged on the rest, of both only those where the
    bare sign is reported; not reported: no box of the class with IoU 0.5 or more to the sign's.
    """
    show.heading()
    victim = detectors(data / "detectors", detector)
    stop = victim.label("stop sign")
    on, goal = detector_classifier(victim, stop, score=score), vanish(stop, score=score)
    every = signs(data / "photos", victim.size_px)
    every = every.take(torch.arange(len(every.x))[:photos])

    def gone(some: Signs, x: Array) -> Tensor:
        """Return in which images nothing is reported at the sign."""
        rows, found = Rows(boxes=torch.from_numpy(some.boxes)), []
        with torch.no_grad():
            for k in range(len(x)):
                photo = rows.take(slice(k, k + 1)).photo(quantise(torch.from_numpy(x[k : k + 1])))
                found.append(goal.success(EstimatorDetector(on)(photo.pixels), photo))
        return torch.cat(found)

    seen = every.take((~gone(every, every.x)).nonzero()[:, 0])
    mine = seen.scenes % 2 == 0
    known, fresh = seen.take(mine.nonzero()[:, 0]), seen.take((~mine).nonzero()[:, 0])
    show.console.print(f"the bare sign is reported in {len(seen.x)} of {len(every.x)} photos")
    attack = PlanePatch(
        on, on_plane=ON_SIGN, objective=goal, max_iter=steps, batch=8, verbose=False
    )
    attack.set_params(columns_px=32, rows_px=14, shift_ratio=0.03, turn_deg=3.0, gain_ev=0.2)
    attack.set_params(tries=1)
    attacked = attack.generate(known.x, corners=known.boxes)
    shown = {"the sticker, the photos it was made on": (known, gone(known, attacked))}
    for name, patch in {"the sticker": attack.patch, **others(attack.patch)}.items():
        laid = attack.apply_patch(fresh.x, place=fresh.boxes, patch_external=patch)
        shown[name] = (fresh, gone(fresh, laid))
    title = f"{detector}, {steps} steps"
    show.console.print(rates(title, shown), against(title, shown))


def rates(title: str, shown: dict[str, tuple[Signs, Tensor]]) -> Table:
    """Return in how many photos the sign is not reported, with a bootstrap over scenes."""
    table = Table(title, "sign not reported", "scenes")
    for name, (some, success) in shown.items():
        rate = clustered(success, some.scenes, generator(0))
        table.add_row(name, str(rate), str(len(some.scenes.unique())))
    return table


def against(title: str, shown: dict[str, tuple[Signs, Tensor]]) -> Table:
    """Return the sticker against each control on the same photos, and on the same scenes."""
    table = Table(f"{title}: hidden by the sticker only : by the other only", "photos", "scenes")
    own = shown["the sticker"][1]
    for name, (some, success) in shown.items():
        if name.startswith("control: "):
            table.add_row(name, *comparison(own, success, some.scenes))
    return table


def signs(folder: Path, size_px: tuple[int, int]) -> Signs:
    """Return all photos of stop signs, resized as the detectors do it, in 8 bits."""
    with (folder / "boxes.csv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["class"] == "stop"]
    height, width = size_px
    names = sorted({row["scene"] for row in rows})
    x, boxes = [], []
    for row in rows:
        image = load_image(folder / row["file"])
        sides = np.array([width, height] * 2) / np.array([image.shape[3], image.shape[2]] * 2)
        x.append(quantise(interpolate(image, size_px, mode="bilinear", antialias=True)).numpy())
        boxes.append(np.array([float(row[edge]) for edge in EDGES]) * sides)
    scenes = torch.tensor([names.index(row["scene"]) for row in rows])
    return Signs(np.concatenate(x), np.stack(boxes).astype(np.float32), scenes)


def others(patch: Array) -> dict[str, Any]:
    """Return the control patches of a patch (3,h,w)."""
    used = torch.ones(patch.shape[1:], dtype=torch.bool)
    found = controls(torch.from_numpy(patch), used, generator(1))
    return {f"control: {name}": one.numpy() for name, one in found.items()}


if __name__ == "__main__":
    show.run(main)
