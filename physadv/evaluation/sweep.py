"""One condition moved from end to end, all others at rest: what each effect does, in pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, replace
from math import inf, isfinite

import torch
from torch import Tensor

from physadv.core import Choice, Seed, Span, UserError, Varying, check
from physadv.core.check import near_names
from physadv.evaluation.grid import awake, check_axes
from physadv.evaluation.shots import SCORE, ContactSheet, shots
from physadv.problem import Problem
from physadv.world import World

UNITS = {
    "m_per_s": " m/s",
    "deg_per_s": "°/s",
    "per_s": "/s",
    "deg": "°",
    "ev": " EV",
    "px": " px",
    "mm": " mm",
    "m": " m",
    "k": " K",
    "pct": " %",
    "s": " s",
    "e": " e\N{SUPERSCRIPT MINUS}",
}
"""How people write the endings of names."""

SIGNED = ("deg", "ev")

RESTING: dict[str, Varying] = {"scene.pose.height_m": Span(0.0, 5.0)}
"""What rests even by itself, and how far it goes: from the camera's height to a gantry's."""


def sweep(
    problem: Problem,
    theta: Tensor | None,
    name: str,
    values: Sequence[float],
    *,
    at: Mapping[str, float] | None = None,
    score: float = SCORE,
) -> ContactSheet:
    """Photograph theta with one condition at each of the values, judged hard; see `shots`.

    The others are at neutral where the world allows it, else in the middle of what it allows,
    unless `at` holds them elsewhere. The effect is widened to reach the values. Raises `UserError`
    for names that do not vary, and for values that they cannot take.
    """
    held = at or {}
    moved: dict[str, Sequence[float]] = {
        **{one: (value,) for one, value in held.items()},
        name: values,
    }
    world = problem.world
    for one, some in moved.items():
        world = _widened(world, one, some)
    given = {one: torch.full((len(values),), middle(v)) for one, v in world.declared().items()}
    given |= {one: torch.full((len(values),), value) for one, value in held.items()}
    given |= {name: torch.tensor(values, dtype=torch.float32)}
    captions = tuple(said(name, value) for value in values)
    return shots(replace(problem, world=world), theta, given, captions, score=score)


def sweep_values(problem: Problem, text: str, n: int) -> tuple[str, tuple[float, ...]]:
    """Read "name", "name=low..high" or "name=1,2,5" as a condition's name and its values.

    A bare name takes n values over what the world allows; where that is one value only, over what
    the effect allows by itself. Raises `UserError`.
    """
    name, is_given, wanted = text.strip().partition("=")
    check_name(problem.declared(), name)
    if "," in wanted:
        return name, tuple(_number(part, text) for part in wanted.split(","))
    low, dots, high = wanted.partition("..")
    if is_given and not dots:
        return name, (_number(low, text),)
    if not is_given:
        return name, spread(_allowed(problem, name), n)
    here = problem.declared()[name]
    check(not isinstance(here, Choice), f"sweep {name}", expected="values", got=repr(wanted))
    log = isinstance(here, Span) and here.log
    return name, spread(_span(name, _number(low, text), _number(high, text), log), n)


def check_name(declared: Mapping[str, Varying], name: str) -> None:
    """Raise `UserError` for a condition that does not vary; the message lists those near it."""
    if name in declared:
        return
    listed = near_names(name, declared)
    fix = "physadv preview --list shows all " + str(len(declared))
    raise UserError("sweep", expected=f"one of {listed}", got=repr(name), fix=fix)


def spread(varying: Varying, n: int) -> tuple[float, ...]:
    """Return n values from low to high; of a choice its first n options, of a seed 0 to n - 1."""
    if isinstance(varying, Choice):
        return tuple(varying.options[:n])
    if isinstance(varying, Seed):
        return tuple(float(value) for value in range(n))
    ends = torch.tensor([varying.low, varying.high], dtype=torch.float64)
    share = torch.linspace(0, 1, max(n, 2), dtype=torch.float64)[:n]
    low, high = ends.log() if varying.log else ends
    values = low + share * (high - low)
    return tuple(round(v, 10) for v in (values.exp() if varying.log else values).tolist())


def middle(varying: Varying) -> float:
    """Return the neutral value where it is allowed, else the middle of what is."""
    rest = varying.neutral
    if isinstance(varying, Choice):
        return rest if rest in varying.options and rest is not None else varying.options[0]
    if isinstance(varying, Seed):
        return 0.0 if rest is None else rest
    if rest is not None and varying.low <= rest <= varying.high:
        return rest
    return float(
        (varying.low * varying.high) ** 0.5 if varying.log else (varying.low + varying.high) / 2
    )


def said(name: str, value: float) -> str:
    """Say a value as people write it: -12°, +0.3 EV, 7.5 m, 0.25."""
    ending = next((end for end in UNITS if name.endswith("_" + end)), "")
    text = f"{value:+.3g}" if ending in SIGNED and value else f"{value:.3g}"
    if 1000 <= abs(value) < inf:
        text = f"{value:,.0f}"
    text = text.replace("inf", "\N{INFINITY}").replace("-", "\N{MINUS SIGN}")
    return text + UNITS.get(ending, "")


def own_default(world: object, name: str) -> Varying | None:
    """Return what the effect that a dotted name belongs to declares by itself, if anything."""
    path, _, last = name.rpartition(".")
    effect = world
    for part in path.split("."):
        effect = getattr(effect, part)
    field = next(one for one in fields(effect) if one.name == last)  # type: ignore[arg-type]  # effects are dataclasses
    return None if field.default is MISSING else field.default


def _allowed(problem: Problem, name: str) -> Varying:
    """Return what the world allows; where it is one value, what the effect does by itself."""
    here = problem.declared()[name]
    if not isinstance(here, Span) or here.low < here.high:
        return here
    alone = RESTING.get(name) or own_default(problem.world, name)
    varies = isinstance(alone, Span) and alone.low < alone.high
    fix = f"give a range: {name}=low..high"
    check(varies, f"sweep {name}", expected="a range", got=f"always {here.low:g}", fix=fix)
    return alone if isinstance(alone, Span) else here


def _widened(world: World, name: str, values: Sequence[float]) -> World:
    """Return the world with what a name declares widened to hold the values."""
    check_name(world.declared(), name)
    here, alone = world.declared()[name], own_default(world, name)
    if not isinstance(here, Span):
        _check_values(name, here, values)
        return world
    known = here
    if isinstance(alone, Span):
        known = replace(here, low=min(here.low, alone.low), high=max(here.high, alone.high))
    _check_values(name, known, [v for v in values if not known.low <= v <= known.high])
    return awake(world, name, values)


def _check_values(name: str, varying: Varying, values: Sequence[float]) -> None:
    try:
        check_axes({name: varying}, {name: values})
    except UserError as error:
        raise error.about(f"sweep {name}") from error


def _span(name: str, low: float, high: float, log: bool) -> Span:
    fix = "swap the two" if low > high else ""
    check(low <= high, f"sweep {name}", expected="low..high", got=f"{low:g}..{high:g}", fix=fix)
    return Span(low, high, log=log and low > 0)


def _number(part: str, text: str) -> float:
    expected = "name, name=low..high or name=value,value…"
    try:
        value = float(part)
    except ValueError as error:
        raise UserError("sweep", expected=expected, got=repr(text)) from error
    check(isfinite(value), "sweep", expected="finite numbers", got=repr(text))
    return value
