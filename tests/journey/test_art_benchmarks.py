"""The benchmarks inside ART run, small, and their tables agree with what was judged."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import art, art_detector, show
from benchmarks.art_detector import Signs
from physadv.core import wilson
from physadv.victims.bundled import bundled
from tests.shared_data import DATA, ROOT, needs_data
from tests.victims import cell_detector

SIZE = (64, 64)
CONTROLS = ("blank", "mean colour", "random noise", "shuffled", "spectrum-matched")


def red_signs(_folder: Path, _size_px: tuple[int, int]) -> Signs:
    """Return grey photos of four scenes, a red cell in each, and one where there is nothing."""
    x = np.full((9, 3, *SIZE), 0.3, dtype=np.float32)
    boxes = np.array([[8 * (k % 8), 16, 8 * (k % 8) + 8, 24] for k in range(9)], dtype=np.float32)
    for image, (left, top, right, bottom) in zip(x[:8], boxes[:8].astype(int), strict=True):
        image[0, top:bottom, left:right] = 0.8
    return Signs(x, boxes, torch.arange(9) // 2)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what the detector's benchmark prints of a toy that sees red cells."""

    def named(_folder: Path, _name: str) -> Any:
        toy = cell_detector(SIZE)
        toy.labels = ("stop sign", "green", "blue")
        return toy

    monkeypatch.setattr(art_detector, "detectors", named)
    monkeypatch.setattr(art_detector, "signs", red_signs)
    monkeypatch.setattr(show.console, "width", 160)
    with show.console.capture() as taken:
        art_detector.main(Path(), detector="toy", steps=10)
    return taken.get()


def row(said: str, name: str, number: int = 0) -> list[str]:
    """Return the cells of the table's row of that name; `number` counts rows of one name."""
    lines = [line for line in said.splitlines() if line.startswith(f"│ {name} ")]
    return [cell.strip() for cell in lines[number].strip("│").split("│")][1:]


def counts(cell: str) -> list[int]:
    """Return the first two whole numbers of "50.0 % (2/4, …" or of "3 : 0, p = …"."""
    found = re.search(r"(\d+)/(\d+)", cell) or re.search(r"(\d+) : (\d+)", cell)
    assert found, cell
    return [int(found[1]), int(found[2])]


def test_the_detectors_report_pairs_the_sticker_with_each_control(said: str) -> None:
    """Scenes 0 and 2 are searched, 1 and 3 judged, two photos each; the empty one is left out."""
    assert "the bare sign is reported in 8 of 9 photos" in said
    own, scenes = row(said, "the sticker")
    assert (counts(own)[1], scenes) == (4, "2")
    for name in CONTROLS:
        rate, of = row(said, f"control: {name}")
        photos, by_scene = row(said, f"control: {name}", 1)
        only_own, only_other = counts(photos)
        assert (counts(rate)[1], of) == (4, "2")
        assert only_own - only_other == counts(own)[0] - counts(rate)[0]
        assert sum(counts(by_scene)) <= 2


@needs_data
def test_the_benchmark_of_a_real_detector_runs() -> None:
    words = ["-m", "benchmarks.art_detector", str(DATA), "--steps", "1", "--photos", "8"]
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"the bare sign is reported in [5-8] of 8 photos", done.stdout)
    assert done.stdout.count("control: shuffled") == 2


def test_the_patches_benchmark_judges_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grey square's rate is that of the photographs, covered by hand."""
    monkeypatch.setattr(show.console, "width", 160)
    with show.console.capture() as taken:
        art.main(seconds=0.1, photos=2, rounds=1)
    said = taken.get()
    victim = bundled()
    grey = art.judged(victim, np.full((3, 19, 19), 0.5, dtype=np.float32), 8)
    assert row(said, "grey square")[-1] == str(wilson(int(grey.sum()), 8))
    for name in ("physadv UniversalPatch", "ART AdversarialPatchPyTorch"):
        ms, steps, _, rate = row(said, name)
        assert float(ms) > 0
        assert int(steps) >= 1
        assert counts(rate)[1] == 8
    for name in ("physadv PGD", "ART PGD"):
        assert counts(row(said, name)[1])[1] == 2
