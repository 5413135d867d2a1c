"""The benchmark runs, prints its tables and saves figures that agree with what was timed."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks import memory, rows
from benchmarks.cases import TINY, Case, network, pictures
from benchmarks.rounds import WARM_UPS, differences, measure, quartiles, ratios
from benchmarks.steps import JPEG, Step, effects, problem, resting
from physadv.core import generator
from tests.shared_data import ROOT

HELD_MIB = 96


def benchmark(*words: object, name: str = "world") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("results")
    done = benchmark("--rounds", 1, "--quick", "--save", "--results", folder)
    assert done.returncode == 0, done.stderr
    assert "street, forward alone: " in done.stdout
    (path,) = folder.glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_file_names_the_machine_and_the_versions(figures: dict[str, Any]) -> None:
    assert figures["machine"]["processor"]
    assert figures["machine"]["cores"] == os.cpu_count()
    assert figures["versions"]["torch"] == torch.__version__.split("+")[0]
    assert figures["rounds"] == 1


def test_ratios_of_one_round_are_those_of_its_times(figures: dict[str, Any]) -> None:
    (case,) = figures["cases"]
    taken = {row: value for row, (value,) in case["milliseconds"].items()}
    assert {"network", "street", "kornia"} <= set(case["rows"])
    assert {"ART"} <= set(case["rows"]) | set(case["absent"])
    for row, found in case["rows"].items():
        assert found["ms"] == [taken[row]] * 3
        assert found["ratio"] == pytest.approx([taken[row] / taken["network"]] * 3)
    share = taken["street forward"] / taken["network forward"]
    assert case["forward_share"] == pytest.approx([share] * 3)


def test_costs_of_effects_are_what_leaving_them_out_saves(figures: dict[str, Any]) -> None:
    (case,) = figures["cases"]
    found = case["effects"]
    taken = {name: value for name, (value,) in found["milliseconds"].items()}
    for name, cost in found["cost_ms"].items():
        assert cost == pytest.approx([taken["whole"] - taken[name]] * 3)
    assert set(found["share_pct"]) == set(found["cost_ms"])


def test_an_unknown_world_is_refused() -> None:
    done = benchmark("--quick", "--world", "streat")
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("benchmarks.world: world: expected one of ")
    assert line.endswith("got 'streat'; did you mean 'street'?")


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("black_box", ("--method", "cma"), "method: expected one of "),
        ("rp2", ("data", "--part", "rectangle"), "part: expected one of rectangles, "),
    ],
)
def test_what_is_wrong_is_told_in_a_line(name: str, words: tuple[str, ...], told: str) -> None:
    done = benchmark(*words, name=name)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"benchmarks.{name}: {told}")


def test_an_effect_off_is_the_whole_at_its_neutral_in_the_same_conditions() -> None:
    built = network(TINY)
    ours = problem("street", TINY, built)
    theta = ours.patch.start(generator(0)).requires_grad_()
    given = ours.draw(TINY.batch, generator(3)) | {"camera.exposure.gain_ev": torch.zeros(2)}
    ink = ours.patch.touch(theta, ours.world.ink_px(ours.victim.size_px))
    photo = ours.world.photograph(ink, given, ours.victim.size_px)
    expected = torch.autograd.grad(photo.pixels, theta, pictures(TINY))
    found = effects("street", TINY, built)["camera.exposure"](3)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_optional_effects_can_be_switched_off_and_structure_cannot() -> None:
    names = {name for name, _ in resting(problem("street", TINY, network(TINY)).world)}
    assert {"camera.exposure", "camera.defocus", "camera.noise", "scene.light", JPEG} <= names
    assert names.isdisjoint({"scene.pose", "camera.framing", "camera.tone", "scene.background"})


def test_every_step_runs_once_a_round_with_its_number() -> None:
    calls: dict[str, list[int]] = {"a": [], "b": []}
    times = measure({"a": calls["a"].append, "b": calls["b"].append}, 4, device="cpu")
    assert calls["a"] == calls["b"] == [*range(WARM_UPS), *range(WARM_UPS, WARM_UPS + 4)]
    assert [len(taken) for taken in times.values()] == [4, 4]


def test_figures_are_taken_round_by_round() -> None:
    times = {"a": [2.0, 9.0], "b": [1.0, 3.0]}
    assert ratios(times, "a", "b") == [2.0, 3.0]
    assert differences(times, "a", "b") == [1.0, 6.0]
    assert quartiles([5.0, 1.0, 4.0, 2.0, 3.0]) == (2.0, 3.0, 4.0)


def test_a_row_that_cannot_run_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def build(_case: Case, _network: nn.Module) -> Step:
        raise ImportError("No module named 'art'")

    monkeypatch.setitem(rows.PEERS, "ART", build)
    steps, absent = rows.prepared(TINY, network(TINY), ["network", "ART"])
    assert list(steps) == ["network"]
    assert absent == {"ART": "ImportError: No module named 'art'"}


HOLDS = f"""
import numpy as np
from benchmarks import memory
from benchmarks.cases import TINY

def build(_case, _network):
    np.ones(2 * {HELD_MIB} * 2**17)  # twice as much while building: not the step's
    return lambda _: np.ones({HELD_MIB} * 2**17).sum()

memory.builder = lambda _row: build
print(memory._measured(TINY, "any")["step"])
"""


@pytest.mark.skipif(not os.access(memory.RESET, os.W_OK), reason="the system keeps no peak")
def test_peak_memory_is_what_a_step_held() -> None:
    """In a process of its own, since other tests may have told this one to keep memory."""
    command = [sys.executable, "-c", HOLDS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[-1]) == pytest.approx(HELD_MIB, abs=8)
