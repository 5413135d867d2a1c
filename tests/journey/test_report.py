"""The report as a reader and a browser find it: whole, self-contained, escaped, repeatable."""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from physadv.core import Rate, UserError, wilson
from physadv.output.report import CHECKS, Heat, Page, Point, Shot, write_report

Picture = NDArray[np.uint8]
Attributes = list[tuple[str, str | None]]

VOID = {"meta", "img", "br", "link", "hr", "input"}
HOSTILE = '<script>alert("1")</script>'
NOTICE = "robustness test artefact - not for use on public roads"


class Reader(HTMLParser):
    """Collects elements, ids and visible text; fails on a tag that closes another."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str | None] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.feed(page)
        self.close()
        typed = " ".join(self.texts).replace("\N{NO-BREAK SPACE}", " ").replace("\N{EN DASH}", "-")
        self.text = " ".join(typed.split())

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        references = {"src", "href", "xlink:href", "srcset", "data", "action", "poster"}
        self.links += [value or "" for name, value in attrs if name in references]

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    def pictures(self, kind: str) -> list[Picture]:
        start = f"data:image/{kind};base64,"
        found = [link for link in self.links if link.startswith(start)]
        return [np.asarray(Image.open(BytesIO(b64decode(link[len(start) :])))) for link in found]


Read = Callable[[Page], Reader]


def plain(*, colour: tuple[int, ...], channels: int) -> Picture:
    picture = np.zeros((40, 40, channels), np.uint8)
    picture[:] = colour
    return picture


def shot(answer: str, *, hit: bool, caption: str) -> Shot:
    return Shot(plain(colour=(200, 30, 30), channels=3), answer, hit, caption)


HEAT = Heat(
    "distance (m)",
    (3.0, 7.5),
    "yaw (°)",
    (-30.0, 0.0, 30.0),
    (
        (wilson(1, 11), wilson(2, 12)),
        (wilson(3, 13), Rate(0, 0, 0.0, 1.0)),
        (wilson(5, 15), wilson(6, 16)),
    ),
)

PAGE = Page(
    title="stop-80",
    objective="Stop read as Speed limit (80km/h)",
    victim="bundled recogniser",
    world="lab: 3-12 m",
    before=plain(colour=(180, 0, 0, 255), channels=4),
    after=plain(colour=(0, 90, 0, 128), channels=4),
    success=wilson(466, 500),
    clean=wilson(1, 500),
    correct=wilson(499, 500),
    controls={"blank": wilson(3, 500), "shuffled": wilson(9, 500)},
    measures={"area": "14.6 %"},
    budget={"steps": "401"},
    facts={"design": "sha256 3fa9c0"},
    shots=(
        shot("Speed limit (80km/h)", hit=True, caption="7.4 m, yaw -12°"),
        shot("No entry", hit=False, caption="11.9 m, yaw 29°"),
    ),
    selection="the first two",
    heat=HEAT,
    areas=(Point(15.0, wilson(46, 50)), Point(5.0, wilson(10, 50))),
    history=((0, 2.5, 0.0), (50, 1.0, 0.6), (100, 0.4, 0.9)),
    placements={"middle": 2.5, "around": -0.75},
    paper_note="A4, 3 pages.",
)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(page: Page) -> Reader:
        write_report(tmp_path / "report.html", page)
        return Reader((tmp_path / "report.html").read_text(encoding="utf-8"))

    return write_and_read


def test_the_page_is_well_formed(read: Read) -> None:
    found = read(PAGE)
    assert found.open == []
    assert found.tags.count("svg") == 3 + (1 + 1 + 2)  # figures, bars of rates
    assert len(found.ids) == len(set(found.ids)) > 100


def test_the_page_needs_no_network_and_no_other_file(read: Read, tmp_path: Path) -> None:
    found = read(PAGE)
    assert all(link.startswith(("data:image/", "#")) for link in found.links)
    assert {link[1:] for link in found.links if link[0] == "#"} <= set(found.ids)
    raw = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert set(re.findall(r"url\(#([^)]*)\)", raw)) <= set(found.ids)
    assert not re.search(r"@import|url\((?!#)", raw)
    addresses = re.findall(r'(\S*)="https?://[^"]*"', raw)
    assert set(addresses) <= {"xmlns", "xmlns:xlink"}
    assert raw.count("http") == len(addresses)
    assert not {"script", "link", "iframe", "object", "embed"} & set(found.tags)


def test_the_verdict_is_one_sentence_with_its_interval(read: Read) -> None:
    wanted = (
        "Stop read as Speed limit (80km/h) in 93.2 % of 500 fresh simulated photos "
        "(95 % interval 90.6-95.1 %)"
    )
    text = read(PAGE).text
    assert wanted in text
    assert "Bare sign, same objective 0.2 % 0.0-1.1 % · 1/500" in text
    assert "Highest control: shuffled 1.8 % 0.9-3.4 % · 9/500" in text


def test_everything_given_is_shown(read: Read) -> None:
    text = read(PAGE).text
    assert PAGE.paper_note is not None
    given = [
        *(PAGE.title, PAGE.victim, PAGE.world, PAGE.selection, PAGE.paper_note, NOTICE),
        *(f"{shot.answer} {shot.caption}" for shot in PAGE.shots),
        *("blank 0.6 % 0.2-1.7 % 3/500", "15.0 % 92.0 % 81.2-96.8 % 46/50"),
        *("area 14.6 %", "steps 401", "design sha256 3fa9c0", "around -0.750 middle 2.500"),
    ]
    assert [one for one in given if one not in text] == []


def test_hits_and_misses_differ_in_words(read: Read) -> None:
    text = read(PAGE).text
    assert "● HIT Speed limit (80km/h)" in text
    assert "○ MISS No entry" in text
    assert "in 1 of the 2 photos shown" in text


def test_the_pictures_are_the_ones_given(read: Read) -> None:
    found = read(PAGE)
    before, after = found.pictures("png")[:2]
    assert (before == PAGE.before).all()
    assert (after == PAGE.after).all()
    photos = found.pictures("jpeg")
    assert len(photos) == len(PAGE.shots)
    assert np.abs(photos[0].astype(int) - PAGE.shots[0].picture).max() <= 3


def test_large_pictures_are_reduced(read: Read) -> None:
    picture = np.zeros((500, 1000, 3), np.uint8)
    found = read(replace(PAGE, shots=[Shot(picture, "Stop", False, "")]))
    assert found.pictures("jpeg")[0].shape == (160, 320, 3)


def test_each_cell_of_the_heat_map_is_in_its_place(read: Read, tmp_path: Path) -> None:
    read(PAGE)
    raw = (tmp_path / "report.html").read_text(encoding="utf-8")
    cell = (
        r'<text [^>]*(?:x="|translate\()([\d.]+)[", ]+(?:y=")?([\d.]+)[^>]*>(\d+/\d+|none)</text>'
    )
    places = {text: (float(x), float(y)) for x, y, text in re.findall(cell, raw)}
    assert set(places) == {"1/11", "2/12", "3/13", "none", "5/15", "6/16"}
    rows = [["5/15", "6/16"], ["3/13", "none"], ["1/11", "2/12"]]  # yaw grows upwards
    by_place = sorted(places, key=lambda text: (round(places[text][1]), places[text][0]))
    assert by_place == [text for row in rows for text in row]
    assert "distance (m)" in raw and "yaw (°)" in raw


def test_doubts_are_listed(read: Read) -> None:
    text = read(replace(PAGE, doubts=("flat gradients", "not converged"))).text
    assert "2 reasons to doubt these figures flat gradients not converged" in text
    assert "None of the checks" not in text


def test_without_doubts_the_checks_are_named(read: Read) -> None:
    text = read(PAGE).text
    assert "None of the checks raised a doubt." in text
    assert "; ".join(CHECKS) in text


def test_a_control_above_the_limit_is_named(read: Read) -> None:
    assert "none is above it." in read(PAGE).text
    text = read(replace(PAGE, limit=0.01)).text
    assert "shuffled is above it." in text
    assert text.count("over the limit") == 1


def test_hostile_labels_are_text(read: Read) -> None:
    fields: dict[str, Any] = dict.fromkeys(
        ("title", "objective", "victim", "world", "selection", "photos"), HOSTILE
    )
    page = replace(
        PAGE,
        **fields,
        controls={HOSTILE: wilson(400, 500)},
        doubts=[HOSTILE],
        checks=[HOSTILE],
        measures={HOSTILE: HOSTILE},
        facts={HOSTILE: HOSTILE},
        placements={HOSTILE: 0.5},
        shots=[shot(HOSTILE, hit=True, caption=f'"{HOSTILE}')],
        heat=replace(HEAT, x_name=HOSTILE, y_name="$\\frac{$"),
    )
    found = read(page)
    assert found.open == []
    assert "script" not in found.tags
    assert found.text.count(HOSTILE) > 15


def test_a_bare_page_holds_no_empty_sections(read: Read) -> None:
    bare: dict[str, Any] = {"heat": None, "correct": None, "paper_note": None, "selection": ""}
    lists: dict[str, Any] = dict.fromkeys(("shots", "areas", "history"), ())
    maps: dict[str, Any] = {
        name: {} for name in ("controls", "placements", "facts", "measures", "budget")
    }
    found = read(replace(PAGE, **bare, **lists, **maps))
    assert found.open == []
    for heading in ("What the victim sees", "Success by", "Where it comes from", "Highest control"):
        assert heading not in found.text
    assert "no class for this sign" in found.text


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    write_report(first, PAGE)
    write_report(second, PAGE)
    assert first.read_bytes() == second.read_bytes()
    write_report(second, replace(PAGE, success=wilson(465, 500)))
    assert first.read_bytes() != second.read_bytes()


def test_a_folder_that_is_absent_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="path: expected a file that can be written"):
        write_report(tmp_path / "absent" / "report.html", PAGE)
