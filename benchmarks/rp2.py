"""RP2 on LISA-CNN and the 40 photos that it was published with: the published noise, and ours.

python -m benchmarks.rp2 ../shared/data [--seeds 6] [--part rectangles]
"""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import torch
import typer
from art.attacks.evasion import AdversarialPatchPyTorch
from physadv_art import from_victim
from physadv_art.frame import Array
from rich.table import Table
from safetensors.torch import load_file
from torch import Tensor

from benchmarks import show
from physadv.attacks.digital import PGD, RP2, Rows
from physadv.core import Encoded, generator, load_image
from physadv.core.check import one_of
from physadv.judge import ImageReport, Told, judge_images
from physadv.objectives import margin, targeted
from physadv.patch import controls
from physadv.victims import Classifier
from tests.lisa import SPEED_LIMIT_45, STOP, lisa

GOAL = targeted(SPEED_LIMIT_45)
EPOCHS = {"rectangles": 350, "octagon": 299}
"""The epochs whose noise is published; the log's epoch k is the loss after k steps."""
LOGGED = {"rectangles": 0.79037, "octagon": 0.12466}
SQUARE = {"rectangles": (6, ((13, 21), (13, 13))), "octagon": (29, ((2, 2),))}
"""For ART's square patch: its side in pixels, at least the mask's area, and top left corners."""


@dataclass(frozen=True, eq=False)
class Signs:
    """The 40 photos (40,3,32,32) in the order of their numbers, and the victim."""

    victim: Classifier
    images: Encoded
    names: tuple[int, ...]
    folder: Path

    def judged(self, made: Encoded, others: dict[str, Encoded] | None = None) -> ImageReport:
        """Have the judge look at attacked photos."""
        wanted = torch.full((len(made),), SPEED_LIMIT_45)
        told = Told(wanted, torch.full_like(wanted, STOP))
        return judge_images(self.victim, self.images, made, GOAL, told, others)

    def missed(self, report: ImageReport) -> str:
        """Name the photos that are not read as the target."""
        pairs = zip(self.names, report.answers, strict=True)
        return " ".join(str(name) for name, read in pairs if read != SPEED_LIMIT_45)


def main(
    data: Annotated[Path, typer.Argument(help="Folder with rp2/ and victims/.")],
    seeds: Annotated[int, typer.Option(help="Searches from scratch.")] = 3,
    part: Annotated[str, typer.Option(help="rectangles, octagon, or both.")] = "both",
) -> None:
    """Print losses and how many of the 40 photos are read as speedLimit45, by noise and mask."""
    one_of("part", part, [*EPOCHS, "both"])
    show.heading()
    known = signs(data)
    for name in EPOCHS if part == "both" else [part]:
        reproduce(known, name, seeds)


def signs(data: Path) -> Signs:
    """Read the photos and the victim."""
    folder = data / "rp2"
    files = sorted((folder / "victims_32").glob("*.png"), key=lambda file: int(file.stem))
    images = Encoded(torch.cat([load_image(file) for file in files]))
    return Signs(lisa(data), images, tuple(int(file.stem) for file in files), folder)


def reproduce(known: Signs, name: str, seeds: int) -> None:
    """Print the table of one mask."""
    table = Table(
        f"{name}, {EPOCHS[name]} steps; the authors' log: {LOGGED[name]}",
        *("cross-entropy", "with 0.02 x norm", "speedLimit45", "controls", "not", "s"),
    )
    noise = load_file(known.folder / "published" / "noise.safetensors")
    published = noise[f"{name}_epoch_{EPOCHS[name]}"][None].clamp(-20, 20)
    for mask, rows in masks(known, name).items():
        table.add_row(f"published, {mask}", *row(known, rows, published), "")
        for seed in range(seeds):
            begun, how = perf_counter(), RP2(steps=EPOCHS[name])
            found = how.search(known.victim, known.images, GOAL, rows=rows, seed=seed)
            seconds = f"{perf_counter() - begun:.0f}"
            table.add_row(f"ours, {mask}, seed {seed}", *row(known, rows, found), seconds)
        begun = perf_counter()
        report = known.judged(alone(known, rows))
        seconds = f"{perf_counter() - begun:.0f}"
        told = (str(report.success), "", known.missed(report))
        table.add_row(f"each photo alone, {mask}", "", "", *told, seconds)
    side, corners = SQUARE[name]
    for corner in corners:
        _, made = art(known, side, corner, EPOCHS[name])
        report = known.judged(made)
        told = (str(report.success), "", known.missed(report))
        table.add_row(f"ART's patch, {side} x {side} px at {corner}", "", "", *told, "")
    show.console.print(table)


def masks(known: Signs, name: str) -> dict[str, Rows]:
    """Return the published mask as it is and, where the two differ, without its stray values."""
    raw = load_image(known.folder / "masks" / f"lisa_{name}_32.png")
    clean = (raw >= 0.5).float()
    found = {"mask": raw} if torch.equal(raw, clean) else {"raw mask": raw, "clean mask": clean}
    return {mask: Rows(mask=values).spread(known.images) for mask, values in found.items()}


def row(known: Signs, rows: Rows, noise: Tensor) -> tuple[str, ...]:
    """Return losses, success, the most a control has, and which photos resist."""
    how = RP2()
    with torch.no_grad():
        total, made = how.loss(known.victim, known.images, noise, GOAL, rows)
        penalty = float(how.penalty(noise, rows))
    assert rows.mask is not None
    used = (rows.mask[0] >= 0.5).all(dim=0)
    drawn = controls(noise[0].clamp(-1, 1), used, generator(0))
    del drawn["spectrum-matched"]  # 30 cells of known place and spectrum: the noise itself again
    others = {name: how.laid(known.images, one[None], rows) for name, one in drawn.items()}
    report = known.judged(made, others)
    most = max(rate.hits for rate in report.controls.values())
    losses = (f"{float(total) - penalty:.5f}", f"{float(total):.5f}")
    return (*losses, str(report.success), f"at most {most}/40", known.missed(report))


def alone(known: Signs, rows: Rows) -> Encoded:
    """Give each photo colours of its own inside the mask, whatever they are, from two starts."""
    how = PGD(eps=1.0, steps=20, random_starts=2)
    return how(known.victim, known.images, targeted(SPEED_LIMIT_45, margin), rows=rows, seed=0)


def art(known: Signs, side: int, corner: tuple[int, int], steps: int) -> tuple[Array, Encoded]:
    """Return ART's square patch, searched over all photos at a fixed place, and them with it."""
    np.random.seed(0)
    on = from_victim(known.victim)
    attack = AdversarialPatchPyTorch(
        on,
        rotation_max=0.0,
        learning_rate=0.1,
        max_iter=steps,
        batch_size=len(known.images),
        patch_shape=(3, side, side),
        patch_location=corner,
        patch_type="square",
        verbose=False,
    )
    x = known.images.numpy()
    patch, _ = attack.generate(
        x, np.eye(on.nb_classes, dtype=np.float32)[[SPEED_LIMIT_45] * len(x)]
    )
    laid = attack.apply_patch(x, scale=1.0).astype(np.float32)
    return np.asarray(patch, dtype=np.float32), Encoded(torch.from_numpy(laid))


if __name__ == "__main__":
    show.run(main)
