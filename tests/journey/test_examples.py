"""The examples run, in seconds with --quick, and are as short as they should be."""

import runpy
from pathlib import Path

import pytest

from physadv.output.folder import FILES
from tests.shared_data import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(
    number: int, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch, *words: str
) -> str:
    """Run an example as a script; return what it prints."""
    path = EXAMPLES[number - 1]
    patch.setattr("sys.argv", [str(path), "--quick", *words])
    runpy.run_path(str(path), run_name="__main__")
    return capsys.readouterr().out


def test_they_are_numbered_and_short() -> None:
    assert [path.name[:3] for path in EXAMPLES] == [f"{k:02d}_" for k in range(1, 5)]
    lengths = {path.name: len(path.read_text().splitlines()) for path in EXAMPLES}
    assert max(lengths.values()) < 60, lengths


def test_generate(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(1, capsys, monkeypatch, "out")
    assert {path.name for path in (here / "out").iterdir()} == set(FILES)
    assert "step 5: success" in said
    assert "Stop read as Speed limit (80km/h): " in said
    assert said.count("  control ") == 5


def test_your_own_victim(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(2, capsys, monkeypatch)
    assert "/20, " in said.split("stickers: ")[1]
    assert "judged again: " in said


def test_judge_under_street(
    result: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(3, capsys, monkeypatch, str(result))
    assert "in the street: " in said
    assert said.count("/1 ") == 3 * 4


def test_inside_an_art_workflow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(4, capsys, monkeypatch)
    assert said.count("accuracy at eps ") == 3
    assert "one sticker for all: " in said
    assert "through a street camera: " in said
