"""The entry points of pyproject.toml, where this checkout is not installed or an older one is."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared_data import ROOT


@pytest.fixture
def points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put a distribution with our entry points, and one broken, on the path."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    rows = project["entry-points"]["physadv.plugins"] | {"broken": "physadv_nowhere.plugin"}
    folder = tmp_path / "site" / "physadv_here-0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: physadv-here\nVersion: 0\n")
    text = "".join(f"{name} = {value}\n" for name, value in rows.items())
    (folder / "entry_points.txt").write_text(f"[physadv.plugins]\n{text}")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield folder
