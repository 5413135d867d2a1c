"""What a hardened recogniser is worth: accuracy on real test crops, clean and under PGD."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from physadv.attacks.digital import PGD, Rows
from physadv.core import Encoded, Rate, check, generator, wilson
from physadv.objectives import cross_entropy, margin, untargeted
from physadv.training.augment import as_annotated
from physadv.training.gtsrb_data import read_crops
from physadv.victims import Victim

BUDGETS = (4 / 255, 8 / 255)
BATCH = 100
ATTACK = PGD(steps=20, random_starts=2, stop=True)
"""How hard each search tries; `eps` is the budget's."""


def drawn_images(data: Path, size_px: tuple[int, int], n: int) -> tuple[Encoded, Tensor]:
    """Return n images (n,3,h,w) of GTSRB's test part, drawn with seed 0, and their classes."""
    crops = read_crops(data, "test")
    n = min(n, len(crops))
    crops = crops.rows(torch.randperm(len(crops), generator=generator(0))[:n])
    return Encoded(as_annotated(crops, size_px).clamp(0, 1)), crops.classes


def accuracies(
    victim: Victim,
    images: Encoded,
    labels: Tensor,
    *,
    budgets: Sequence[float] = BUDGETS,
    attack: PGD = ATTACK,
    progress: Callable[[float], None] = lambda _: None,
) -> dict[str, Rate]:
    """Return shares of images (n,3,h,w) read as their labels (n,), clean and under PGD.

    For each Linf budget an image counts if it is read right and neither the search on the margin
    nor that on the cross-entropy finds a change that turns it; what is misread as it is, is lost.
    """
    check(len(images) > 0, "images", expected="at least one", got="none")
    right = torch.cat([_right(victim, x, y) for x, y in _batches(images, labels)])
    found = {"clean": _rate(right)}
    for index, eps in enumerate(budgets):
        held = right.clone()
        for turn, loss in enumerate((margin, cross_entropy)):
            rows = held.nonzero()[:, 0]
            search = replace(attack, eps=eps)
            parts = []
            for x, y in _batches(images[rows], labels[rows]):
                made = search(victim, Encoded(x), untargeted(loss), rows=Rows(labels=y), seed=turn)
                parts.append(_right(victim, made, y))
            held[rows] = torch.cat(parts) if parts else held[rows]
            progress((2 * index + turn + 1) / (2 * len(budgets)))
        found[f"PGD {255 * eps:g}/255"] = _rate(held)
    return found


def _batches(images: Tensor, labels: Tensor) -> list[tuple[Tensor, Tensor]]:
    return list(zip(images.split(BATCH), labels.split(BATCH), strict=True)) if len(images) else []


def _right(victim: Victim, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        return victim(Encoded(images)).best == labels


def _rate(right: Tensor) -> Rate:
    return wilson(int(right.sum()), len(right))
