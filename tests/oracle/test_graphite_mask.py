"""Mask reduction by answers alone, on a victim that looks at one place of the sign only."""

from typing import Any

import numpy as np
import pytest
import torch

from physadv.attacks import Budget, graphite_mask
from physadv.attacks.reduce import _contour, _pieces
from physadv.core import Answer, Encoded, UserError
from physadv.objectives import margin, untargeted
from physadv.patch import Limits, Pixels, measure
from physadv.problem import Problem
from tests.worlds import linear_world, plain_street, two_bars

FACE = plain_street().face()
SEEN = (slice(4, 7), slice(10, 13))
"""Rows and columns of the 16 x 16 cells of the picture that the victim reads: left below."""


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photograph on coarse rasters."""
    monkeypatch.setattr("tests.worlds.INK_PX", 64)


class Corner:
    """Reads one place: class 0 where it is dark, class 1 where it is bright; counts."""

    name, labels, size_px, differentiable = "corner", ("dark", "bright"), (16, 16), False

    def __init__(self) -> None:
        self.images = 0

    def label(self, name_or_index: str | int) -> int:
        return int(name_or_index)

    def __call__(self, images: Encoded) -> Answer:
        self.images += len(images)
        rows, columns = SEEN
        bright = 10 * (images[:, :, rows, columns].mean(dim=(1, 2, 3)) - 0.45)
        return Answer(torch.stack([-bright, bright], dim=1))


def problem() -> Problem:
    world: Any = linear_world()
    world.picture.fill_(0.2)
    return Problem(Corner(), untargeted(margin), Pixels(two_bars(), 75.0), world)


@pytest.mark.parametrize("answers", ["scores", "label"])
def test_the_tiles_that_matter_are_kept(answers: Any) -> None:
    trial = problem()
    limits = Limits(area_pct=6.0, pieces=3, allow_legend=True)
    budget = Budget(1500, answers)
    found = graphite_mask(trial, FACE, limits, seed=0, budget=budget)
    assert isinstance(trial.victim, Corner)
    assert found.queries == trial.victim.images <= 1500
    measured = measure(found.mask, FACE)
    assert measured.area_pct <= 6.05
    assert measured.pieces <= 3
    cover = found.mask.cover(16)[0, 0]
    rows, columns = SEEN
    assert float(cover[rows, columns].sum()) > (0.6 if answers == "scores" else 0.3) * float(
        cover.sum()
    )


def test_limits_on_letters_and_pieces_hold() -> None:
    limits = Limits(area_pct=12.0, pieces=2)
    found = graphite_mask(problem(), FACE, limits, seed=1, budget=Budget(400))
    measured = measure(found.mask, FACE)
    assert measured.legend_pct <= 10.05
    assert measured.pieces <= 2
    assert measured.smallest_mm >= 40


def test_a_budget_smaller_than_a_heat_map_is_refused() -> None:
    with pytest.raises(UserError, match=r"queries: expected at least \d+: two pictures"):
        graphite_mask(problem(), FACE, Limits(), seed=0, budget=Budget(50))


def test_tiles_that_touch_are_one_piece_with_their_outer_contour() -> None:
    cells = [(0, 0), (0, 1), (1, 1), (3, 3)]
    first, second = _pieces(cells)
    assert (first, second) == ({0, 1, 2}, {3})
    points = np.array(_contour([cells[k] for k in first], (50.0, 40.0)))
    assert {tuple(point) for point in points.tolist()} == {
        *((0.0, 0.0), (100.0, 0.0), (100.0, 80.0), (50.0, 80.0), (50.0, 40.0), (0.0, 40.0))
    }
    x, y = points.T
    assert float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2 == 6000  # clockwise
