"""Changes to a preset as plain values by dotted name: checked all at once, and told."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from math import isfinite, isinf, isnan
from typing import Any, get_args

from physadv.approach import Approach
from physadv.camera import Camera
from physadv.core import Choice, Seed, Span, UserError
from physadv.core.check import check, near_names, one_of
from physadv.presets.bounds import check_bounds
from physadv.presets.preset import Preset

Changes = Mapping[str, Any]
"""Dotted names to a number, the low and high end of a span, its table, options, a word or truth."""

ENDLESS = "endless"
"""How plain values say infinity, which JSON has no word for."""
LARGEST = 1e300
TOLD = 6
"""How many changes are told before the rest is counted."""
OPTICS = {"camera.lens", "camera.sensor"}
TABLE = {"low", "high", "log"}
SPAN = "a number, [low, high] or {low = …, high = …, log = true}"


def effects(preset: Preset) -> dict[str, Any]:
    """Return what can be changed in a preset, by dotted name: flat dataclasses of settings."""
    found = {f"scene.{name}": effect for name, effect in preset.circumstances().items()}
    camera = preset.camera
    found |= {f"camera.{field.name}": getattr(camera, field.name) for field in fields(camera)}
    return found | {"approach": preset.approach or Approach()}


def settings(preset: Preset) -> dict[str, Any]:
    """Return the settings of all effects by dotted name; seeds are drawn, never set."""
    return {
        f"{part}.{field.name}": value
        for part, effect in effects(preset).items()
        for field in fields(effect)
        if not isinstance(value := getattr(effect, field.name), Seed)
    }


def flat(tables: Mapping[str, Any], known: Iterable[str], prefix: str = "") -> dict[str, Any]:
    """Return values in tables inside tables by dotted name; what is no group stays a value."""
    names, found = list(known), dict[str, Any]()
    for key, value in tables.items():
        name = prefix + key
        group = any(one.startswith(name + ".") for one in names)
        if isinstance(value, Mapping) and (group or not (name in names or set(value) <= TABLE)):
            found |= flat(value, names, name + ".")
        else:
            found[name] = ENDLESS if value == float("inf") else value
    return found


def changed(preset: Preset, changes: Changes) -> Preset:
    """Return the preset with the changes. Raises one `UserError` that tells all faults."""
    made, faults = try_changed(preset, changes)
    if faults:
        raise as_one("changes", faults)
    return made


def try_changed(preset: Preset, changes: Changes) -> tuple[Preset, list[UserError]]:
    """Return the preset with those changes that fit, and what is wrong with the others."""
    known, faults = settings(preset), list[UserError]()
    new: dict[str, Any] = {}
    for name, value in changes.items():
        try:
            new[name] = _read(preset, known, name, value)
        except UserError as error:
            faults.append(error)
    wrong = {_part(error.argument) for error in faults}
    if wrong & OPTICS:  # what is wrong with one of them would be told of the other
        new = {name: setting for name, setting in new.items() if _part(name) not in OPTICS}
    return _rebuilt(preset, new, faults), faults


def as_one(where: str, faults: list[UserError]) -> UserError:
    """Return one error about all faults of a file or table."""
    if len(faults) == 1:
        return faults[0].about(f"{where}, {faults[0].argument}")
    told = "; ".join(f"({k}) {fault}" for k, fault in enumerate(faults, start=1))
    return UserError(where, expected="a world that fits", got=f"{len(faults)} faults: {told}")


def changes_text(base: str, changes: Changes) -> str:
    """Say a changed world in a line."""
    if not changes:
        return base
    told = ", ".join(f"{name}={_said(value)}" for name, value in list(changes.items())[:TOLD])
    more = f" and {len(changes) - TOLD} more" if len(changes) > TOLD else ""
    count = "1 change" if len(changes) == 1 else f"{len(changes)} changes"
    return f"based on {base}, {count}: {told}{more}"


def plain(setting: Any) -> Any:
    """Return a setting as the plain value that is read as it again."""
    if isinstance(setting, Choice):
        return list(setting.options)
    if not isinstance(setting, Span):
        return setting
    if setting.low == setting.high:
        return setting.low
    if setting.log:
        return {"low": setting.low, "high": setting.high, "log": True}
    return [setting.low, setting.high]


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_said(one)}" for key, one in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rebuilt(preset: Preset, new: Mapping[str, Any], faults: list[UserError]) -> Preset:
    """Put new settings into the effects, which are made once; what does not fit is a fault."""
    parts = effects(preset)
    for part, effect in parts.items():
        mine = {name.rpartition(".")[2]: new[name] for name in new if _part(name) == part}
        try:
            parts[part] = replace(effect, **mine) if mine else effect
        except UserError as error:
            faults.append(error.about(f"{part}.{error.argument}"))
    scene = {name[6:]: effect for name, effect in parts.items() if name.startswith("scene.")}
    made = replace(preset, **scene)
    try:
        made = replace(made, camera=_camera(preset.camera, parts))
    except UserError as error:
        faults.append(error)
    drives = preset.approach is not None or any(_part(name) == "approach" for name in new)
    try:
        return replace(made, approach=_approach(parts["approach"]) if drives else None)
    except UserError as error:
        faults.append(error)
    return made


def _part(name: str) -> str:
    return name.rpartition(".")[0]


def _camera(camera: Camera, parts: Mapping[str, Any]) -> Camera:
    mine = {name[7:]: effect for name, effect in parts.items() if name.startswith("camera.")}
    try:
        return replace(camera, **mine)
    except UserError as error:
        raise error.about(f"camera.{error.argument}") from error


def _approach(approach: Approach) -> Approach:
    near, far = approach.to_m.high, approach.from_m.low
    expected, got = "farther away than to_m ends", f"{far:g} m, and to_m up to {near:g} m"
    check(far >= near, "approach.from_m", expected=expected, got=got)
    return approach


def _read(preset: Preset, known: Mapping[str, Any], name: str, value: Any) -> Any:
    """Return the setting that a plain value says."""
    if name not in known:
        fix = "physadv preview --toml writes a file with all of them"
        told, got = name if name.isprintable() else ascii(name), "an unknown name"
        raise UserError(told, expected=f"one of {near_names(name, known)}", got=got, fix=fix)
    old = known[name]
    if isinstance(old, Span):
        return _span(name, value, old, _evenly(preset, name))
    if isinstance(old, Choice):
        return _choice(name, value, old)
    return READERS[type(old)](preset, name, value)


def _evenly(preset: Preset, name: str) -> bool:
    """Whether a span is drawn evenly where nothing says so, not in the logarithm.

    That is as in the base, or, where the effect rests there, as the effect has it by itself.
    """
    part, _, last = name.rpartition(".")
    effect = effects(preset)[part]
    here = getattr(effect, last)
    alone = next(one.default for one in fields(effect) if one.name == last)
    return not (alone.log if here.idle and isinstance(alone, Span) else here.log)


def _span(name: str, value: Any, old: Span, evenly: bool) -> Span:
    log = None
    if isinstance(value, Mapping):
        _check_table(name, value)
        log, value = value.get("log"), [value["low"], value["high"]]
    many = isinstance(value, list | tuple)
    check(not many or len(value) == 2, name, expected=SPAN, got=_short(value))
    ends = [_number(name, one, SPAN) for one in (value if many else [value])]
    check_bounds(name, ends)
    low, high = ends[0], ends[-1]
    fix = "swap the two"
    check(low <= high, name, expected="low <= high", got=f"{low:g} and {high:g}", fix=fix)
    above = low > 0
    check(above or not log, name, expected="low above 0 with log", got=f"{low:g}")
    wanted = above and low < high and (not evenly if log is None else log)
    return Span(low, high, old.neutral, log=wanted)


def _check_table(name: str, table: Mapping[str, Any]) -> None:
    fits = {"low", "high"} <= set(table) <= TABLE
    check(fits, name, expected=SPAN, got=_short(dict(table)))
    log = table.get("log", False)
    check(isinstance(log, bool), name, expected="log = true or false", got=_short(log))


def _choice(name: str, value: Any, old: Choice) -> Choice:
    expected = "a whole number or a list of some"
    options = value if isinstance(value, list | tuple) else [value]
    check(bool(options), name, expected=expected, got="none")
    numbers = [_number(name, one, expected) for one in options]
    whole = all(isfinite(one) and one.is_integer() for one in numbers)
    check(whole, name, expected=expected, got=_short(value))
    check_bounds(name, numbers)
    return Choice(tuple(dict.fromkeys(numbers)), old.neutral)


def _number(name: str, value: Any, expected: str) -> float:
    if value == ENDLESS:
        return float("inf")
    real = isinstance(value, int | float) and not isinstance(value, bool)
    whole = isinstance(value, int)  # TOML has some that no float holds
    fits = real and (abs(value) < LARGEST if whole else not isnan(value))
    check(fits, name, expected=expected, got=_short(value))
    return float(value)


def _real(_preset: Preset, name: str, value: Any) -> float:
    number = _number(name, value, "a number")
    check(not isinf(number), name, expected="a finite number", got=_short(value))
    check_bounds(name, [number])
    return number


def _whole(preset: Preset, name: str, value: Any) -> int:
    number = _real(preset, name, value)
    check(number.is_integer(), name, expected="a whole number", got=_short(value))
    return int(number)


def _truth(_preset: Preset, name: str, value: Any) -> bool:
    check(isinstance(value, bool), name, expected="true or false", got=_short(value))
    return bool(value)


def _word(preset: Preset, name: str, value: Any) -> str:
    part, _, last = name.rpartition(".")
    field = next(one for one in fields(effects(preset)[part]) if one.name == last)
    one_of(name, value, get_args(field.type))
    return str(value)


READERS: dict[type, Callable[[Preset, str, Any], Any]] = {
    int: _whole,
    float: _real,
    bool: _truth,
    str: _word,
}
"""How a plain setting of a type is read."""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
