"""`physadv score`: from a folder of photos to a page; what cannot be is said, not hidden."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from physadv.cli import score as command
from physadv.core import wilson
from physadv.scoring import STICKERS, Scored, Scorer, Source
from tests.journey.commands import done, physadv, refused
from tests.scored_photos import Shot, photograph, write
from tests.shared_data import DATA, ROOT, needs_data

KEPT = ROOT / "patches" / "stop-as-speed-limit-80"
SIZE_MM = (900.0, 900.0)
OTHER = "rocket"
NEAR = Shot(4.0, 25.0, 3.0, 2.0, at=(0.6, 0.45), gain=0.5)
FAR = Shot(9.0, -15.0, 0.0, 0.0, at=(0.4, 0.55), behind="astronaut")


@pytest.fixture
def folder(here: Path) -> Path:
    return Path(shutil.copytree(KEPT, "kept"))


@pytest.fixture
def photos(here: Path) -> Path:
    """Two photos with stickers, one of something else, one that is broken, and notes."""
    place = here / "photos"
    place.mkdir()
    with Image.open(KEPT / "preview.png") as image:
        face = np.asarray(image.convert("RGBA"))
    write(place / "near.jpg", photograph(face, SIZE_MM, NEAR))
    write(place / "far.jpg", photograph(face, SIZE_MM, FAR))
    Image.fromarray(getattr(data, OTHER)()).save(place / "other.png")
    (place / "broken.jpg").write_bytes(b"\xff\xd8 no photo")
    (place / "notes.txt").write_text("taken on a yard")
    return place


def scores(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / "score.json").read_text(encoding="utf-8"))
    return found


def test_a_folder_of_photos(folder: Path, photos: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    said = done("score", photos, folder, "--fov-deg", 60, "--each", 10).stdout
    facts = scores(folder / "score")
    rows = {row["file"]: row for row in facts["rows"]}
    assert list(rows) == ["broken.jpg", "far.jpg", "near.jpg", "other.png"]
    for name, shot in (("near.jpg", NEAR), ("far.jpg", FAR)):
        assert rows[name]["found by"] == "sign"
        assert rows[name]["shows"] == "stickers"
        assert rows[name]["field of view"] == "given"
        assert rows[name]["pose"]["distance_m"] == pytest.approx(shot.distance_m, rel=0.03)
        assert rows[name]["pose"]["yaw_deg"] == pytest.approx(shot.yaw_deg, abs=3)
        assert rows[name]["predicted"]["n"] == 10
        assert rows[name]["hit"] == (rows[name]["answer"] == "Speed limit (80km/h)")
    assert rows["other.png"]["reason"].startswith("no sign found")
    assert "expected a readable image" in rows["broken.jpg"]["reason"]
    hits = sum(row["hit"] is True for row in rows.values())
    assert facts["with stickers"]["hits"] == facts["prediction"]["hits"] == hits
    assert facts["with stickers"]["n"] == facts["prediction"]["photos"] == 2
    assert facts["card"]["n"] == 500
    assert f"with stickers: {hits}/2" in said
    assert f"open {folder / 'score' / 'score.html'}" in said
    page = (folder / "score" / "score.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 5  # three photos, two crops
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "")
    with Image.open(folder / "score" / "score.png") as plot:
        assert plot.size[0] > 1000
    assert {n: c for n, c in before.items() if (folder / n).read_bytes() != c} == {}


def test_a_table_and_another_folder(folder: Path, photos: Path) -> None:
    table = photos / "t.csv"
    table.write_text('file,corners\nother.png,"250,100 340,100 340,190 250,190"\n')
    done("score", table, folder, "--each", 10, "--out", "elsewhere")
    (row,) = scores(Path("elsewhere"))["rows"]
    assert (row["found by"], row["field of view"]) == ("corners", "assumed")
    assert row["correlation"] < 0.6  # there is no sign, and it shows
    assert row["pose"]["side_px"] == pytest.approx(90)
    assert not (folder / "score").exists()


def test_ctrl_c_keeps_what_is_done(
    folder: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(scorer: Scorer, listed: tuple[Source, ...]) -> Iterator[Scored]:
        yield Scored("near.jpg", "sign", shows=STICKERS, hit=True, predicted=wilson(9, 10))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "score_photos", stopped)
    found = physadv("score", photos, folder)
    assert found.exit_code == 130
    assert "stopped after 1 of 4 photos" in found.stderr
    facts = scores(folder / "score")
    assert (facts["photos"], facts["scored"], facts["stopped"]) == (4, 1, True)
    assert facts["with stickers"]["n"] == 1
    assert "stopped by hand" in (folder / "score" / "score.html").read_text(encoding="utf-8")


CASES = """
gone kept => photos: expected a photo, a folder of photos, or a table .csv, got gone
empty kept => photos: expected a folder with photos in it, got empty
photos gone => folder: expected a folder made by physadv generate, got gone
photos kept --fov-deg 0 => fov-deg: expected degrees, above 0 and at most 170, got 0
photos kept --out photos/notes.txt => out: expected a folder that can be written
"""


@pytest.mark.parametrize("case", CASES.strip().splitlines())
def test_what_cannot_be(folder: Path, photos: Path, case: str) -> None:
    arguments, said = case.split(" => ")
    Path("empty").mkdir()
    assert said in refused(physadv("score", *arguments.split()))


@needs_data
def test_real_photos_of_bare_signs(here: Path, folder: Path) -> None:
    """RP2's square photo and a street's: bare signs are controls, they do not count as misses."""
    Path("real").mkdir()
    shutil.copy(DATA / "rp2/victims_256/1.png", "real")
    shutil.copy(DATA / "photos/stop_sign/road052.png", "real")
    done("score", "real", folder, "--each", 10)
    facts = scores(folder / "score")
    assert [row["shows"] for row in facts["rows"]] == ["bare sign", "bare sign"]
    assert facts["with stickers"] is None
    assert facts["bare sign"]["hits"] == 0
    assert facts["bare sign read correctly"]["hits"] == 2
    assert facts["prediction"]["photos"] == 0
