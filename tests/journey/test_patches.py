"""The designs kept in patches/ are what their cards say, and still succeed when judged anew."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from physadv.core import load_rgba
from physadv.design import build_problem, build_victim
from physadv.judge import judge
from physadv.output import patch_picture, read_folder
from physadv.output.card import tensor_digest
from tests.shared_data import ROOT

FOLDERS = sorted(path.parent for path in (ROOT / "patches").glob("*/design.toml"))


def card(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "card.json").read_text()))


def test_there_is_one() -> None:
    assert FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_its_files_belong_together(folder: Path) -> None:
    design, theta = read_folder(folder)
    victim = build_victim(design)
    assert card(folder)["theta"] == tensor_digest(theta)
    assert card(folder)["victim"]["digest"] == victim.digest()
    assert card(folder)["design"]["digest"] == design.digest()
    drawn = patch_picture(build_problem(design, victim).patch, theta)
    kept = torch.cat(load_rgba(folder / "patch.png"), dim=1)
    torch.testing.assert_close(drawn, kept, atol=1e-6, rtol=0)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_succeeds_and_its_controls_do_not(folder: Path) -> None:
    design, theta = read_folder(folder)
    report = judge(build_problem(design, build_victim(design)), theta, seed=11, n=60)
    claimed = card(folder)["measured"]["success"]
    assert report.success.high >= claimed["low"]
    assert report.success.share >= 0.9
    assert max(rate.share for rate in report.controls.values()) <= 0.05
