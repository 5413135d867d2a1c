"""The designs kept in patches/ are what their cards say, and still succeed when judged anew."""

import shlex
from pathlib import Path

import pytest

from physadv.cli.made_by import made_by
from physadv.design import Design
from physadv.output import Kept, read_kept, shelf_folder, shelved
from tests.journey.commands import done, physadv
from tests.shared_data import ROOT

SHELF = shelved(shelf_folder())
EACH = pytest.mark.parametrize("name", SHELF)
DETECTOR = "benchmarks/coco.py:fast"
ABLE = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.data)
        if read_kept(place).design.victim.spec == DETECTOR
        else name
        for name, place in SHELF.items()
    ],
)
"""Those whose victim is here."""


def kept(name: str) -> Kept:
    return read_kept(SHELF[name])


def test_they_are_those_of_the_checkout() -> None:
    assert shelf_folder() == ROOT / "patches"
    assert "stop-as-speed-limit-80" in SHELF


@ABLE
def test_its_card_agrees_with_what_is_found_now(name: str) -> None:
    said = done("patches", "verify", name, "--n", 20).stdout
    assert "does not" not in said
    assert "drawn by theta" in said


@EACH
def test_its_controls_and_the_bare_sign_do_not_succeed(name: str) -> None:
    """Or, of light and against detectors, much less often than it does, and a doubt says so."""
    found = kept(name)
    measured, told = found.card["measured"], " ".join(found.card["doubts"])
    assert measured["success"]["n"] >= 300
    others = {"bare sign": measured["clean"], **measured["controls"]}
    assert len(others) >= (5 if found.design.printed else 3)
    over = [one for one, rate in others.items() if rate["share"] > 0.05]
    assert [one for one in over if f"control '{one}' succeeds" not in told] == []
    assert not (found.design.printed and found.design.victim.spec != DETECTOR and over)
    assert measured["success"]["low"] > max(rate["high"] for rate in others.values())


@EACH
def test_the_command_that_is_said_asks_for_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Design] = []
    monkeypatch.setattr("physadv.cli.generate.run", lambda design, *_: asked.append(design))
    program, *arguments = shlex.split(made_by(kept(name).design, SHELF[name]))
    assert program == "physadv"
    done(*arguments)
    assert [design.unplaced() for design in asked] == [kept(name).design.unplaced()]


@EACH
def test_it_keeps_small(name: str) -> None:
    sizes = {path.name: path.stat().st_size for path in SHELF[name].iterdir()}
    assert {"card.json", "design.toml", "patch.png", "preview.png", "theta.safetensors"} == {*sizes}
    assert sum(sizes.values()) < 1_200_000


def test_the_table_of_the_readme_is_up_to_date(tmp_path: Path) -> None:
    page, copy = ROOT / "patches" / "README.md", tmp_path / "README.md"
    copy.write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    assert physadv("patches", "list", "--readme", copy).exit_code == 0
    again = "run physadv patches list --readme patches/README.md"
    assert copy.read_text(encoding="utf-8") == page.read_text(encoding="utf-8"), again
    assert all(f"[{name}]({name})" in copy.read_text(encoding="utf-8") for name in SHELF)
