"""Attacks by the names that users have for them: physadv's own, or those of plugins."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from importlib.metadata import EntryPoint, entry_points
from math import inf
from typing import Any, cast, get_args

from physadv.attacks import digital
from physadv.attacks.digital import About, DigitalAttack, Framework, Needs, Plugin, settings_of
from physadv.attacks.digital.substitute import Transfer, load_substitute
from physadv.core import UserError, check
from physadv.core.check import one_of
from physadv.victims import Ensemble

GROUP = "physadv.plugins"
EXPORTED: list[Any] = [getattr(digital, name) for name in digital.__all__]
TELLING = [one for one in EXPORTED if isinstance(getattr(one, "about", None), About)]
OWN: dict[str, Any] = {one.about.name: one for one in sorted(TELLING, key=lambda k: k.about.name)}
"""Attacks of physadv itself, by the names that --attack has for them."""
TRANSFER = Transfer.about.name
"""Any of them, made on a substitute."""
ELSEWHERE = "a framework's is named as in art:HopSkipJump; physadv plugins lists them"
NORMS = ("inf", "2", "1", "0")
KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    type(None): "none",
}


def plugins_found() -> Iterator[tuple[str, Plugin]]:
    """Yield the plugins that can be loaded, by name."""
    for point in plugin_points().values():
        try:
            yield point.name, load_plugin(point)
        except UserError:
            continue


def find_attack(name: str, settings: Mapping[str, object]) -> DigitalAttack:
    """Return the attack that --attack names, with settings, texts or values; raises `UserError`."""
    if name == TRANSFER:
        return _transfer(dict(settings))
    values = read_values(settings)
    _, colon, rest = name.partition(":")
    if not colon:
        _check_own(name)
        return _own(name, values)
    return _framework(name)[0].attack(rest, values)


def about_attack(name: str) -> About | None:
    """Return what an attack that there is says of itself, None where it says nothing."""
    if name == TRANSFER:
        return Transfer.about
    if name in OWN:
        return cast(About, OWN[name].about)
    plugin, rest = _framework(name)
    return plugin.abouts.get(rest) if isinstance(plugin, Framework) else None


def settings_known(name: str) -> list[str] | None:
    """Return the settings that an attack takes, None where a plugin does not tell."""
    if name == TRANSFER:
        return None
    if ":" not in name:
        _check_own(name)
        return own_settings(OWN[name])
    plugin, rest = _framework(name)
    if not isinstance(plugin, Framework) or rest not in plugin.classes:
        return None
    return plugin.settings(rest)


def eps_name(name: str) -> str | None:
    """Return what an attack calls its largest change, None where it has none."""
    plugin, _ = _framework(name) if ":" in name else (None, "")
    word = plugin.eps if isinstance(plugin, Framework) else "eps"
    known = settings_known(name)
    return word if known is None or word in known else None


def needs_of(name: str, attack: DigitalAttack) -> Needs | None:
    """Return what an attack of a name must be told, None where that is not known."""
    about = about_attack(name)
    own: Needs | None = getattr(attack, "needs", None if about is None else about.needs)
    return own


def norm_of(name: str, attack: DigitalAttack) -> str | None:
    """Return the norm that an attack keeps small, on a substitute its own; None: unknown."""
    inner: Any = attack.attack if isinstance(attack, Transfer) else attack
    own = getattr(inner, "norm", None)
    if own is not None:
        return f"{own:g}"
    known = inner.about if inner is not attack and hasattr(inner, "about") else about_attack(name)
    return known.norm if known is not None and known.norm in NORMS else None


def _check_own(name: str) -> None:
    try:
        one_of("attack", name, [*OWN, TRANSFER])
    except UserError as error:
        raise error.about("attack", error.fix or ELSEWHERE) from error


def _framework(name: str) -> tuple[Plugin, str]:
    plugin, _, rest = name.partition(":")
    points = plugin_points()
    one_of("attack", plugin, points)
    return load_plugin(points[plugin]), rest


def _transfer(settings: dict[str, object]) -> DigitalAttack:
    """Return an attack (`attack`, by default pgd) with its own settings, made on substitutes."""
    folders, inner = str(settings.pop("substitute", "")), str(settings.pop("attack", "pgd"))
    expected, fix = "a folder", "physadv train substitute makes one; --set substitute=DIR names it"
    check(bool(folders), "substitute", expected=expected, got="nothing", fix=fix)
    check(inner != TRANSFER, "attack", expected="an attack with gradients", got=repr(inner))
    made = [load_substitute(one) for one in folders.split(",")]
    return Transfer(made[0] if len(made) == 1 else Ensemble(made), find_attack(inner, settings))


def _own(name: str, values: dict[str, object]) -> DigitalAttack:
    check_settings(name, OWN[name], values)
    eps, norm = values.get("eps"), values.get("norm", inf)
    if norm == inf and isinstance(eps, int | float):
        fix = f"images are in [0,1]: {eps:g} of 255 is eps={eps:g}/255"
        check(eps <= 1, "eps", expected="at most 1 with the norm inf", got=eps, fix=fix)
    return cast(DigitalAttack, OWN[name](**values))


def check_settings(name: str, kind: Any, values: Mapping[str, object]) -> None:
    """Raise `UserError` unless values are of settings that a dataclass has, and of their types."""
    for key, value in values.items():
        one_of(f"{name} --set", key, own_settings(kind))
        _check_kind(key, value, settings_of(kind)[key].type)


def _check_kind(key: str, value: object, kind: Any) -> None:
    """Raise `UserError` unless a setting is of its type; whole numbers are numbers, too."""
    kinds = get_args(kind) or (kind,)
    good = type(value) in kinds or (float in kinds and type(value) is int)
    expected = " or ".join(KINDS[one] for one in kinds)
    check(good, key, expected=expected, got="none" if value is None else repr(value))


def own_settings(kind: Any) -> list[str]:
    """Return the settings of one of ours that --set takes; a camera is --camera."""
    return [key for key in settings_of(kind) if key not in ("camera", "attack")]


def plugin_points() -> dict[str, EntryPoint]:
    """Return the entry points of plugins, by name."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load_plugin(point: EntryPoint) -> Plugin:
    """Return a plugin. Raises `UserError` that says what to install where its framework is not."""
    try:
        return cast(Plugin, point.load())
    except ImportError as error:
        raise UserError(
            "attack",
            expected=f"the plugin {point.name} to load",
            got=str(error),
            fix=f"pip install 'physadv[{point.name}]'",
        ) from error


def read_values(settings: Mapping[str, object]) -> dict[str, object]:
    """Return settings as values: texts are read as numbers, truth values or none where they fit."""
    pairs = settings.items()
    return {key: read_number(one) if isinstance(one, str) else one for key, one in pairs}


def read_number(text: str) -> object:
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


def read_eps(text: str) -> float:
    """Read the size of a change, e.g. 8/255; raises `UserError`."""
    value = read_number(text)
    good = isinstance(value, int | float) and not isinstance(value, bool)
    check(good, "eps", expected="a number", got=repr(text))
    return float(cast(float, value))
