"""The names of a victim's classes, as users have them."""

import csv
from collections.abc import Sequence
from pathlib import Path

from physadv.core import UserError, check
from physadv.core.check import one_of
from physadv.victims.weights import check_file


def find_label(labels: Sequence[str], name_or_index: str | int) -> int:
    """Return the class of a label, an index, or an index in digits; names come first.

    Raises `UserError` when there is no such class, or when several bear that name.
    """
    bearers = [k for k, label in enumerate(labels) if label == name_or_index]
    if not bearers:
        return _index(labels, str(name_or_index))
    check(
        len(bearers) == 1,
        "label",
        expected="a name that only one class bears",
        got=f"{name_or_index!r} (classes {', '.join(map(str, bearers))})",
        fix="give the number of the class",
    )
    return bearers[0]


def _index(labels: Sequence[str], text: str) -> int:
    if not text.removeprefix("-").isdecimal():
        one_of("label", text, labels)
    last = len(labels) - 1
    check(0 <= int(text) <= last, "label", expected=f"a class from 0 to {last}", got=text)
    return int(text)


def read_labels(labels: Sequence[str] | Path) -> tuple[str, ...]:
    """Return labels from a list, or from a file, class 0 first.

    A .csv file has a header with the columns `id` and `name`, in any order of rows; any other
    file has one name a line. Raises `UserError` when it cannot be read so.
    """
    if not isinstance(labels, str | Path):
        return tuple(labels)
    path = Path(labels)
    check_file("labels", path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError("labels", expected="a text file in UTF-8", got=str(path)) from error
    return _rows(text, path) if path.suffix == ".csv" else _lines(text, path)


def _lines(text: str, path: Path) -> tuple[str, ...]:
    names = tuple(line.strip() for line in text.strip().splitlines())
    check(len(names) > 0, "labels", expected="one name a line", got=f"{path}, which is empty")
    return names


def _rows(text: str, path: Path) -> tuple[str, ...]:
    rows = list(csv.DictReader(text.splitlines()))
    good = bool(rows) and {"id", "name"} <= rows[0].keys()
    check(good, "labels", expected="a header with the columns id and name", got=str(path))
    named = {row["id"].strip(): row["name"].strip() for row in rows}
    numbers = [str(k) for k in range(len(rows))]
    fault = f"{path} with the ids {', '.join(sorted(named))}"
    check(set(named) == set(numbers), "labels", expected=f"ids 0 to {len(rows) - 1}", got=fault)
    return tuple(named[number] for number in numbers)
