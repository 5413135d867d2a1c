"""The table of detectors on toys: every part runs, and its figures are those of what was judged."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import detectors as bench
from physadv.core import Encoded, UserError, save_image
from physadv.victims import Detector, Prepare
from tests.victims import CellNetwork, cells

CLASSES = ("stop sign", "green", "blue")
SIGNS, STREETS, STEPS = 5, 4, 12


def toy(_folder: Path, name: str) -> Detector:
    """Return a detector of red cells of 8 px."""
    return Detector(CellNetwork(), CLASSES, Prepare((32, 48)), cells, name=name)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write photos with a red sign of one cell each, but one with none, and grey ones without."""
    photos = tmp_path / "photos"
    (photos / "backgrounds").mkdir(parents=True)
    rows = ["file,class,xmin,ymin,xmax,ymax,scene"]
    for k in range(SIGNS):
        image = torch.full((1, 3, 32, 48), 0.2 + 0.02 * k)
        image[:, 0, 8:16, 16:24] = 0.9 if k else 0.2
        save_image(photos / f"{k}.png", Encoded(image))
        rows.append(f"{k}.png,stop,16,8,24,16,{max(k, 1)}")
    for k in range(STREETS):
        save_image(photos / "backgrounds" / f"{k}.png", Encoded(torch.full((1, 3, 32, 48), 0.3)))
    (photos / "boxes.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def run(data: Path, **changes: Any) -> dict[str, Any]:
    """Run the benchmark and return each part's saved figures."""
    options: dict[str, Any] = {"part": None, "steps": STEPS, "batch": 4, "folds": 2, "zooms": 0}
    options |= {"seed": 0, "save": True, "results": data / "results", "patches": data / "made"}
    bench.main(data, **(options | changes))
    files = {path.parent.name: path for path in (data / "results").rglob("*.json")}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in files.items()}


def test_every_part_runs_and_its_figures_hold_together(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "detectors", toy)
    found = run(data)
    assert set(found) == set(bench.PARTS)
    for name, part in found.items():
        photos = STREETS if name == "appear" else SIGNS
        shown = photos - (name in {"vanish", "ensemble"})  # one sign is gone without a patch
        assert len(part["patches"]) == len(list((data / "made" / name).glob("*.png"))) == 2
        for row in part["rows"]:
            assert (row["photos"], row["patch"]["n"]) == (photos, shown)
            for control, rate in row["controls"].items():
                pair = row["against"][control]
                assert pair["only"] - pair["other"] == row["patch"]["hits"] - rate["hits"]
    assert found["vanish"]["area_pct"] == pytest.approx(19.36)
    assert found["vanish"]["area_pct"] <= 20


def test_the_seed_makes_the_patches(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "detectors", toy)
    first, again = (run(data, part=["vanish"])["vanish"]["patches"] for _ in range(2))
    other = run(data, part=["vanish"], seed=1)["vanish"]["patches"]
    assert first == again
    assert first != other


def test_what_cannot_be_done_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "detectors", toy)
    for changes, says in (
        ({"part": ["vanishh"]}, "part: expected one of"),
        ({"part": ["vanish"], "folds": 9}, "folds: expected at most one a group (4), got 9"),
    ):
        with pytest.raises(UserError) as error:
            run(data, **changes)
        assert str(error.value).startswith(says)
