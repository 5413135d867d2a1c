"""The benchmark of light and lens: every setting is a problem that can be judged; bad names."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from benchmarks.light import SETTINGS, problem, table
from physadv.attacks import Gradient
from physadv.core import Lighting
from physadv.evaluation import touched_pct
from physadv.patch import LensDots
from tests.shared_data import ROOT

QUICK = Gradient(steps=1, batch=2, restarts=1, held_out=2, check_every=1)


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge on coarse rasters: it is the way that is tried here, not the figures."""
    monkeypatch.setattr("physadv.problem.HARD_PX", 128)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_a_problem_that_is_judged(name: str) -> None:
    aim = problem(replace(SETTINGS[name], search=QUICK))
    found = QUICK(aim, seed=0, n=3)
    assert found.report.correct is not None
    told = table(name, aim, found)
    assert told.row_count >= 2 + len(found.report.controls)
    assert "% touched" in str(told.columns[0].header)


def test_what_is_touched_is_the_share_of_the_face_and_of_the_lens() -> None:
    aim = problem(SETTINGS["shadow"])
    half = torch.ones(1, 1, 1024, 1024)
    half[..., :512] = 0.5
    assert touched_pct(Lighting(half), aim) == pytest.approx(50, abs=0.1)
    lens = problem(SETTINGS["lens dots"])
    dot = LensDots(dots=1, alpha_max=0.5, exponent=1.0, radius_ratio=(0.05, 0.05))
    film = dot.touch(torch.tensor([[0.5, 0.5, 0.0, 1.0, 1.0, 1.0]]))
    area = 0.5 * torch.pi * 0.05**2 / 0.75  # the integral of a Gaussian, over the frame's area
    assert touched_pct(film, lens) == pytest.approx(100 * area, rel=1e-3)


def test_an_unknown_attack_is_refused_in_a_line() -> None:
    command = [sys.executable, "-m", "benchmarks.light", "moon"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].startswith("benchmarks.light: attack: expected")
