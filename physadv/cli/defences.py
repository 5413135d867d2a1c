"""`physadv defences`, and how the command line finds a defence: by name, or in a Python file."""

from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, cast

from rich.table import Table

from physadv import defences as room
from physadv.cli.attack_runs import read_pairs
from physadv.cli.plugins import check_settings, read_number
from physadv.cli.show import console, polite
from physadv.core import check
from physadv.core.check import one_of
from physadv.defences import Defence, DefenceAbout
from physadv.victims import call_function

EXPORTED: list[Any] = [getattr(room, name) for name in room.__all__]
TELLING = [one for one in EXPORTED if isinstance(getattr(one, "about", None), DefenceAbout)]
OWN: dict[str, Any] = {one.about.name: one for one in sorted(TELLING, key=lambda k: k.about.name)}
"""Defences of physadv, by the names that --defence has for them."""


@polite
def defences() -> None:
    """List the defences, what they do to a victim, their settings and where they were published.

    Input: changes what is asked; output: what is told; detector: refuses to tell; smoothing: asks
    about many variants. Those that are given a network of their own are made in a Python file:
    physadv audit --defence file.py:function.

    Example:

    physadv defences
    """
    table = Table(box=None, pad_edge=False)
    for name in ("defence", "kind", "--set", "source"):
        table.add_column(name, overflow="fold")
    for name, kind in OWN.items():
        told = ", ".join(one.name for one in fields(kind))
        given = "" if _whole(kind) else " (from Python)"
        table.add_row(f"{name}{given}", kind.about.kind, told, kind.about.source)
    console.print(table)


def find_defence(name: str, settings: Sequence[str]) -> Defence:
    """Return the defence that --defence names, with settings NAME=VALUE; raises `UserError`."""
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        check(not settings, "set", expected=f"no setting for {name}", got=settings[:1])
        found = call_function("defence", Path(path), function)
        good = callable(found)
        check(good, "defence", expected=f"{name} to return a defence", got=type(found).__name__)
        return cast(Defence, found)
    one_of("defence", name, OWN)
    kind = OWN[name]
    fix = f"make it in a file.py:function that returns {kind.__name__}(…)"
    check(_whole(kind), "defence", expected="one without networks", got=name, fix=fix)
    values = {key: read_number(value) for key, value in read_pairs(settings).items()}
    check_settings(name, kind, values)
    return cast(Defence, kind(**values))


def _whole(kind: Any) -> bool:
    """Tell whether a defence can be made of its defaults."""
    return all(one.default is not MISSING for one in fields(kind))
