"""`physadv quiz`: a page that asks people, made of a result's folder."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.journey.commands import done, physadv, refused
from tests.shared_data import ROOT

RESULT = ROOT / "patches" / "stop-as-speed-limit-80"


def quiz_of(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    found = re.search(r"^const quiz = (.*);$", text, re.MULTILINE)
    assert found is not None
    quiz: dict[str, Any] = json.loads(found[1])
    return quiz


def test_a_page_asks_as_often_with_stickers_as_without(here: Path) -> None:
    page = here / "quiz.html"
    done("quiz", RESULT, "--n", 5, "--seconds", 1.5, "--out", page)
    quiz = quiz_of(page)
    worn = [one["stickers"] for one in quiz["questions"]]
    assert (len(worn), sum(worn)) == (10, 5)
    assert worn not in ([True] * 5 + [False] * 5, [False] * 5 + [True] * 5)
    read = {True: [], False: []}  # type: dict[bool, list[str]]
    for one in quiz["questions"]:
        read[one["stickers"]].append(one["victim"])
        assert one["picture"].startswith("data:image/jpeg;base64,")
    assert read[False] == ["Stop"] * 5  # as its card says of the bare sign, and of the stickers
    assert read[True].count("Speed limit (80km/h)") >= 4
    assert {"Stop", "Speed limit (80km/h)", "cannot tell"} <= set(quiz["choices"])
    assert len(quiz["choices"]) == len(set(quiz["choices"])) == 7
    assert quiz["seconds"] == 1.5
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)="(?!data:)""", text)
    assert not re.search(r"https?://", text)


def test_a_seed_repeats_it(here: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        done("quiz", RESULT, "--n", 2, "--seed", seed, "--out", here / f"{name}.html")
    assert quiz_of(here / "a.html") == quiz_of(here / "b.html")
    assert quiz_of(here / "a.html")["questions"] != quiz_of(here / "c.html")["questions"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((RESULT, "--out", "quiz.txt"), "out: expected a name that ends in .html, got quiz.txt"),
        (("nowhere",), "folder: expected a folder made by physadv generate, got nowhere"),
        ((RESULT, "--world", "moon", "--out", "quiz.html"), "world"),
    ],
)
def test_what_it_refuses(here: Path, flags: tuple[object, ...], message: str) -> None:
    assert message in refused(physadv("quiz", *flags))
    assert not Path("quiz.html").exists()
