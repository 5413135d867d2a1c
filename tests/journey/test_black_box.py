"""`physadv generate` with attacks that only ask: counted, built, refused where it must be."""

from pathlib import Path

import pytest
import torch

from benchmarks import black_box
from physadv.attacks import (
    CMAES,
    Budget,
    Gradient,
    GradientEstimate,
    Graphite,
    RandomSearch,
)
from physadv.attacks.masks.interest import Interest
from physadv.core import UserError
from physadv.design import (
    Design,
    build_attack,
    build_problem,
    build_victim,
    design_from,
    measure_stickers,
    placed,
    read_design,
)
from physadv.design.stickers import MAPS
from tests.journey.commands import card, done, physadv, refused

FEW = ("--judged", 20, "--layout", "middle", "--cell-mm", 50)
FLAGS = (*FEW, "--attack", "random-search", "--queries", 120, "--label-only")


def test_a_search_that_asks_keeps_to_its_queries(here: Path) -> None:
    done("generate", *FLAGS, "--out", "new")
    design, facts = read_design(here / "new" / "design.toml"), card(here / "new")
    part = design.attack
    assert (part.method, part.queries, part.answers) == ("random-search", 120, "label")
    assert facts["budget"]["queries"] == 120


def test_a_layout_that_was_searched_by_asking_is_counted() -> None:
    attack = {"method": "graphite", "queries": 800}
    design = design_from({"sticker": {"area_pct": 12, "cell_mm": 50}, "attack": attack})
    victim = build_victim(design)
    found = placed(design, build_problem(design, victim))
    assert found.sticker.chosen == "graphite"
    assert 100 < found.attack.placing <= 800 * 0.35
    measured = measure_stickers(found)
    assert measured.area_pct <= 12.05
    assert measured.pieces <= 8
    assert found.unplaced() == design
    made = build_attack(found)
    assert isinstance(made, Graphite)
    assert made.budget == Budget(800, spent=found.attack.placing)


@pytest.mark.parametrize("method", ["random-search", "gradient"])
def test_pictures_of_a_map_are_the_attack_s_where_it_counts_them(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    seen = Interest(torch.ones(1, 1, 9, 9), 123)
    monkeypatch.setitem(MAPS, "occlusion", lambda *_, **__: seen)
    sticker = {"layout": "occlusion", "area_pct": 12, "cell_mm": 50}
    design = design_from({"sticker": sticker, "attack": {"method": method}})
    found = placed(design, build_problem(design, build_victim(design)))
    assert found.attack.placing == (0 if method == "gradient" else 123)
    assert found.sticker.chosen == "occlusion"


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        *(("gradient", Gradient), ("random-search", RandomSearch), ("nes", GradientEstimate)),
        *(("spsa", GradientEstimate), ("cma-es", CMAES), ("graphite", Graphite)),
    ],
)
def test_each_name_is_an_attack(method: str, kind: type) -> None:
    made = build_attack(design_from({"attack": {"method": method}}))
    assert isinstance(made, kind)
    assert getattr(made, "method", method) == method


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--attack nes --steps 5", "--steps: expected none with nes, got 5; give queries instead"),
        ("--queries 50", "--queries: expected none with gradient, got 50; name a black-box attack"),
        ("--label-only", "--label-only: expected none with gradient, got label"),
        ("--attack spas", "--attack: expected 'gradient', 'random-search', 'nes', 'spsa'"),
        ("--attack nes --queries 0", "--queries: expected a whole number, at least 1, got 0"),
        ("--attack nes --queries 50", "queries: expected at least"),
    ],
)
def test_what_does_not_fit_is_refused(here: Path, flags: str, said: str) -> None:
    line = refused(physadv("generate", "--layout", "middle", *flags.split(), "--out", "new"))
    assert said in line
    assert list(here.iterdir()) == []


def test_a_search_that_asks_changes_the_digest_and_a_gradient_keeps_it() -> None:
    attack = {"method": "nes", "queries": 500}
    assert design_from({"attack": attack}).digest() != Design().digest()
    told = design_from({"attack": {"method": "gradient", "answers": "scores", "placing": 0}})
    assert told.digest() == Design().digest()
    with pytest.raises(UserError, match="queries"):
        design_from({"attack": {"queries": 5}})


@pytest.mark.parametrize("name", black_box.MOVED)
def test_a_row_of_shapes_that_the_search_lays(name: str) -> None:
    (row,) = black_box.rows([name], Budget(150, held_out=5, checks=1), 5, 0)
    assert 3 < row.area_pct <= black_box.AREA_PCT + 0.1
    assert 100 < row.result.queries <= 150
    assert "random place" in row.result.report.controls
