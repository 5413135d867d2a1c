"""Digital attacks on many images: in batches, judged, and what was found is kept after Ctrl-C."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.attacks.digital import DigitalAttack, Rows, Step
from physadv.core import Encoded, UserError, check, load_image, quantise, spawn
from physadv.judge import ImageReport, Told, judge_images
from physadv.objectives import Objective
from physadv.victims import BudgetError, Detector, Victim

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm"}
FILE, LABEL = "file", "label"

Tick = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images (N,3,h,w) of the victim's size, 8 bits, with their files and labels (N,).

    `told` says whether the labels are given; else they are what the victim reads. A `mask` that
    broadcasts to the images says what attacks may change.
    """

    files: tuple[Path, ...]
    images: Encoded
    labels: Tensor
    told: bool
    mask: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Attacked:
    """What came of an attack: the pictures that were attacked, the images made, the report."""

    pictures: Pictures
    images: Encoded
    report: ImageReport
    seconds: float
    interrupted: bool


def read_pictures(path: Path, victim: Victim, truth: str | int | None = None) -> Pictures:
    """Read an image, those of a folder, or those that a .csv with columns file and label names.

    Files in a table are relative to it; labels are names or numbers of the victim's. `truth` is
    the label of all images that no table has; without any the victim's own answers are taken.
    """
    names = list[str]()
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS)
    elif path.suffix.lower() in ENDINGS:
        files = [path]
    else:
        files, names = _table(path)
        told = "no label beside those of the table"
        check(truth is None, "truth", expected=told, got=repr(truth), fix="leave --truth out")
    names = names or ([] if truth is None else [str(truth)] * len(files))
    check(len(files) > 0, "images", expected="at least one image", got=f"{path} with none")
    size = victim.size_px
    images = Encoded(torch.cat([_sized(load_image(file), size) for file in files]))
    if names:
        about = "label" if truth is None else "truth"
        labels = torch.tensor([label_of(victim, name, about) for name in names])
        return Pictures(tuple(files), images, labels, True)
    with torch.no_grad():
        labels = torch.cat([victim(images[k : k + 1]).best for k in range(len(images))])  # type: ignore[arg-type]  # a slice of encoded images is one
    return Pictures(tuple(files), images, labels, False)


def label_of(victim: Victim, name: str | int, argument: str) -> int:
    """Return the class of a victim's label; raises `UserError` about `argument`."""
    try:
        return victim.label(name)
    except UserError as error:
        fix = error.fix or "physadv victims lists the bundled ones"
        raise error.about(argument, fix) from error


def attack_pictures(
    victim: Victim,
    attack: DigitalAttack,
    pictures: Pictures,
    objective: tuple[Objective, int | None],
    *,
    seed: int,
    watch: tuple[int, Tick],
) -> Attacked:
    """Attack pictures in batches and judge the images made.

    `objective` comes with the class wanted, None for any other than the label; `watch` is the size
    of a batch and what is told the share that is done. Ctrl-C ends it: whole batches made by then
    are judged, and the same where the budget of a remote victim ends, as far as that has answered.
    Raises `KeyboardInterrupt`, or `BudgetError`, where there are none.
    """
    goal, target = objective
    size, tick = watch
    told = pictures.labels if target is None else torch.full_like(pictures.labels, target)
    made, begun, interrupted = list[Tensor](), perf_counter(), False
    count = len(pictures.images)
    try:
        for first, batch in _batches(pictures.images, size):
            share = len(batch) / count

            def watched(step: Step, first: int = first, share: float = share) -> None:
                tick(first / count + share * step.done)

            rows = Rows(labels=told[first : first + len(batch)], mask=pictures.mask)
            batch_seed = spawn(seed, "attack", first)
            made.append(attack(victim, batch, goal, rows=rows, seed=batch_seed, watch=watched))
            tick((first + len(batch)) / count)
    except (KeyboardInterrupt, BudgetError):
        if not made:
            raise
        interrupted = True
    images = Encoded(torch.cat(made))
    n, seconds = len(images), perf_counter() - begun
    done = Pictures(
        pictures.files[:n], Encoded(pictures.images[:n]), pictures.labels[:n], pictures.told
    )
    truth = done.labels if done.told and not isinstance(victim, Detector) else None
    report = judge_images(victim, done.images, images, goal, Told(told[:n], truth))
    return Attacked(done, images, report, seconds, interrupted)


def _batches(images: Encoded, size: int) -> Iterator[tuple[int, Encoded]]:
    for first in range(0, len(images), size):
        yield first, Encoded(images[first : first + size])


def _table(path: Path) -> tuple[list[Path], list[str]]:
    """Return the files and labels of a table."""
    expected = "a folder, an image or a .csv"
    check(path.is_file(), "images", expected=expected, got=f"{path}, which is none")
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError("images", expected="a .csv in UTF-8", got=f"{path} ({error})") from error
    good = bool(rows) and {FILE, LABEL} <= rows[0].keys()
    check(good, "images", expected="a .csv with the columns file and label", got=str(path))
    whole = all(row[FILE] and row[LABEL] for row in rows)
    check(whole, "images", expected="a file and a label in every row", got=f"{path} with gaps")
    return [path.parent / row[FILE].strip() for row in rows], [row[LABEL].strip() for row in rows]


def _sized(image: Encoded, size: tuple[int, int]) -> Tensor:
    """Bring an image to a size as the victim would, and back to 8 bits."""
    if tuple(image.shape[2:]) == size:
        return image
    return quantise(interpolate(image, size, mode="bilinear", antialias=True))
