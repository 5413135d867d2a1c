"""`physadv explain`, from images to a page, and what it says to what it cannot take."""

import json
from pathlib import Path

import pytest
import torch

from physadv.core import generator, save_image
from physadv.victims import load_victim
from tests.journey.commands import done, physadv, refused
from tests.shared_data import ROOT

CELLS = f"{ROOT / 'tests' / 'victims.py'}:cell_detector"


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
