"""Smoothing and defences against patches on real signs: read, certified, attacked, and their cost.

python -m benchmarks.patch_defences DATA [--victim FILE] [--table patches] [--n 60] [--share 0.025]
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from benchmarks import show
from benchmarks.pictures import known_victim, read_right
from physadv.attacks.digital import PGD, Rows
from physadv.core import Encoded, generator, spawn, wilson
from physadv.core.check import one_of
from physadv.defences import (
    Defence,
    DerandomizedSmoothing,
    LocalGradientsSmoothing,
    PatchCleanser,
    RandomizedSmoothing,
    SaliencyMasking,
)
from physadv.defences.patch.masked import patch_side
from physadv.evaluation.suites import processor_s
from physadv.objectives import margin, untargeted
from physadv.victims import Classifier, Victim

PART = 16
"""Images that are read or attacked at once."""
TIMED = 8
"""Images that the slowdown is taken on."""
SIGMAS, RADII = (0.05, 0.12, 0.25), (0.05, 0.1, 0.25, 0.5)
BANDS = (6, 12, 20)
TABLES = ("patches", "smoothing", "both")


def main(
    data: Annotated[Path, typer.Argument(help="Folder with gtsrb/ and victims/.")],
    victim: Annotated[str, typer.Option(help="bundled, or weights of train robust.")] = "bundled",
    table: Annotated[str, typer.Option(help="patches, smoothing or both.")] = "both",
    n: Annotated[int, typer.Option(help="Images, at most, drawn at random.", min=1)] = 60,
    attacked: Annotated[int, typer.Option(help="Of these with a patch.", min=0)] = 16,
    share: Annotated[float, typer.Option(help="Of the image that a patch covers.")] = 0.025,
    estimate: Annotated[int, typer.Option(help="Noisy copies a certificate takes.")] = 500,
    steps: Annotated[int, typer.Option(help="Steps of the adaptive attack.")] = 15,
    only: Annotated[str, typer.Option(help="Defences whose name begins so, alone.")] = "",
    seed: Annotated[int, typer.Option(help="Of the draw of images and places.")] = 0,
) -> None:
    """Print a row for each defence, and the certified share by radius of smoothing."""
    one_of("table", table, TABLES)
    show.heading()
    known = known_victim(data, victim)
    images, labels = read_right(known, data, n, seed=seed)
    if table != "smoothing":
        side = patch_side(share, known.size_px)
        masks = places(min(attacked, len(images)), side, known.size_px, seed)
        told = f"patch of {side}x{side} of {known.size_px} px, {steps} steps"
        show.console.print(told, markup=False)
        show.row("defence", "read", "certified", f"read, adaptive patch ({len(masks)})", "slowdown")
        for name, how in [one for one in defences(share) if one[0].startswith(only)]:
            guarded: Victim = known if how is None else how(known)
            right = rate(read(guarded, images) == labels)
            sure = certified(how, known, images, labels, side)
            held = still_read(guarded, images, labels, masks, steps)
            show.row(name, right, sure, held, slower(guarded, known, images))
    if table != "patches":
        smoothing(known, images, labels, estimate)


def defences(share: float) -> list[tuple[str, Defence | None]]:
    """Return what is measured; None is the recogniser alone."""
    bands: list[tuple[str, Defence | None]] = [
        (f"DerandomizedSmoothing, {band} px", DerandomizedSmoothing(band)) for band in BANDS
    ]
    return [
        ("none", None),
        *bands,
        ("LocalGradientsSmoothing", LocalGradientsSmoothing()),
        ("SaliencyMasking", SaliencyMasking()),
        ("PatchCleanser, 3x3 masks", PatchCleanser(share, masks=3)),
        ("PatchCleanser, 6x6 masks", PatchCleanser(share)),
    ]


def certified(
    how: Defence | None, victim: Classifier, images: Encoded, labels: Tensor, side: int
) -> str:
    """Return the share of images whose class holds under any patch, or that there is none."""
    parts = parted(images)
    if isinstance(how, PatchCleanser):
        found = [how.certify(victim, part) for part in parts]
    elif isinstance(how, DerandomizedSmoothing):
        found = [how.certify(victim, part, side) for part in parts]
    else:
        return "none given"
    sure = [one.holds(some) for one, some in zip(found, labels.split(PART), strict=True)]
    return rate(torch.cat(sure))


def smoothing(victim: Classifier, images: Encoded, labels: Tensor, estimate: int) -> None:
    """Print how smoothing reads, abstains and certifies by the radius in the norm 2."""
    show.row(
        "sigma", "read", "abstains", *(f"certified at {radius:g}" for radius in RADII), "slowdown"
    )
    for sigma in SIGMAS:
        how = RandomizedSmoothing(sigma)
        parts = parted(images)
        found = [how.certify(victim, part, estimate=estimate) for part in parts]
        pairs = list(zip(found, labels.split(PART), strict=True))
        sure = [rate(torch.cat([one.holds(some, r) for one, some in pairs])) for r in RADII]
        right = rate(read(how(victim), images) == labels)
        none = rate(torch.cat([one.labels == -1 for one in found]))
        show.row(f"{sigma:g}", right, none, *sure, slower(how(victim), victim, images))


def places(n: int, side: int, size_px: tuple[int, int], seed: int) -> Tensor:
    """Return a mask (n,1,h,w) that is 1 in a square at a random place of each image."""
    rng = generator(spawn(seed, "places"))
    masks = torch.zeros(n, 1, *size_px)
    for mask in masks:
        y, x = (int(torch.randint(whole - side + 1, (), generator=rng)) for whole in size_px)
        mask[:, y : y + side, x : x + side] = 1
    return masks


def still_read(victim: Victim, images: Encoded, labels: Tensor, masks: Tensor, steps: int) -> str:
    """Return the share that is read with patches (a mask each) searched for through the defence."""
    if len(masks) == 0:
        return "-"
    right = []
    for first in range(0, len(masks), PART):
        part = slice(first, min(first + PART, len(masks)))
        rows = Rows(labels=labels[part], mask=masks[part])
        attack, goal = PGD(eps=1.0, steps=steps), untargeted(margin)
        made = attack(victim, Encoded(images[part]), goal, rows=rows, seed=first)
        right.append(read(victim, made) == labels[part])
    return rate(torch.cat(right))


@torch.no_grad()
def read(victim: Victim, images: Encoded) -> Tensor:
    """Return the classes (B,) that are read."""
    return torch.cat([victim(part).best for part in parted(images)])


def parted(images: Tensor) -> list[Encoded]:
    """Return the images, `PART` at a time."""
    return [Encoded(part) for part in images.split(PART)]


def slower(victim: Victim, bare: Victim, images: Encoded) -> str:
    """Return how many times the CPU time of the bare victim's answer a defended one takes."""
    some = Encoded(images[:TIMED])
    return f"{processor_s(victim, some) / processor_s(bare, some):.0f}"


def rate(hits: Tensor) -> str:
    """Say a share with its interval."""
    return str(wilson(int(hits.sum()), len(hits)))


if __name__ == "__main__":
    show.run(main)
