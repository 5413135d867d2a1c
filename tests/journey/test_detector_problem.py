"""A detector in a physical problem: sought with gradients, judged on what it reports."""

from typing import cast

import torch

from physadv.attacks import Gradient
from physadv.core import Linear
from physadv.objectives import vanish
from physadv.patch import Mask, Pixels, rectangle
from physadv.problem import Problem
from physadv.world import World
from tests.victims import cell_detector
from tests.worlds import LinearWorld

SIDE, FACE_MM = 32, 900.0
CELL_MM = FACE_MM * 8 / SIDE


def red_cells(*places: tuple[int, int]) -> World:
    """Return a grey picture with red cells, more or less lit; a `World` as problems see it."""
    picture = torch.full((1, 3, SIDE, SIDE), 0.2)
    for row, column in places:
        picture[:, 0, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = 1
    return cast(World, LinearWorld(Linear(picture)))


def cover(row: int, column: int) -> Mask:
    """Return a mask of one cell."""
    return Mask((FACE_MM,) * 2, (rectangle(column * CELL_MM, row * CELL_MM, CELL_MM, CELL_MM),))


def judged(world: World) -> tuple[float, float, float]:
    """Return how often the red is gone with a sticker on cell (0, 1), without it, and is seen."""
    goal = vanish(0, iou=None, score=0.4)
    problem = Problem(cell_detector((SIDE, SIDE)), goal, Pixels(cover(0, 1)), world)
    report = Gradient(steps=20, batch=4)(problem, seed=0, n=20).report
    assert report.correct is not None
    return report.success.share, report.clean.share, report.correct.share


def test_a_sticker_hides_what_it_covers() -> None:
    assert judged(red_cells((0, 1))) == (1, 0, 1)


def test_what_it_does_not_cover_is_still_seen() -> None:
    assert judged(red_cells((0, 1), (3, 3))) == (0, 0, 1)
