"""Attacks and estimators from JSON, as Armory writes them: module, name, kwargs."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from physadv.core import UserError, check
from physadv.core.check import one_of

KEYS = {"module", "name", "kwargs"}
OTHERS = {"knowledge", "type", "use_label", "generate_kwargs", "sweep_params", "fit", "fit_kwargs"}
"""Keys that Armory's configurations have and that are not about construction."""
PACKAGES = ("physadv_art", "art")
"""Where things may come from: a configuration is data, not a way to run anything."""


def build(config: Mapping[str, Any] | str | Path, estimator: Any = None) -> Any:
    """Return what `{"module": …, "name": …, "kwargs": {…}}` says, from a mapping or a JSON file.

    With an `estimator` the thing is an attack on it. Mappings of the same kind among the kwargs
    are built first; lists for `clip_values` become pairs. Raises `UserError` for what is unknown
    or does not fit.
    """
    known = _read(config) if isinstance(config, str | Path) else dict(config)
    odd = sorted(known.keys() - KEYS - OTHERS)
    check(not odd, "config", expected="the keys module, name, kwargs", got=", ".join(odd))
    for key in ("module", "name"):
        text = known.get(key)
        good = isinstance(text, str)
        check(good, f"config {key}", expected="a text", got=repr(text))
    thing = _find(known["module"], known["name"])
    kwargs = {name: _value(name, value) for name, value in dict(known.get("kwargs") or {}).items()}
    try:
        return thing(**kwargs) if estimator is None else thing(estimator, **kwargs)
    except UserError as error:
        raise error.about(f"{known['name']} {error.argument}") from error
    except (TypeError, ValueError) as error:
        name = known["name"]
        raise UserError("config kwargs", expected=f"what {name} takes", got=str(error)) from error


def _read(path: str | Path) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("config", expected="a JSON file", got=f"{path} ({error})") from error
    got = type(found).__name__
    check(isinstance(found, dict), "config", expected="a JSON object", got=f"{path} with a {got}")
    return dict(found)


def _find(module: str, name: str) -> Any:
    fix = "import other things yourself"
    package = module.split(".")[0]
    expected = "a module of " + " or ".join(PACKAGES)
    check(package in PACKAGES, "config module", expected=expected, got=repr(module), fix=fix)
    try:
        found = import_module(module)
    except ImportError as error:
        raise UserError("config module", expected=expected, got=f"{module} ({error})") from error
    public = [one for one, value in vars(found).items() if callable(value) and one[0] != "_"]
    one_of("config name", name, public)
    return getattr(found, name)


def _value(name: str, value: Any) -> Any:
    if isinstance(value, Mapping) and KEYS & value.keys():
        return build(value)
    pair = name in ("clip_values", "preprocessing", "input_shape", "input_px", "size_px")
    return tuple(value) if pair and isinstance(value, list) else value
