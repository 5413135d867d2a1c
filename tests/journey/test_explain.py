"""`physadv explain`, from images to a page, and what it says to what it cannot take."""

import json
from pathlib import Path

import pytest
import torch

from physadv.core import generator, save_image
from physadv.victims import load_victim
from tests.journey.commands import done, label_file, physadv, refused, torchscript
from tests.shared_data import ROOT

CELLS = f"{ROOT / 'tests' / 'victims.py'}:cell_detector"
SMALL = f"{ROOT / 'tests' / 'victims.py'}:small_victim"


@pytest.fixture
def photos(here: Path) -> Path:
    (here / "photos").mkdir()
    rng = generator(0)
    for number in range(4):
        image = torch.rand(1, 3, 48, 48, generator=rng)
        save_image(here / "photos" / f"{number}.png", image)
    return here / "photos"


def test_a_page_and_its_figures(photos: Path) -> None:
    said = done("explain", "--images", photos, "--most", 3).stdout
    assert "images read correctly        3 of 3" in said
    facts = json.loads(Path("physadv-explain/explain.json").read_text(encoding="utf-8"))
    assert facts["images"] == {"given": 3, "read correctly": 3}
    assert facts["dimensions"]["values"][-1] == 3 * 48 * 48
    first = facts["linearity"]["fall by that foreseen, quartiles"][0]
    assert 0.8 < first[1] < 1.2  # 1/1024 is small enough for any smooth network
    page = Path("physadv-explain/explain.html").read_text(encoding="utf-8")
    assert page.count("<svg ") == 5
    assert "mathdefault" not in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_labels_say_what_is_read_correctly(photos: Path) -> None:
    label = load_victim("bundled").labels[14]
    line = refused(physadv("explain", "--images", photos, "--truth", label))
    assert "images: expected an image that is read as its label, got 4 that are not" in line
    assert not Path("physadv-explain").exists()


def test_what_it_refuses(photos: Path) -> None:
    line = refused(physadv("explain", "--images", photos, "--victim", CELLS, "--truth", "red"))
    assert "victim: expected a classifier, got cells, a detector" in line
    Path("physadv-explain").mkdir()
    Path("physadv-explain/explain.json").write_text("{}", encoding="utf-8")
    line = refused(physadv("explain", "--images", photos))
    assert "which holds one (explain.json)" in line
    line = refused(physadv("explain", "--images", "nowhere", "--out", "new"))
    assert "images: expected a folder, an image or a .csv, got nowhere" in line


def test_which_victims_share_errors(photos: Path) -> None:
    """The same network under two names: what was made on one does the same to the other."""
    first, twin = (torchscript(photos.parent / f"{name}.pt") for name in ("first", "twin"))
    names = label_file(photos.parent / "names.txt")
    known = ("--images", photos, "--victim", first, "--labels", names, "--size-px", 16)
    said = done("explain", *known, "--other", twin, "--eps", "16/255").stdout
    assert "made on / misread by" in said
    facts = json.loads(Path("physadv-explain/explain.json").read_text(encoding="utf-8"))["transfer"]
    assert facts["eps"] == 16 / 255
    assert facts["read by"] == ["first.pt", "twin.pt"]
    rows = facts["misread, by what they were made on"]
    assert list(rows) == ["first.pt", "twin.pt", "random signs"]
    assert rows["first.pt"] == rows["twin.pt"]
    assert rows["first.pt"][0] == rows["first.pt"][1]
    assert rows["first.pt"][0][:2] == [4, 4]
    page = Path("physadv-explain/explain.html").read_text(encoding="utf-8")
    assert page.count('<td class="own" style="--share: 1.000">100.0 %<span>4/4, ') == 2
    assert "4/4, 51.0-100.0" in page
    assert "Most carries over from first.pt to twin.pt: 100.0 % (4/4, 51.0-100.0) are" in page


def test_other_victims_that_it_refuses(photos: Path) -> None:
    explain = ("explain", "--images", photos)
    line = refused(physadv(*explain, "--other", SMALL))
    assert (
        "others: expected the 43 labels of bundled, in their order, got small with others" in line
    )
    line = refused(physadv(*explain, "--other", CELLS))
    assert "others: expected a classifier, got cells, a detector" in line
    script = torchscript(photos.parent / "three.pt", size_px=48)
    line = refused(physadv(*explain, "--other", script))
    assert "other: expected" in line
    assert "43" in line
    line = refused(physadv(*explain, "--other", "nothing"))
    assert "other: expected " in line
    assert "got 'nothing'" in line
    Path("sub").mkdir()
    line = refused(physadv(*explain, "--other", "sub"))
    assert "other: expected a folder or file made by physadv train substitute" in line
    line = refused(physadv(*explain, "--eps", "4/255"))
    assert "eps: expected --other beside it, a victim to compare with, got none" in line
    line = refused(physadv(*explain, "--other", "bundled", "--eps", "2"))
    assert "eps: expected a number above 0, up to 1, got 2" in line
    assert not Path("physadv-explain").exists()


def test_a_black_box_is_refused_before_it_is_asked(photos: Path) -> None:
    remote = ("--victim", "http://127.0.0.1:9", "--size-px", 16)
    names = label_file(photos.parent / "names.txt")
    line = refused(physadv("explain", "--images", photos, *remote, "--labels", names))
    assert "victim: expected a classifier with gradients, got" in line
