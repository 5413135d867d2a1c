"""Says the `physadv generate` command that makes a design, with the flags it needs alone."""

from pathlib import Path
from typing import Any

from physadv.cli.options import FLAGS
from physadv.design import Design

NAMED = FLAGS | {
    "name": "--name",
    "victim.spec": "--victim",
    "world.backgrounds": "--backgrounds",
    "sticker.areas_pct": "--areas",
    "sticker.layout": "--layout",
    "sticker.allow_legend": "--allow-legend",
}
"""What the command line calls a setting; one that is not here has no flag."""
BY_FILE = ("world.about", "world.changes")
"""Settings that only a file says."""


def made_by(design: Design, folder: Path) -> str:
    """Return the command; where flags cannot say all of it, the one that reads its design.toml."""
    differs = _differing(design.unplaced())
    if any(name not in NAMED or name in BY_FILE for name in differs):
        return f"physadv generate {_quoted(str(folder / 'design.toml'))}"
    flags = (f"{NAMED[name]}{_given(value)}" for name, value in differs.items())
    return " ".join(("physadv generate", *flags))


def _differing(design: Design) -> dict[str, Any]:
    """Return the settings that are not the defaults, by dotted name."""
    found, usual = design.model_dump(), Design().model_dump()
    top = {name: one for name, one in found.items() if not isinstance(one, dict)}
    parts = {part: some for part, some in found.items() if isinstance(some, dict)}
    flat = {f"{part}.{name}": one for part, some in parts.items() for name, one in some.items()}
    rest = {f"{part}.{name}": one for part in parts for name, one in usual[part].items()}
    return {name: one for name, one in (top | flat).items() if one != (usual | rest)[name]}


def _given(value: Any) -> str:
    """Say a value as it stands behind its flag."""
    if value is True:
        return ""
    if isinstance(value, tuple | list):
        return " " + ",".join(_plain(one) for one in value)
    return " " + _quoted(_plain(value))


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    return text if text and all(one.isalnum() or one in "-_./,:#" for one in text) else f'"{text}"'
