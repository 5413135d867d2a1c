"""Benchmarks of stickers near the sign, run small: each is noted once, and a run goes on."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from benchmarks import layouts, near, show, targets

QUICK = ("--layouts", "middle", "--steps", "2", "--n", "20")
BOTH = ("--layouts", "search,learnt")


def ran(command: object, *arguments: object) -> Result:
    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var]  # a function, as typer.run takes it
    found = CliRunner().invoke(app, [str(one) for one in arguments])
    assert found.exit_code == 0, found.output
    return found


def test_what_is_noted_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show.console, "_width", 160)
    file = tmp_path / "noted.json"
    ran(layouts.main, file, *QUICK)
    ((name, row),) = json.loads(file.read_text()).items()
    assert name.startswith("middle, ")
    assert row["class"] == "Speed limit (80km/h)"
    assert row["success"][1] == 20
    assert 0 < row["area_pct"] <= 12.05
    monkeypatch.setattr(near, "_found", None)  # nothing is left to be found
    ran(layouts.main, file, *QUICK)
    other = row | {"success": [20, 20], "controls_pct": {"blank": 5.5}}
    found = {"5 at 12, search": row | {"controls_pct": {"blank": 5.0}}, "5 at 12, learnt": other}
    (tmp_path / "targets.json").write_text(json.dumps(found))
    with show.console.capture() as said:
        ran(targets.main, tmp_path / "targets.json", "--targets", "5", "--areas", "12", *BOTH)
    mean = f"1 targets: mean {100 * row['success'][0] / 20:.1f} %"
    for kind in ("search", "the better"):
        assert f"12 %, {kind}: {mean}" in said.get()
    assert "12 %, learnt: 1 targets: mean 100.0 %" in said.get()
    assert "largest control 5.5 %, above 5 % for 1" in said.get()
