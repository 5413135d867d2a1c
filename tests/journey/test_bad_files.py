"""Wrong files: one line, exit code 2, before any work; what was there stays as it was."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from physadv.victims.bundled import SignNet
from tests.journey.commands import label_file, physadv, refused, torchscript

pytestmark = pytest.mark.usefixtures("no_work")

VICTIMS = {
    "--victim net.pt --size-px 16 --labels two.txt": [
        "labels: expected one name for each of the victim's 3 outputs, got 2 names",
    ],
    "--victim net.pt --size-px 16 --labels absent.txt": ["labels: expected a file that exists"],
    "--victim net.pt": ["size_px: expected the height and width", "got nothing", "give it"],
    "--victim net.pt --size-px 20": ["victim: expected a network that takes (1, 3, 20, 20)"],
    "--victim net.pt --size-px 0": ["--size-px: expected whole pixels, at least 1, got 0"],
    "--victim torn.safetensors": ["weights: expected a readable .safetensors", "truncated"],
    "--victim other.safetensors": ["weights: expected the names and shapes of the network"],
    "--victim text.pt --size-px 16": ["victim: expected a TorchScript file, got text.pt"],
    "--victim broken.py:load --size-px 16": ["got ZeroDivisionError", "see line 2 of broken.py"],
    "--victim broken.py:lod --size-px 16": ["victim: expected one of load, got 'lod'"],
}
PHOTOS = {
    "--corners 10,10;10,90;90,90;90,10": [
        "corners: expected points in clockwise order",
        "top left",
    ],
    "--corners 10,10;50,10;90,10;90,90": ["corners: expected a corner", "three points in a line"],
    "--corners 10,10;10,10;90,90;10,90": ["corners: ", "two in one place"],
    "--corners 10,10;90,10": ["corners: expected 4 or 8 points for stop, got 2 points"],
    "--corners 10,10;90": ["corners: expected points of two numbers, x,y, got '90'"],
    "--corners 500,500;900,500;900,900;500,900": ["corners: expected pixels of the photo"],
    "--box 90,10,10,90": ["box: expected x1 < x2 and y1 < y2, got 90,10,10,90", "swap"],
    "--box 90,10,x,90": ["box: expected x1,y1,x2,y2, got '90,10,x,90'"],
    "--box 10,10,12,12": ["box: expected at least 8 px on a side"],
    "--box 10,10,90,90 --corners 1,1": ["--box: expected either corners or a box of the sign"],
}
DESIGNS = {
    "sign = ": ["design: expected a TOML file, got d.toml"],
    "\0\1": ["design: expected a TOML file, got d.toml"],
    "[sticker]\nare_pct = 3": ["d.toml, sticker.are_pct: ", "did you mean 'area_pct'?"],
    'sign = "stopp"': ["d.toml, sign: expected one of stop,", "did you mean 'stop'?"],
    "[sticker]\npieces_mm = [[[1, 1], [2, 2]]]": ["sticker.pieces_mm", "at least three points"],
    "[sticker]\nareas_pct = [5]\npieces_mm = [[[1, 1], [2, 2], [2, 1]]]": ["sticker.areas_pct"],
    "[sticker]\npieces_mm = [[[200, 200], [700, 200], [700, 700], [200, 700]]]": [
        "mask area: expected at most 15, got ",
    ],
    'sgn = 1\n[sticker]\npieces = 2.5\narea_pct = 0\n[world]\npreset = "moon"\n[goal]\nloss = 1': [
        "d.toml: expected settings that fit, got 5 faults: ",
        "sgn: expected one of the settings name, sign, ",
        "sticker.pieces: expected a whole number, at least 1, got 2.5",
        "sticker.area_pct: expected per cent of the face, above 0 and up to 100, got 0",
        "world.preset: expected one of lab, street, ",
        "any, a world file .toml, got 'moon'",
        "goal.loss: expected 'cross_entropy' or 'margin', got 1",
    ],
}


def words(text: str) -> list[str]:
    return [word.replace(";", " ") for word in text.split()]


def refuses(folder: Path, *arguments: str) -> str:
    """Return what a refused run says; it must leave nothing but what Python caches."""
    before = set(folder.rglob("*"))
    line = refused(physadv("generate", *arguments, "--target", "5", "--out", "new"))
    new = set(folder.rglob("*")) - before
    assert {path for path in new if "__pycache__" not in str(path)} == set()
    return line


@pytest.mark.parametrize("flags", VICTIMS)
def test_victims_that_do_not_load(here: Path, flags: str) -> None:
    torchscript(here / "net.pt")
    label_file(here / "two.txt", ("Stop", "Go"))
    (here / "text.pt").write_text("not a network")
    (here / "broken.py").write_text("def load():\n    return 1 / 0\n")
    save_file({"0.weight": torch.zeros(2, 2)}, here / "other.safetensors")
    save_file(dict(SignNet().state_dict()), here / "torn.safetensors")
    whole = (here / "torn.safetensors").read_bytes()
    (here / "torn.safetensors").write_bytes(whole[: len(whole) // 2])
    line = refuses(here, *words(flags))
    assert [text for text in VICTIMS[flags] if text not in line] == []


def test_a_victim_whose_labels_do_not_name_the_sign(here: Path) -> None:
    torchscript(here / "net.pt")
    arguments = ("generate", "--victim", "net.pt", "--size-px", 16, "--out", "new")
    line = refused(physadv(*arguments))
    assert "truth: expected the class the victim should answer" in line
    assert "give --truth, or a --target" in line


@pytest.mark.parametrize("flags", PHOTOS)
def test_places_of_the_sign_that_cannot_be(here: Path, flags: str) -> None:
    Image.new("RGB", (120, 100), (90, 90, 90)).save(here / "photo.png")
    line = refuses(here, "--photo", "photo.png", *words(flags))
    assert [text for text in PHOTOS[flags] if text not in line] == []


def test_photos_that_are_none(here: Path) -> None:
    Image.new("RGB", (120, 100), (90, 90, 90)).save(here / "torn.png")
    whole = (here / "torn.png").read_bytes()
    (here / "torn.png").write_bytes(whole[: len(whole) // 2])
    (here / "folder").mkdir()
    box = ("--box", "10,10,90,90")
    assert "image: expected a readable image" in refuses(here, "--photo", "torn.png", *box)
    assert "photo: expected one photo for" in refuses(here, "--photo", "folder", *box)
    assert "photos: expected a folder with images" in refuses(here, "--photo", "folder")


@pytest.mark.parametrize("text", DESIGNS)
def test_designs_that_do_not_fit(here: Path, text: str) -> None:
    (here / "d.toml").write_text(text)
    line = refuses(here, "d.toml")
    assert [part for part in DESIGNS[text] if part not in line] == []


def test_training_does_not_replace_weights_or_card(here: Path) -> None:
    for name in ("classes.csv", "train.csv", "test.csv"):
        (here / name).touch()
    for name in ("w.safetensors", "w.json"):
        (here / name).write_text("mine")
        line = refused(physadv("train", "gtsrb", "--data", ".", "--out", "w.safetensors"))
        assert f"out: expected a file that is not there yet, got {name}" in line
        (here / name).unlink()


@pytest.mark.parametrize("folder", ["taken", "taken/inner"])
def test_a_file_in_the_way_of_the_folder(here: Path, folder: str) -> None:
    (here / "taken").write_text("mine")
    line = refused(physadv("generate", "--target", 5, "--out", folder))
    assert f"out: expected a folder that can be written, got {folder} (" in line
    assert "taken is a file" in line
    assert (here / "taken").read_text() == "mine"


def test_a_read_only_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    line = refuses(here)
    assert "out: expected a folder that can be written, got new" in line


@pytest.mark.parametrize("held", ["card.json", "design.toml", "report.html", "sheet.pdf"])
def test_a_folder_that_holds_a_result(here: Path, held: str) -> None:
    (here / "old").mkdir()
    (here / "old" / held).write_text("mine")
    line = refused(physadv("generate", "--target", 5, "--out", "old"))
    assert f"out: expected a folder without a result, got old, which holds one ({held})" in line
    assert "--force" in line
    assert (here / "old" / held).read_text() == "mine"


def test_a_folder_that_holds_a_stopped_search(here: Path) -> None:
    (here / "old").mkdir()
    (here / "old/state.safetensors").write_bytes(b"torn")
    assert "--resume to go on" in refused(physadv("generate", "--target", 5, "--out", "old"))
    line = refused(physadv("generate", "--resume", "--out", "old"))
    assert "resume: expected a readable state.safetensors" in line
    assert (here / "old/state.safetensors").read_bytes() == b"torn"


def test_a_smaller_result_that_is_there_already(here: Path) -> None:
    (here / "new/area-8").mkdir(parents=True)
    (here / "new/area-8/card.json").write_text("mine")
    line = refuses(here, "--areas", "5,8,12")
    assert "got new/area-8, which holds one" in line
