"""The examples run, in seconds with --quick, and are as short as they should be."""

import re
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
    assert [path.name[:3] for path in EXAMPLES] == [f"{k:02d}_" for k in range(1, 9)]
    lengths = {path.name: len(path.read_text().splitlines()) for path in EXAMPLES}
    assert max(lengths.values()) < 90, lengths


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


def test_your_own_timm_model(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(5, capsys, monkeypatch)
    assert "3 classes, 64x64 px>, mean (0.5, 0.5, 0.5)" in said
    assert "/20, " in said.split("with stickers read as no_entry: ")[1]
    assert said.count("  control ") == 5


def test_a_remote_black_box(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that is misread is found, within the budget, and its answers are kept."""
    said = run(6, capsys, monkeypatch)
    assert "misread: 100.0 % (2/2, " in said
    sent = int(said.split("; ")[1].split(" images sent")[0])
    assert 2 < sent <= 1000
    assert len(list((here / "example-answers").iterdir())) == sent
    assert said.strip().endswith("], 0 images sent")


def test_a_detector(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a detector of mean colours the patch's own pixels, shuffled, hide the sign as well."""
    said = run(7, capsys, monkeypatch)
    hidden = said.split("hidden: ")[1].split(", the bare sign")[0]
    assert not hidden.startswith("0.0 %")
    assert "the bare sign: 0.0 % (0/4, " in said
    assert f"control shuffled: {hidden}" in said
    assert "fresh photographs: nothing found in " in said


def test_a_cloak_from_two_matchers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both miss what is printed, for whole bytes; another run finds the same."""
    pytest.importorskip("imagehash", reason="the example's second matcher: physadv[imagehash]")
    said = run(8, capsys, monkeypatch)
    read = re.search(r"Stop is read as (.+)", said)
    assert read is not None
    assert read[1] != "Stop"
    far = re.search(r"hash distance (\d+), 10 or more is missed; (\d+) images sent", said)
    assert far is not None
    assert int(far[1]) >= 10
    assert int(far[2]) <= 500
    size = re.search(r"SSIM (\S+), changed by (\S+) ", said)
    assert size is not None
    assert float(size[1]) > 0.4
    assert float(size[2]) < 15, "the negative is first missed at 16.6"
    assert run(8, capsys, monkeypatch) == said
