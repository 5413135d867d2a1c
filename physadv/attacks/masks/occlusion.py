"""Occlusion: how much the loss changes when a grey square covers each place of the face.

Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (2014), section 4.2; on the
sign itself and through the world, so that black boxes can be asked.
"""

from dataclasses import replace

import torch
from torch import Tensor

from physadv.attacks.masks.interest import Interest
from physadv.core import Conditions, Face, check, generator, spawn
from physadv.patch import Mask, Pixels, rectangle
from physadv.problem import Problem

GREY = 0.5
"""Encoded; a printed middle grey."""


def occlusion_map(
    problem: Problem, face: Face, *, seed: int, n: int = 8, side_mm: float = 100.0
) -> Interest:
    """Return |mean loss with a grey square there - mean loss of the bare sign|, for each place.

    Squares of `side_mm` are laid half a side apart, with their middles in the field; the same `n`
    conditions for each. Needs no gradient; takes n pictures a place and n of the bare sign. Raises
    `UserError` where no place is in the field, or a square is no part of the face.
    """
    height, width = face.size_mm
    inside = 0 < side_mm <= min(height, width)
    wanted = f"above 0 and up to {min(height, width):g} mm"
    check(inside, "side-mm", expected=wanted, got=f"{side_mm:g} mm")
    rows, columns = (max(1, round(2 * length / side_mm)) for length in (height, width))
    places = _in_field(face, rows, columns)
    got = f"none of {rows}x{columns} places"
    check(len(places) > 0, "field", expected="a face with room for a sticker", got=got)
    given = problem.draw(n, generator(spawn(seed, "masks", "occlusion")))
    bare = _loss(problem, None, given)
    values = torch.zeros(1, 1, rows, columns)
    for row, column in places:
        middle = ((column + 0.5) * width / columns, (row + 0.5) * height / rows)
        covered = replace(problem, patch=_square(face.size_mm, middle, side_mm))
        grey = torch.full(covered.patch.shape, GREY)
        values[0, 0, row, column] = abs(_loss(covered, grey, given) - bare)
    return Interest(values, n * (len(places) + 1))


def _in_field(face: Face, rows: int, columns: int) -> list[tuple[int, int]]:
    """Return the places (row, column) whose middle a sticker may cover."""
    high, wide = face.field.shape[-2:]
    y = ((torch.arange(rows) + 0.5) * high / rows).long()
    x = ((torch.arange(columns) + 0.5) * wide / columns).long()
    open_ = face.field[0, 0].cpu()[y][:, x] > 0.5
    return [(int(row), int(column)) for row, column in open_.nonzero()]


def _square(size_mm: tuple[float, float], middle: tuple[float, float], side_mm: float) -> Pixels:
    """Return a square, cut off where the frame ends."""
    (x, y), (height, width), half = middle, size_mm, side_mm / 2
    left, top = max(0.0, x - half), max(0.0, y - half)
    wide, high = min(width, x + half) - left, min(height, y + half) - top
    return Pixels(Mask(size_mm, (rectangle(left, top, wide, high),)), side_mm)


@torch.no_grad()
def _loss(problem: Problem, theta: Tensor | None, given: Conditions) -> float:
    return float(problem.evaluate(theta, given).loss.double().mean())
