"""ART constructors from physadv settings: signature, docs, attributes and checks from one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, Signature
from types import UnionType
from typing import Any, get_args

import numpy as np
from art.attacks import EvasionAttack
from art.estimators.classification.classifier import ClassifierMixin
from art.estimators.estimator import BaseEstimator
from art.summary_writer import SummaryWriter

from physadv.attacks.digital import settings_of
from physadv.objectives import Objective
from physadv_art.frame import frame_of

ART_NAMES = {"steps": "max_iter", "rate": "eps_step", "random_starts": "num_random_init"}
"""What ART calls a setting where it has a name of its own."""

PIXELS = ("eps", "most")
"""Settings that count pixels where the norm is 0."""

ASKED = (BaseEstimator, ClassifierMixin)
"""What an estimator must be where an attack only asks."""


@dataclass(frozen=True)
class Argument:
    """An argument of a constructor: its default, what it is, its types, and whether it scales."""

    default: Any
    about: str
    kinds: tuple[type, ...]
    scales: bool = False


COMMON = {
    "targeted": Argument(False, "whether y holds targets instead of true labels", (bool,)),
    "minimal": Argument(False, "whether images are changed no more than they need be", (bool,)),
    "clip_x": Argument(False, "whether x outside clip_values is clipped, not refused", (bool,)),
    "batch_size": Argument(32, "images that are attacked at once", (int,)),
    "seed": Argument(0, "seed of all chance: same seed, same images", (int,)),
    "summary_writer": Argument(False, "as in all of ART's attacks", (bool, str, SummaryWriter)),
    "verbose": Argument(True, "whether to show a progress bar", (bool,)),
    "objective": Argument(
        None,
        "what is wanted of the answer in place of what y and targeted say, e.g. vanish(label); "
        "of a DetectorClassifier it sees the detector's answer, with all candidates",
        (Objective, type(None)),
    ),
}


def constructed_from(settings: type, **fixed: Any) -> Callable[[type], type]:
    """Return a decorator that gives an attack class its constructor, made from `settings`.

    `fixed` settings are no arguments. The class may have more `arguments` of its own. One that
    needs no gradients takes every classifier of ART's.
    """

    def decorate(cls: type) -> type:
        found = {k: v for k, v in _arguments(settings).items() if k not in fixed}
        known = found | getattr(cls, "arguments", {}) | COMMON
        own: Any = cls
        own.settings, own.fixed, own.known = settings, fixed, known
        params = [name for name in known if name != "summary_writer"]
        own.attack_params = [*EvasionAttack.attack_params, *params]
        own.__init__ = _constructor(known)
        if own.settings.about.needs != "gradients":
            own._estimator_requirements = ASKED
        return cls

    return decorate


def read(attack: Any) -> Any:
    """Return the physadv settings that an attack's attributes say, values scaled to [0,1].

    Numbers of pixels (the norm 0) are no values, and stay. Raises `TypeError` or `ValueError` (of
    which `UserError` is one), as ART's attacks do.
    """
    frame = frame_of(attack.estimator)
    for name, argument in attack.known.items():
        value = getattr(attack, name, argument.default)
        if argument.scales and value is None and argument.default is not None:
            setattr(attack, name, argument.default * frame.width)
        elif name != "summary_writer":
            setattr(attack, name, _checked(name, value, argument))
    if attack.batch_size < 1:
        raise ValueError(f"batch_size: expected at least 1, got {attack.batch_size}")
    values = dict(attack.fixed)
    for name in settings_of(attack.settings).keys() - attack.fixed.keys():
        value = getattr(attack, ART_NAMES.get(name, name))
        pixels = name in PIXELS and getattr(attack, "norm", None) == 0
        scaled = attack.known[ART_NAMES.get(name, name)].scales and value is not None and not pixels
        values[name] = value / frame.width if scaled else value
    ready = getattr(attack, "_ready", dict)
    return attack.settings(**ready(values))


def _arguments(settings: type) -> dict[str, Argument]:
    return {
        ART_NAMES.get(name, name): Argument(
            one.default, one.metadata["about"], _kinds(one.type), one.metadata["scales"]
        )
        for name, one in settings_of(settings).items()
    }


def _kinds(annotation: Any) -> tuple[type, ...]:
    return get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)


def _checked(name: str, value: Any, argument: Argument) -> Any:
    """Return a value of the right type: whole numbers pass as floats, numpy's as Python's."""
    if name == "norm" and value == "inf":
        return float("inf")
    value = value.item() if isinstance(value, np.generic) else value
    if bool in argument.kinds and not isinstance(value, bool):
        raise ValueError(f"{name}: expected a bool, got {value!r}")
    if float in argument.kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, argument.kinds) or (isinstance(value, bool) and int in argument.kinds):
        wanted = " or ".join(getattr(kind, "__name__", str(kind)) for kind in argument.kinds)
        raise TypeError(f"{name}: expected {wanted}, got {value!r}")
    return value


def _constructor(known: Mapping[str, Argument]) -> Callable[..., None]:
    """Return an `__init__` with the signature and docs that the arguments say."""
    place = Parameter.POSITIONAL_OR_KEYWORD
    shown = [Parameter("self", place), Parameter("estimator", place)]
    shown += [Parameter(name, place, default=_shown(one)) for name, one in known.items()]
    signature = Signature(shown)

    def construct(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        values = dict(list(bound.arguments.items())[1:])
        estimator, writer = values.pop("estimator"), values.pop("summary_writer")
        if not isinstance(writer, COMMON["summary_writer"].kinds):
            raise ValueError(f"summary_writer: expected a bool, a path or a writer, got {writer!r}")
        EvasionAttack.__init__(self, estimator=estimator, summary_writer=writer)
        for name, value in values.items():
            setattr(self, name, value)
        self._check_params()

    construct.__name__, construct.__qualname__ = "__init__", "__init__"
    construct.__doc__ = "\n".join(
        ["Make the attack.", "", ":param estimator: The ART classifier to attack."]
        + [f":param {name}: {_told(one)}" for name, one in known.items()]
    )
    construct.__signature__ = signature  # type: ignore[attr-defined]  # inspect reads it
    return construct


def _shown(argument: Argument) -> Any:
    """Return the default that is shown: None for one that depends on the estimator's range."""
    return None if argument.scales else argument.default


def _told(argument: Argument) -> str:
    unit = ""
    if argument.scales:
        unit = ", in the units of clip_values"
        if argument.default is not None:
            unit += f" (None: {argument.default:.4g} of their range)"
    about = argument.about[:1].upper() + argument.about[1:]
    return f"{about}{unit}."
