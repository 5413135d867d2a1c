"""`physadv patches` on results of one's own: listed, shown, verified, and caught when changed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from physadv.cli.made_by import made_by
from physadv.cli.shelf_table import BEGIN, END
from physadv.design import design_from
from tests.journey.commands import card, done, physadv, refused


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("physadv.cli.show.console._width", 240)  # as read when it was made


@pytest.fixture
def shelf(result: Path, tmp_path: Path) -> Path:
    """Return a folder with two results that may be changed."""
    for name in ("one", "two"):
        shutil.copytree(result, tmp_path / "shelf" / name)
    return tmp_path / "shelf"


def test_a_list_says_what_the_cards_say(shelf: Path, result: Path) -> None:
    said = done("patches", "list", "--dir", shelf).stdout
    success = card(result)["measured"]["success"]
    for name in ("one", "two"):
        lines = said.splitlines()
        first = next(k for k, line in enumerate(lines) if line.startswith(f"│ {name} "))
        last = next(k for k in range(first, len(lines)) if lines[k][0] in "├└")
        told = " ".join(line.strip("│").split("│")[1].strip() for line in lines[first:last])
        assert f"{card(result)['goal']} (" in told
        assert f"{100 * success['share']:.1f} % (" in told
        assert "pixels on stop, " in told
        flags = "--layout middle --steps 20 --batch 8"
        assert f"{name}: physadv generate --judged 20 --target" in said
        assert flags in said


def test_one_result_is_a_shelf_of_one(result: Path) -> None:
    assert f"{result.name}: physadv generate" in done("patches", "list", "--dir", result).stdout


def test_a_design_is_shown_with_its_files(shelf: Path) -> None:
    said = done("patches", "show", "two", "--dir", shelf).stdout
    for path in (shelf / "two").iterdir():
        assert f"  {path.name} " in said
    assert f"look at it: {shelf / 'two' / 'report.html'}" in said
    assert "control: shuffled" in said
    assert f"physadv patches verify two --dir {shelf}" in said


def test_a_card_is_verified_to_the_last_count(shelf: Path) -> None:
    said = done("patches", "verify", "one", "--dir", shelf, "--n", 20).stdout
    measured = card(shelf / "one")["measured"]
    rates = {"success": measured["success"], "bare sign": measured["clean"]}
    rates |= {f"control: {name}": rate for name, rate in measured["controls"].items()}
    rows = {line.split("│")[1].strip(): line for line in said.splitlines() if "│" in line}
    for name, rate in rates.items():
        assert rows[name].count(f"{rate['hits']}/20 (") == 2, rows[name]
    assert "does not" not in said


def claim(folder: Path) -> None:
    """Write more success into the card than there is."""
    facts = card(folder)
    hits = facts["measured"]["success"]["hits"]
    other = {"share": 1.0, "hits": 20, "n": 20, "low": 0.84, "high": 1.0}
    none = {"share": 0.0, "hits": 0, "n": 20, "low": 0.0, "high": 0.16}
    facts["measured"]["success"] = none if hits > 10 else other
    (folder / "card.json").write_text(json.dumps(facts))


def shift(folder: Path) -> None:
    """Change one byte of theta."""
    content = bytearray((folder / "theta.safetensors").read_bytes())
    content[-2] ^= 64
    (folder / "theta.safetensors").write_bytes(content)


def move(folder: Path) -> None:
    """Say another world than the one it was judged in."""
    text = (folder / "design.toml").read_text()
    (folder / "design.toml").write_text(text.replace('preset = "lab"', 'preset = "street"'))


def widen(folder: Path) -> None:
    """Write a smaller area into the card than the stickers take."""
    facts = card(folder)
    facts["stickers"]["area_pct"] -= 5
    (folder / "card.json").write_text(json.dumps(facts))


def lose(folder: Path) -> None:
    (folder / "patch.png").unlink()


def forget(folder: Path) -> None:
    """Say another victim."""
    facts = card(folder)
    facts["victim"]["digest"] = "0" * 64
    (folder / "card.json").write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (claim, {"success"}),
        (shift, {"theta.safetensors", "theta"}),
        (move, {"design.toml", "design", "conditions"}),
        (widen, {"stickers"}),
        (lose, {"patch.png"}),
        (forget, {"victim"}),
    ],
)
def test_what_was_changed_is_told(
    shelf: Path, change: Callable[[Path], None], told: set[str]
) -> None:
    change(shelf / "two")
    n = 20 if "success" in told else 0
    found = physadv("patches", "verify", "two", "--dir", shelf, "--n", n)
    assert found.exit_code == 1, found.output
    wrong = {
        line.split("│")[1].strip() for line in found.stdout.splitlines() if "not agree │" in line
    }
    assert told <= wrong
    assert "1 of 1 do not agree with their cards" in found.stdout


def test_all_are_verified_though_one_is_wrong(shelf: Path) -> None:
    widen(shelf / "one")
    found = physadv("patches", "verify", "--all", "--dir", shelf, "--n", 0)
    assert found.exit_code == 1
    assert "two: all" in found.stdout
    assert "1 of 2 do not agree with their cards" in found.stdout
    done("patches", "verify", "two", "--dir", shelf, "--n", 0)


def test_one_whose_victim_is_not_here_is_passed_over(shelf: Path) -> None:
    file = shelf / "one" / "design.toml"
    file.write_text(file.read_text().replace('spec = "bundled"', 'spec = "gone.py:net"'))
    said = done("patches", "verify", "--all", "--dir", shelf, "--n", 0).stdout
    assert "one: not verified, victim: expected a file that exists, got gone.py" in said
    assert "two: all" in said
    line = refused(physadv("patches", "verify", "one", "--dir", shelf, "--n", 0))
    assert "victim: expected a file that exists" in line


def test_files_that_may_be_left_out(shelf: Path) -> None:
    for name in ("sign.png", "report.html", "sheet.pdf", "sheet.svg"):
        (shelf / "one" / name).unlink()
    said = done("patches", "verify", "one", "--dir", shelf, "--n", 0).stdout
    assert "left out of the folder" in said


def test_a_page_is_given_the_table(shelf: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Mine\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    for _ in range(2):
        done("patches", "list", "--dir", shelf, "--readme", page)
        text = page.read_text()
        assert text.startswith(f"# Mine\n\n{BEGIN}\n| name | kind |")
        assert text.endswith(f"|\n{END}\n\nafter\n")
        assert text.count("[two](two)") == 1
        assert "old" not in text


def test_what_is_kept_can_be_verified_and_shown(result: Path, tmp_path: Path) -> None:
    done("patches", "keep", result, "--dir", tmp_path / "mine", "--name", "first")
    kept = {path.name for path in (tmp_path / "mine" / "first").iterdir()}
    assert kept == {"card.json", "design.toml", "patch.png", "preview.png", "theta.safetensors"}
    assert card(tmp_path / "mine" / "first") == card(result)
    done("patches", "verify", "first", "--dir", tmp_path / "mine", "--n", 0)
    assert "preview.png" in done("patches", "show", "first", "--dir", tmp_path / "mine").stdout
    again = physadv("patches", "keep", result, "--dir", tmp_path / "mine", "--name", "first")
    assert "name: expected one that is not taken" in refused(again)
    kept_again = physadv("patches", "keep", tmp_path / "mine" / "first", "--dir", tmp_path / "x")
    assert "without sign.png" in refused(kept_again)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "too"), "expected one of one, two, got 'too'; did you mean 'two'?"),
        (("verify", "three"), "expected one of one, two"),
        (("verify",), "name: expected the name of a design, or --all, got neither"),
        (("verify", "one", "--all"), "got both"),
        (("list", "--readme", "nowhere.md"), "nowhere.md, which is no file"),
    ],
)
def test_what_is_not_there_is_told(shelf: Path, arguments: tuple[str, ...], told: str) -> None:
    assert told in refused(physadv("patches", *arguments, "--dir", shelf))


def test_folders_without_designs_are_told(tmp_path: Path) -> None:
    said = refused(physadv("patches", "list", "--dir", tmp_path))
    assert said.endswith(f"got {tmp_path}, which has none; physadv generate --out DIR makes one")
    assert "which is none" in refused(physadv("patches", "list", "--dir", tmp_path / "no"))


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"name": 1}'])
def test_cards_that_are_none_are_told(shelf: Path, text: str) -> None:
    (shelf / "one" / "card.json").write_text(text)
    assert "card: expected a card made by physadv generate" in refused(
        physadv("patches", "verify", "one", "--dir", shelf)
    )


def test_a_figure_that_a_card_lacks_is_told(shelf: Path) -> None:
    facts = card(shelf / "one")
    del facts["measured"]["seed"]
    (shelf / "one" / "card.json").write_text(json.dumps(facts))
    assert "without seed" in refused(physadv("patches", "verify", "one", "--dir", shelf))


def test_what_no_flag_says_is_made_from_the_file(tmp_path: Path) -> None:
    changes = {"scene.pose.distance_m": [3.0, 12.0]}
    design = design_from({"world": {"preset": "street", "changes": changes}})
    assert made_by(design, Path("a b")) == 'physadv generate "a b/design.toml"'
