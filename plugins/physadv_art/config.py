"""Attacks, estimators and objectives from JSON, as Armory writes them: module, name, kwargs."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import physadv.objectives
from physadv.core import UserError, check
from physadv.core.check import one_of
from physadv.objectives import Objective, cross_entropy, margin

KEYS = {"module", "name", "kwargs"}
OTHERS = {"knowledge", "type", "use_label", "generate_kwargs", "sweep_params", "fit", "fit_kwargs"}
"""Keys that Armory's configurations have and that are not about construction."""
PACKAGES = ("physadv_art", "art")
"""Where things may come from: a configuration is data, not a way to run anything."""
OBJECTIVES = "physadv.objectives"
GOALS = ("as_labelled", "targeted", "untargeted", "vanish")
"""The objectives that one may name: those that say when an attack succeeded."""
LOSSES = {"cross_entropy": cross_entropy, "margin": margin}


def build(config: Mapping[str, Any] | str | Path, estimator: Any = None) -> Any:
    """Return what `{"module": …, "name": …, "kwargs": {…}}` says, from a mapping or a JSON file.

    With an `estimator` the thing is an attack on it. Mappings of the same kind among the kwargs
    are built first; lists for `clip_values` become pairs. Such a mapping may be an objective of
    `physadv.objectives`, whose `label` may be a name where the estimator is a
    `DetectorClassifier`, and whose `loss` is "cross_entropy" or "margin". Raises `UserError` for
    what is unknown or does not fit.
    """
    known = _read(config) if isinstance(config, str | Path) else dict(config)
    odd = sorted(known.keys() - KEYS - OTHERS)
    check(not odd, "config", expected="the keys module, name, kwargs", got=", ".join(odd))
    for key in ("module", "name"):
        text = known.get(key)
        good = isinstance(text, str)
        check(good, f"config {key}", expected="a text", got=repr(text))
    kwargs = known.get("kwargs") or {}
    check(isinstance(kwargs, Mapping), "config kwargs", expected="names and values", got=kwargs)
    kwargs = dict(kwargs)
    if known["module"] == OBJECTIVES:
        return _objective(known["name"], kwargs, estimator)
    thing = _find(known["module"], known["name"])
    kwargs = {name: _value(name, value, estimator) for name, value in kwargs.items()}
    return _made(known["name"], thing, () if estimator is None else (estimator,), kwargs)


def _read(path: str | Path) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("config", expected="a JSON file", got=f"{path} ({error})") from error
    got = type(found).__name__
    check(isinstance(found, dict), "config", expected="a JSON object", got=f"{path} with a {got}")
    return dict(found)


def _made(name: str, thing: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call what was found; raises `UserError` for arguments that it does not take."""
    try:
        return thing(*args, **kwargs)
    except UserError as error:
        raise error.about(f"{name} {error.argument}") from error
    except (TypeError, ValueError) as error:
        raise UserError("config kwargs", expected=f"what {name} takes", got=str(error)) from error


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


def _value(name: str, value: Any, estimator: Any) -> Any:
    if isinstance(value, Mapping) and KEYS & value.keys():
        value = build(value, estimator if value.get("module") == OBJECTIVES else None)
    if name == "objective":
        good, expected = isinstance(value, Objective | None), f"an objective of {OBJECTIVES}"
        fix = f'say {{"module": "{OBJECTIVES}", "name": "vanish", "kwargs": {{"label": 0}}}}'
        check(good, "config objective", expected=expected, got=repr(value), fix=fix)
    pair = name in ("clip_values", "preprocessing", "input_shape", "input_px", "size_px")
    return tuple(value) if pair and isinstance(value, list) else value


def _objective(name: str, kwargs: dict[str, Any], estimator: Any) -> Objective:
    """Return an objective; its loss and, of a detector, its label by name."""
    one_of("config name", name, GOALS)
    if isinstance(kwargs.get("loss"), str):
        one_of(f"{name} loss", kwargs["loss"], LOSSES)
        kwargs["loss"] = LOSSES[kwargs["loss"]]
    label = kwargs.get("label")
    if isinstance(label, str):
        detector = getattr(getattr(estimator, "model", None), "victim", None)
        if detector is None:
            expected, fix = "the number of a class", "a DetectorClassifier knows its classes' names"
            raise UserError(f"{name} label", expected=expected, got=repr(label), fix=fix)
        kwargs["label"] = detector.label(label)
    made: Objective = _made(name, getattr(physadv.objectives, name), (), kwargs)
    return made
