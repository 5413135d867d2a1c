"""Ctrl-C at any time: no traceback, nothing lost that was there, and the search goes on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from physadv.cli.run import Bars
from physadv.output.folder import FILES
from tests.journey.commands import QUICK, card, done, physadv, refused, timeless
from tests.shared_data import ROOT

SHORT = (*QUICK, "--steps", 5, "--target", 5)


def stop_at(monkeypatch: pytest.MonkeyPatch, event: str, call: int = 1, said: str = "") -> None:
    """Press Ctrl-C when the bars are told of an event, or of `said`, for the n-th time."""
    calls = []

    def pressed(_: Bars, *told: Any) -> None:
        calls.append(told)
        count = sum(not said or one[0] == said for one in calls)
        if count == call and (not said or told[0] == said):
            raise KeyboardInterrupt

    monkeypatch.setattr(Bars, event, pressed)


def interrupted(*arguments: object) -> str:
    """Run a command that is stopped; return what it says about that."""
    found = physadv(*arguments)
    assert found.exit_code == 130, found.output
    assert "Traceback" not in found.output
    return found.stderr


def theta(folder: Path) -> torch.Tensor:
    return load_file(folder / "theta.safetensors")["theta"]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_stopped_search_is_judged_and_goes_on(
    result: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it had never stopped: theta and card are those of the run that was not."""
    with monkeypatch.context() as patch:
        stop_at(patch, "state")
        said = interrupted("generate", "--target", 5, *QUICK, "--out", "new")
    assert "stopped by hand after 10 steps" in said
    assert "go on with: physadv generate --resume --out new" in said
    facts = card(here / "new")
    assert facts["budget"]["interrupted"] is True
    assert facts["budget"]["steps"] == 10
    assert "the search was stopped by hand at 50 % of its steps" in facts["doubts"]
    assert set(contents(here / "new")) == {*FILES, "state.safetensors"}
    line = refused(physadv("generate", "--resume", "--out", "new", "--steps", 30))
    assert "resume: expected the settings the search began with" in line
    assert "attack.steps 30 instead of 20" in line
    done("generate", "--resume", "--out", "new")
    assert torch.equal(theta(here / "new"), theta(result))
    assert timeless(card(here / "new")) == timeless(card(result))
    assert set(contents(here / "new")) == set(FILES)
    assert (here / "new/report.html").read_text().count(">20<") > 0


def test_a_stop_while_judging_keeps_the_old_result_and_the_search(
    result: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(result, "old"))
    before = contents(folder)
    with monkeypatch.context() as patch:
        stop_at(patch, "stage", said="bare sign")
        said = interrupted("generate", *SHORT, "--seed", 1, "--out", folder, "--force")
    assert "what the search found is kept in old/state.safetensors" in said
    assert "go on with: physadv generate --resume --out old" in said
    after = contents(folder)
    assert after.pop("state.safetensors")
    assert after == before
    done("generate", "--resume", "--out", folder)
    assert card(folder)["design"]["seed"] == 1
    assert card(folder)["budget"]["steps"] == 5
    assert set(contents(folder)) == set(FILES)


def test_a_stop_while_writing_keeps_the_old_result(
    result: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    folder = Path(shutil.copytree(result, "old"))
    before = contents(folder)
    monkeypatch.setattr("physadv.output.write.write_report", pressed)
    interrupted("generate", *SHORT, "--seed", 1, "--out", folder, "--force")
    after = contents(folder)
    assert after.pop("state.safetensors")
    assert after == before


def test_a_stop_while_placing_writes_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("physadv.design.stickers.place", lambda *_, tick, **__: tick("middle", 1.0))
    stop_at(monkeypatch, "layout")
    said = interrupted("generate", "--target", 5, "--out", "new")
    assert said.strip() == "physadv: stopped; nothing was found yet, nothing was written"
    assert list(here.iterdir()) == []


def test_a_signal_stops_a_process(here: Path) -> None:
    words = ["generate", "--target", 5, *QUICK, "--steps", 5000, "--out", "new", "--paper", "A3"]
    program = "from physadv.cli import app; app()"
    command = [sys.executable, "-c", program, *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        deadline = time.monotonic() + 120
        while not (here / "new/state.safetensors").exists() and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "physadv generate --resume --out new --paper A3" in errors
    assert card(here / "new")["budget"]["interrupted"] is True


def test_a_curve_stops_and_goes_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First in the smaller result, then in the main one; what is done is not done again."""
    small = here / "new/area-8"
    with monkeypatch.context() as patch:
        stop_at(patch, "state")
        said = interrupted("generate", *SHORT, "--areas", "12,8", "--out", "new")
    assert "go on with: physadv generate --resume --out new" in said
    assert card(small)["budget"]["interrupted"] is True
    assert set(contents_of_files(here / "new")) == {"state.safetensors"}
    with monkeypatch.context() as patch:
        stop_at(patch, "stage", call=2, said="sticker")
        interrupted("generate", "--resume", "--out", "new")
    assert card(small)["budget"]["interrupted"] is False
    finished = contents(small)
    done("generate", "--resume", "--out", "new")
    assert contents(small) == finished
    facts = card(here / "new")
    assert [area["allowed_pct"] for area in facts["areas"]] == [8, 12]
    assert facts["areas"][0]["success"] == card(small)["measured"]["success"]
    assert facts["areas"][1]["success"] == facts["measured"]["success"]
    assert facts["areas"][0]["area_pct"] <= 8.05 < facts["areas"][1]["area_pct"] <= 12.05
    page = (here / "new/report.html").read_text(encoding="utf-8")
    assert "Success by area" in page
    assert all(f"{area['area_pct']:.1f}&nbsp;%" in page for area in facts["areas"])
    assert set(contents_of_files(here / "new")) == set(FILES)


def contents_of_files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file()]
