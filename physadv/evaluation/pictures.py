"""Images to be attacked: read from files, labelled, and sifted by what the victim reads."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.attacks.digital import Rows
from physadv.core import (
    Encoded,
    Rate,
    UserError,
    check,
    generator,
    load_image,
    quantise,
    spawn,
    wilson,
)
from physadv.objectives import Objective
from physadv.victims import Detector, Victim

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm"}
FILE, LABEL = "file", "label"

PART = 64
"""How many images the victim is asked about at once."""


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

    def take(self, rows: Tensor | slice) -> "Pictures":
        """Return the chosen ones, under the same mask; a mask an image goes with its image."""
        indices = torch.arange(len(self.files))[rows].tolist()
        each = self.mask is not None and self.mask.ndim == 4 and len(self.mask) == len(self.files)
        mask = self.mask[rows] if each and self.mask is not None else self.mask
        images = Encoded(self.images[rows])
        files = tuple(self.files[k] for k in indices)
        return Pictures(files, images, self.labels[rows], self.told, mask)

    def told_labels(self, target: int | None) -> Tensor:
        """Return what an objective is told of each: the class wanted, or its label."""
        return self.labels if target is None else torch.full_like(self.labels, target)


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


@dataclass(frozen=True)
class Sifted:
    """What was left out of images before an attack.

    `misread` of them are not read as the label that is known, `met` are as wanted already;
    `correct` is how often all of them are read as their labels, None where none are told; `rows`
    are the numbers of those that are left.
    """

    misread: int
    met: int
    correct: Rate | None
    rows: tuple[int, ...] = ()

    @property
    def out(self) -> int:
        """How many were left out."""
        return self.misread + self.met


@torch.no_grad()
def sift(
    victim: Victim, pictures: Pictures, objective: Objective, target: int | None
) -> tuple[Pictures, Sifted]:
    """Return the pictures that an attack can be judged by: read correctly, and not as wanted yet.

    `target` is the class wanted, None for any other than the label. The victim is asked about
    each. Raises `UserError` where none is left.
    """
    told = pictures.told_labels(target)
    known = pictures.told and not isinstance(victim, Detector)
    met, wrong = list[Tensor](), list[Tensor]()
    for first in range(0, len(told), PART):
        rows = slice(first, first + PART)
        photo = Rows(labels=told[rows]).photo(pictures.images[rows])
        answer = victim(photo.pixels)
        met.append(objective.success(answer, photo).cpu())
        wrong.append(answer.best.cpu() != pictures.labels[rows])
    misread = torch.cat(wrong) & known
    reached = torch.cat(met) & ~misread
    n, read = len(told), int((~misread).sum())
    left = ~(misread | reached)
    got = f"{n} of which {n - read} are misread and {int(reached.sum())} are as wanted already"
    expected = "an image that the victim reads correctly, and not as wanted yet"
    check(bool(left.any()), "images", expected=expected, got=got, fix="look at --truth, --target")
    kept = tuple(left.nonzero()[:, 0].tolist())
    correct = wilson(read, n) if known else None
    return pictures.take(left), Sifted(n - read, int(reached.sum()), correct, kept)


def from_nothing(victim: Victim, classes: Sequence[int], seed: int) -> Pictures:
    """Return a noise image of the victim's size for each class, labelled with what it is to be."""
    rng = generator(spawn(seed, "nothing"))
    noise = torch.rand(len(classes), 3, *victim.size_px, generator=rng)
    files = tuple(Path(f"class-{number:02d}.png") for number in classes)
    return Pictures(files, Encoded(quantise(noise)), torch.tensor(list(classes)), True)


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
