"""Defences by the names that users have for them, or made by a function in a Python file."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, cast

from physadv import defences as room
from physadv.attacks.digital.named import check_settings, read_values
from physadv.core import check
from physadv.core.check import one_of
from physadv.defences import Defence, DefenceAbout
from physadv.victims import call_function

EXPORTED: list[Any] = [getattr(room, name) for name in room.__all__]
TELLING = [one for one in EXPORTED if isinstance(getattr(one, "about", None), DefenceAbout)]
OWN: dict[str, Any] = {one.about.name: one for one in sorted(TELLING, key=lambda k: k.about.name)}
"""Defences of physadv, by the names that --defence has for them."""


def find_defence(name: str, settings: Mapping[str, object]) -> Defence:
    """Return the defence that --defence names, with its settings, texts or values.

    Raises `UserError` for what there is not, and for one that has to be given networks.
    """
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        check(not settings, "set", expected=f"no setting for {name}", got=", ".join(settings))
        found = call_function("defence", Path(path), function)
        good = callable(found)
        check(good, "defence", expected=f"{name} to return a defence", got=type(found).__name__)
        return cast(Defence, found)
    one_of("defence", name, OWN)
    kind = OWN[name]
    fix = f"make it in a file.py:function that returns {kind.__name__}(…)"
    check(made_of_defaults(kind), "defence", expected="one without networks", got=name, fix=fix)
    values = read_values(settings)
    check_settings(name, kind, values)
    return cast(Defence, kind(**values))


def made_of_defaults(kind: Any) -> bool:
    """Tell whether a defence can be made of its defaults."""
    return all(one.default is not MISSING for one in fields(kind))
