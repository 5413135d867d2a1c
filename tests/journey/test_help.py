"""`--help` of each command is worth reading, and says the defaults that hold."""

import re

import pytest

from physadv import __version__
from physadv.design import Design
from tests.journey.commands import done, physadv

COMMANDS = (
    *("", "demo", "generate", "evaluate", "sheet", "victims", "explain", "quiz"),
    *("train", "train gtsrb", "train substitute", "train gan", "train robust"),
    *("preview", "chart", "calibrate", "score", "attack", "attacks", "patches"),
    *("patches list", "patches show", "patches verify", "patches keep"),
)
DEFAULTS = {
    "area": Design().sticker.area_pct,
    "pieces": Design().sticker.pieces,
    "min-mm": Design().sticker.min_mm,
    "cell-mm": Design().sticker.cell_mm,
    "steps": Design().attack.steps,
    "batch": Design().attack.batch,
    "restarts": Design().attack.restarts,
    "judged": Design().judged,
    "seed": Design().seed,
}


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_does(command: str) -> None:
    page = done(*command.split(), "--help").stdout
    options = re.findall(r"^│ \*?\s*(--[\w-]+)\s+(.*?)│$", page, re.MULTILINE)
    assert options
    assert [name for name, rest in options if len(rest.split()) < 3] == []
    before_options = page.split("╭─")[0].split("Usage:")[1]
    assert len(before_options.split()) > 12, "say more than the command's name"


def test_the_defaults_that_are_shown_hold() -> None:
    page = done("generate", "--help").stdout
    for name, value in DEFAULTS.items():
        assert re.search(rf"--{name} .*\[default: \({value:g}\)\]", page), name


def test_the_options_of_generate_are_grouped() -> None:
    page = done("generate", "--help").stdout
    panels = [line for line in page.splitlines() if line.startswith("╭─")]
    named = [panel.strip("╭─╮ ").split(":")[0] for panel in panels]
    assert named == [
        *("Arguments", "Options", "Victim", "Goal", "World", "Stickers", "Search", "Result")
    ]


def test_no_command_shows_the_help() -> None:
    found = physadv()
    for command in ("demo", "generate", "evaluate", "sheet", "victims", "train"):
        assert re.search(rf"│ {command}\s", found.output)
    assert "never put stickers on public roads" in " ".join(found.output.split())


def test_the_version() -> None:
    assert done("--version").stdout.strip() == f"physadv {__version__}"


def test_victims_are_listed_with_what_was_measured() -> None:
    said = done("victims").stdout
    assert re.search(r"GTSRB test\s+│\s+9\d\.\d % \(\d+/\d+\)", said)
    assert " 14  Stop" in said
    assert "43 classes, 48 px" in said
    assert "file.py:function" in said
