"""The tables of RP2: their rows are what the published figures say; rectangles stay on the sign."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import typer
from safetensors.torch import load_file
from typer.testing import CliRunner

from benchmarks import rp2, rp2_street
from benchmarks.rp2_boxes import Boxes, learn
from physadv.core import generator
from physadv.objectives import targeted
from physadv.patch import Limits, check_mask
from physadv.presets import world
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from tests.shared_data import DATA, needs_data
from tests.victims import small_victim


@needs_data
def test_rows_of_the_published_rectangles() -> None:
    known = rp2.signs(DATA)
    noise = load_file(DATA / "rp2" / "published" / "noise.safetensors")["rectangles_epoch_350"]
    rows = rp2.masks(known, "rectangles")["raw mask"]
    entropy, total, success, most, missed = rp2.row(known, rows, noise[None])
    assert (entropy, total) == ("0.63278", "0.79035")
    assert success.startswith("90.0 % (36/40")
    assert missed == "9 20 21 40"
    assert most == "at most 0/40"


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    for main in (rp2.main, rp2_street.main):
        app = typer.Typer()
        app.command()(main)
        done = CliRunner().invoke(app, [str(tmp_path), "--part", "rectangle"])
        assert done.exit_code == 2
        assert "did you mean 'rectangles'" in " ".join(done.output.split())


@pytest.mark.parametrize("seed", range(5))
def test_rectangles_stay_inside_the_rim(seed: int) -> None:
    boxes, rng = Boxes(sign("us_stop").size_mm, 6, 50.0), generator(seed)
    theta = boxes.project(3 * torch.randn(boxes.shape, generator=rng))
    assert torch.allclose(boxes.project(theta), theta, atol=1e-6)
    face = StreetScene(sign("us_stop")).face()
    limits = Limits(area_pct=100, pieces=6, min_mm=50, allow_legend=True)
    assert check_mask(boxes.mask(theta), face, limits).outside_pct < 0.5


def test_excess_of_two_rectangles_by_hand() -> None:
    boxes = Boxes((1000.0, 1000.0), 2, 50.0)
    theta = torch.zeros(boxes.shape)
    theta[:8] = torch.tensor([0.2, 0.2, 0.2, 0.1, 0.3, 0.2, 0.2, 0.1])
    area, shared = 0.04, 0.11 * 0.11  # with a gap of 10 mm on every side
    assert float(boxes.excess(theta, 1.0)) == pytest.approx(shared, abs=1e-6)
    assert float(boxes.excess(theta, 0.03)) == pytest.approx(shared + area - 0.03, abs=1e-6)
    cover = replace(boxes, soft_mm=2.0).touch(theta, 1000).cover
    assert float(cover.mean()) == pytest.approx(0.03, rel=0.01), "0.3 x 0.1 together"


def test_learning_gives_a_mask_within_the_area() -> None:
    scene = StreetScene(sign("us_stop"))
    boxes = Boxes(sign("us_stop").size_mm, 3, 50.0)
    problem = Problem(small_victim(), targeted(1), boxes, world("lab", scene))
    mask = learn(problem, boxes, 0.05, steps=12, seed=0)
    again = learn(problem, boxes, 0.05, steps=12, seed=0)
    assert mask == again
    assert len(mask.pieces_mm) == 3
