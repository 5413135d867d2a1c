"""`physadv plugins`, and how the command line finds attacks: its own, or those of plugins."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from rich.padding import Padding

from physadv.attacks.digital import PGD, RP2, DigitalAttack, Patch, Plugin, settings_of
from physadv.cli.show import console, polite
from physadv.core import UserError
from physadv.core.check import one_of

GROUP = "physadv.plugins"
OWN: dict[str, Any] = {"pgd": PGD, "patch": Patch, "rp2": RP2}
"""Attacks of physadv itself, by the names that --attack has for them."""


@polite
def plugins() -> None:
    """List the frameworks whose attacks physadv attack can run, and what each brings.

    Plugins are entry points of the group physadv.plugins of whatever is installed; one whose
    framework is missing says what to install.
    """
    console.print(f"physadv itself: --attack {' | '.join(OWN)}", markup=False)
    for point in _points().values():
        try:
            plugin = _load(point)
        except UserError as error:
            console.print(f"{point.name}: not usable ({error.got}); {error.fix}", markup=False)
            continue
        names = plugin.attacks()
        told = f"{plugin.about}, {len(names)} attacks: --attack {point.name}:NAME"
        console.print(f"{point.name}: {told}", markup=False)
        console.print(Padding(", ".join(names), (0, 0, 0, 2)))


def find_attack(name: str, settings: Mapping[str, str]) -> DigitalAttack:
    """Return the attack that --attack names, with settings as texts; raises `UserError`."""
    values = {key: _value(text) for key, text in settings.items()}
    plugin, colon, rest = name.partition(":")
    if not colon:
        one_of("attack", name, OWN)
        return _own(name, values)
    points = _points()
    one_of("attack", plugin, points)
    return _load(points[plugin]).attack(rest, values)


def _own(name: str, values: dict[str, object]) -> DigitalAttack:
    known = [key for key in settings_of(OWN[name]) if key != "camera"]
    for key in values:
        one_of(f"{name} --set", key, known)
    try:
        return cast(DigitalAttack, OWN[name](**values))
    except TypeError as error:
        got = ", ".join(f"{key}={value!r}" for key, value in values.items())
        raise UserError("set", expected="numbers", got=got) from error


def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _load(point: EntryPoint) -> Plugin:
    try:
        return cast(Plugin, point.load())
    except ImportError as error:
        raise UserError(
            "attack",
            expected=f"the plugin {point.name} to load",
            got=str(error),
            fix=f"pip install 'physadv[{point.name}]'",
        ) from error


def _value(text: str) -> object:
    """Read a setting: a number, a truth value, none, or a text."""
    words: dict[str, object] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
