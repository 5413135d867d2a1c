"""Runs the Python snippets of the README and of docs/: each page in order, in one namespace.

A block marked ```python no-run is only compiled.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.shared_data import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```python(?P<mark>[^\n]*)\n(?P<code>.*?)^```\s*$", re.MULTILINE | re.DOTALL)


class Snippet(NamedTuple):
    """Code with the line of the page before it, and whether it is meant to run."""

    code: str
    line: int
    runs: bool


def snippets(page: str) -> list[Snippet]:
    return [
        Snippet(
            match["code"], page.count("\n", 0, match.start("code")), "no-run" not in match["mark"]
        )
        for match in FENCE.finditer(page)
    ]


def run(page: str, name: str) -> dict[str, object]:
    """Run a page's snippets; lines in a traceback are those of the page."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    for snippet in snippets(page):
        code = compile("\n" * snippet.line + snippet.code, name, "exec")
        if snippet.runs:
            exec(code, namespace)
    return namespace


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_snippets_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(page.read_text(encoding="utf-8"), str(page))


SAMPLE = """
# Title
```python
number = 1
```
```console
$ rm -rf everything
```
```python no-run
number = 2
```
```python
number += 1
```
"""


def test_blocks_run_in_order_in_one_namespace() -> None:
    assert run(SAMPLE, "sample")["number"] == 2
    assert [(snippet.line, snippet.runs) for snippet in snippets(SAMPLE)] == [
        (3, True),
        (9, False),
        (12, True),
    ]


def test_a_wrong_snippet_fails_at_its_line() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run("text\n\n```python\n1 / 0\n```\n", "sample")
    assert caught.traceback[-1].lineno == 3  # counted from 0
