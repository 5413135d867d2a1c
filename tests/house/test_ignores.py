"""Every `type: ignore` and `noqa` names its code and gives a reason; nothing is left to do."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, PLUGINS, files, place
from tests.shared_data import ROOT

SOURCE = files(PACKAGE, PLUGINS, *(ROOT / name for name in ("tests", "examples", "benchmarks")))
IGNORE = re.compile(r"#\s*(type:\s*ignore|noqa|mypy:|ruff:|pragma)", re.IGNORECASE)
REASONED = re.compile(r"# (type: ignore\[[\w, -]+\]|noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*) {1,2}# .{4,}")
LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def comments(code: str) -> Iterator[tuple[int, str]]:
    """Yield (line, comment) of a file's comments, not of what looks like one in a string."""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def faults(code: str) -> list[int]:
    """Return the lines of ignores without code or reason and of notes for later."""
    return [
        line
        for line, comment in comments(code)
        if (IGNORE.match(comment) and not REASONED.match(comment)) or LATER.search(comment)
    ]


@pytest.mark.parametrize("path", SOURCE, ids=place)
def test_ignores_have_a_code_and_a_reason(path: Path) -> None:
    wrong = faults(path.read_text(encoding="utf-8"))
    assert [place(path, line) for line in wrong] == []


@pytest.mark.parametrize(
    ("code", "good"),
    [
        ("x = 1  # type: ignore[arg-type]  # the stub is wrong\n", True),
        ("x = 1  # noqa: N802  # the name is ART's\n", True),
        ("x = 1  # type: ignore[arg-type]\n", False),
        ("x = 1  # type: ignore\n", False),
        ("x = 1  # noqa\n", False),
        ("x = 1  # TODO: more\n", False),
        ("x = '# noqa'\n", True),
    ],
)
def test_the_measure_itself(code: str, good: bool) -> None:
    assert (faults(code) == []) is good
