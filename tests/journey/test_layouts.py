"""Layouts found on the victim: each comes within the design's limits, and only where asked for."""

from pathlib import Path

import pytest

from physadv.design import Design, design_from, measure_stickers, placed, read_design
from physadv.objectives import untargeted
from physadv.patch import FewInks, Pixels
from physadv.problem import Problem
from tests.journey.commands import card, done
from tests.victims import small_victim
from tests.worlds import tiny_world, two_bars

FOUND = ("l1", "cam", "occlusion", "learnt")
WHITE = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def design(**sticker: object) -> Design:
    return design_from({"sticker": {"area_pct": 12.0, **sticker}})


@pytest.mark.parametrize("layout", FOUND)
def test_a_layout_is_found_and_keeps_the_limits(layout: str) -> None:
    problem = Problem(small_victim(), untargeted(), Pixels(two_bars()), tiny_world(label=0))
    asked = design(layout=layout, pieces=5, symmetric=True, away_mm=10.0)
    found = placed(asked, problem)
    again = placed(asked, problem)
    assert found.sticker.chosen == layout
    assert found.sticker.pieces_mm == again.sticker.pieces_mm
    size = measure_stickers(found)
    assert 1 <= size.pieces <= 5
    assert size.legend_pct < 0.5
    assert size.smallest_mm >= 39.5


def test_rectangles_are_learnt_in_the_inks_that_they_will_have() -> None:
    inked = FewInks(two_bars(), WHITE)
    world = tiny_world(label=0)
    pieces = [
        placed(design(layout="learnt"), Problem(small_victim(), untargeted(), patch, world))
        for patch in (inked, Pixels(two_bars()))
    ]
    assert pieces[0].sticker.pieces_mm != pieces[1].sticker.pieces_mm


def test_designs_from_before_keep_their_digest() -> None:
    plain = design()
    assert plain.digest() == design(symmetric=False, away_mm=0.0).digest()
    assert len({plain.digest(), design(symmetric=True).digest(), design(away_mm=1).digest()}) == 3


def test_from_command_to_sheet(here: Path) -> None:
    quick = ("--steps", 5, "--batch", 4, "--judged", 20, "--target", 5)
    limits = ("--symmetric", "--away-mm", 15, "--area", 10)
    done("generate", *quick, "--layout", "cam", *limits, "--out", here / "out")
    again = read_design(here / "out" / "design.toml")
    assert again.sticker.symmetric
    assert again.sticker.away_mm == 15.0
    assert card(here / "out")["placement"]["chosen"] == "cam"
    measure_stickers(again)
