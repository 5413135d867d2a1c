"""`physadv plugins`, and how the command line finds attacks: its own, or those of plugins."""

from collections.abc import Mapping
from fractions import Fraction
from importlib.metadata import EntryPoint, entry_points
from math import inf
from typing import Any, cast, get_args

from rich.padding import Padding

from physadv.attacks.digital import (
    PGD,
    RP2,
    DigitalAttack,
    EstimatedPGD,
    EvadeHC,
    Framework,
    GenAttack,
    Patch,
    Plugin,
    settings_of,
)
from physadv.cli.show import console, polite
from physadv.core import UserError, check
from physadv.core.check import one_of

GROUP = "physadv.plugins"
OWN: dict[str, Any] = {
    "pgd": PGD,
    "patch": Patch,
    "rp2": RP2,
    "estimated": EstimatedPGD,
    "gen-attack": GenAttack,
    "evade-hc": EvadeHC,
}
"""Attacks of physadv itself, by the names that --attack has for them."""
ELSEWHERE = "a framework's is named as in art:HopSkipJump; physadv plugins lists them"
KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a word",
    type(None): "none",
}


@polite
def plugins() -> None:
    """List the frameworks whose attacks physadv attack can run, and what each brings.

    Plugins are entry points of the group physadv.plugins of whatever is installed; one whose
    framework is missing says what to install.
    """
    console.print(f"physadv itself: --attack {' | '.join(OWN)}", markup=False)
    for name, kind in OWN.items():
        told = f"{name} --set: {', '.join(_settings(kind))}"
        console.print(Padding(told, (0, 0, 0, 2)))
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
        if isinstance(plugin, Framework) and plugin.black_box:
            able = ", ".join(sorted(plugin.black_box))
            console.print(Padding(f"of these, on black boxes too: {able}", (0, 0, 0, 2)))


def find_attack(name: str, settings: Mapping[str, str]) -> DigitalAttack:
    """Return the attack that --attack names, with settings as texts; raises `UserError`."""
    values = {key: _value(text) for key, text in settings.items()}
    plugin, colon, rest = name.partition(":")
    if not colon:
        try:
            one_of("attack", name, OWN)
        except UserError as error:
            raise error.about("attack", error.fix or ELSEWHERE) from error
        return _own(name, values)
    points = _points()
    one_of("attack", plugin, points)
    return _load(points[plugin]).attack(rest, values)


def _own(name: str, values: dict[str, object]) -> DigitalAttack:
    for key, value in values.items():
        one_of(f"{name} --set", key, _settings(OWN[name]))
        _check_kind(key, value, settings_of(OWN[name])[key].type)
    eps, norm = values.get("eps"), values.get("norm", inf)
    if norm == inf and isinstance(eps, int | float):
        fix = f"images are in [0,1]: {eps:g} of 255 is eps={eps:g}/255"
        check(eps <= 1, "eps", expected="at most 1 with the norm inf", got=eps, fix=fix)
    return cast(DigitalAttack, OWN[name](**values))


def _check_kind(key: str, value: object, kind: Any) -> None:
    """Raise `UserError` unless a setting is of its type; whole numbers are numbers, too."""
    kinds = get_args(kind) or (kind,)
    good = type(value) in kinds or (float in kinds and type(value) is int)
    expected = " or ".join(KINDS[one] for one in kinds)
    check(good, key, expected=expected, got="none" if value is None else repr(value))


def _settings(kind: Any) -> list[str]:
    """Return the settings of an attack of ours that --set takes; a camera is --camera."""
    return [key for key in settings_of(kind) if key != "camera"]


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
    """Read a setting: a number, perhaps a fraction (8/255), a truth value, none, or a text."""
    words: dict[str, object] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float, Fraction):
        try:
            found = kind(text)
        except (ValueError, ZeroDivisionError):
            continue
        return float(found) if isinstance(found, Fraction) else found
    return text
