"""World files: a preset and what differs from it, as TOML that people write."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from physadv.core import UserError
from physadv.core.check import check, one_of
from physadv.presets.changes import Changes, as_one, flat, plain, settings, try_changed
from physadv.presets.named import ANY, NAMES, PRESETS
from physadv.presets.worlds import members
from physadv.victims.weights import check_file

BASE = "street"
"""What a file that names no base differs from."""
ENDING = ".toml"
ON_LINES = re.compile(r"\[\n((?:    \S+,\n)+)\]")
"""A list of numbers as the writer has it, one on a line."""


@dataclass(frozen=True)
class WorldFile:
    """A world as data: the preset `base` and the `changes` to it that are none to no effect."""

    about: str
    base: str
    changes: dict[str, Any]


def parse_world(text: str, where: str = "world") -> WorldFile:
    """Return the world that a text in TOML says. Raises one `UserError` that tells all faults."""
    values = toml_values("world", text, where)
    base, about, faults = values.pop("base", BASE), values.pop("about", ""), list[UserError]()
    try:
        check(isinstance(about, str), "about", expected="text", got=repr(about))
    except UserError as error:
        faults.append(error)
    try:
        one_of("base", base, NAMES)
    except UserError as error:
        faults.append(error)
        base = BASE
    known = settings(PRESETS[BASE])
    changes = flat(values, known)
    faults += change_faults(base, changes)
    if faults:
        raise as_one(where, faults)
    return WorldFile(about, base, that_differ(base, changes))


def change_faults(base: str, changes: Changes) -> list[UserError]:
    """Return all that is wrong with changes to a preset, or to each of those in a union."""
    faults = [
        UserError(name, expected="a base that is one drive", got=f"{ANY!r}", fix="leave it out")
        for name in changes
        if base == ANY and name.startswith("approach.")
    ]
    for one in members(base):
        faults += try_changed(one, changes)[1]
    return list({str(fault): fault for fault in faults}.values())


def that_differ(base: str, changes: Changes) -> dict[str, Any]:
    """Return the changes that change anything."""
    pairs = list(zip(members(base), members(base, changes), strict=True))
    differ = {
        name
        for old, new in pairs
        for name, value in settings(new).items()
        if value != settings(old)[name] or (old.approach is None and name.startswith("approach."))
    }
    return {name: value for name, value in changes.items() if name in differ}


def read_world(path: Path) -> WorldFile:
    """Read a world file; raises `UserError` for what is no TOML, and one for all faults."""
    return parse_world(toml_text("world", path), str(path))


def toml_text(argument: str, path: Path) -> str:
    """Return the text of a file in TOML. Raises `UserError` about `argument`."""
    check_file(argument, path)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(argument, expected="a TOML file", got=f"{path} ({error})") from error


def toml_values(argument: str, text: str, where: str) -> dict[str, Any]:
    """Return what a text in TOML says. Raises `UserError` about `argument`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(argument, expected="a TOML file", got=f"{where} ({error})") from error


def whole_world(base: str, changes: Changes | None = None, about: str = "") -> str:
    """Return a whole world as the text of a file that `parse_world` reads back.

    Raises `UserError` for a union, whose members have no one value.
    """
    fix = "name one of " + ", ".join(PRESETS)
    check(base != ANY, "world", expected="a world of one preset", got=repr(base), fix=fix)
    (preset,) = members(base, changes)
    tables: dict[str, Any] = {"about": about or preset.about, "base": base}
    for name, setting in settings(preset).items():
        if preset.approach is not None or not name.startswith("approach."):
            _put(tables, name.split("."), plain(setting))
    return ON_LINES.sub(_on_one_line, tomli_w.dumps(tables))


def _on_one_line(found: re.Match[str]) -> str:
    return f"[{' '.join(found[1].split()).rstrip(',')}]"


def _put(tables: dict[str, Any], steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        tables = tables.setdefault(step, {})
    tables[steps[-1]] = value


def is_file(name: object) -> bool:
    """Whether what is given as a preset's name is that of a file."""
    return isinstance(name, str) and name.lower().endswith(ENDING)
