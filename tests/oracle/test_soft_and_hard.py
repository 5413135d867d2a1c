"""What the search sees succeed, the judge sees succeed: the two ways to develop, side by side."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
import torch

from physadv.core import generator
from physadv.design import build_problem, build_victim
from physadv.output import read_folder
from physadv.problem import Problem

KEPT = Path(__file__).parents[2] / "patches" / "stop-as-speed-limit-80"
PRESETS = ("lab", "street")
N = 150
POINTS = 2.0


@lru_cache
def problem(preset: str) -> tuple[Problem, torch.Tensor]:
    design, theta = read_folder(KEPT)
    design = design.changed("world", preset=preset)
    return build_problem(design, build_victim(design)), theta


def given(preset: str) -> dict[str, torch.Tensor]:
    return problem(preset)[0].draw(N, generator(5))


@lru_cache
def judged() -> int:
    """Return how many photos the judge sees succeed, over lab and street."""
    hits = [trial.judge(theta, given(p)).success for p in PRESETS for trial, theta in [problem(p)]]
    return int(torch.cat(hits).sum())


def searched(search_px: int) -> int:
    """Return how many of the same photos the search sees succeed, in windows of `search_px`."""
    hits = []
    for preset in PRESETS:
        trial, theta = problem(preset)
        seen = replace(trial, world=replace(trial.world, search_px=search_px))
        with torch.no_grad():
            hits.append(seen.evaluate(theta, given(preset)).success)
    return int(torch.cat(hits).sum())


@pytest.mark.parametrize("search_px", [0, 1024])
def test_success_differs_by_at_most_two_points(search_px: int) -> None:
    points = 100 * abs(judged() - searched(search_px)) / (N * len(PRESETS))
    assert points <= POINTS
