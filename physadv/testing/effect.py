"""The contract of a camera's what-effects: what any effect on light or picture must keep."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Protocol

import torch
from torch import Tensor

from physadv.core import (
    Choice,
    Conditions,
    Seed,
    Sensor,
    Span,
    Varying,
    Window,
    declared,
    draw,
    generator,
    neutral,
    take,
)
from physadv.testing.contract import hold, near, no_chance_from_outside

UNITS = ("deg", "ev", "px", "mm", "m", "k", "ratio", "pct", "s", "e")
UNITLESS = ("seed", "quality", "which")
SIZE = (48, 32)
ROWS = 3
STEP = 0.01


class Effect(Protocol):
    """A frozen dataclass of Spans, Choices and Seeds that can be called."""

    def __call__(self, image: Any, given: Conditions, window: Window, /) -> Any:
        """Change light or pictures (B,3,H,W) that are seen in `window`."""


def check_effect(effect: Effect, *, smooth: bool = True) -> None:
    """Raise `ContractError` at the first clause of the contract that `effect` breaks.

    The declaration says all that varies, units in names; at neutral an optional effect (one whose
    every field has a neutral) is exactly the identity; shape is kept, input is not written to;
    the same conditions give the same result and no global generator is used; a batch is its rows
    one by one; results and gradients are finite from black to white and at the ends of every
    span; the gradient is the difference quotient, unless `smooth` is False.
    """
    names = check_declaration(effect)
    given = draw(names, ROWS, generator(1))
    if all(varying.neutral is not None for varying in names.values()):
        _check_neutral(effect, neutral(names, ROWS))
    _check_pure(effect, given)
    _check_rows(effect, given)
    for conditions in (given, *ends(names)):
        _check_finite(effect, conditions)
    if smooth:
        _check_slope(effect, given)


def ends(names: Mapping[str, Varying]) -> tuple[Conditions, Conditions]:
    """Return conditions with everything at its lowest, and with everything at its highest."""
    pairs = {name: _ends(varying) for name, varying in names.items()}
    low = {name: torch.full((ROWS,), float(pair[0])) for name, pair in pairs.items()}
    high = {name: torch.full((ROWS,), float(pair[1])) for name, pair in pairs.items()}
    return low, high


def _ends(varying: Varying) -> tuple[float, float]:
    if isinstance(varying, Span):
        return varying.low, varying.high
    return (min(varying.options), max(varying.options)) if isinstance(varying, Choice) else (0, 1)


def check_declaration(effect: object) -> dict[str, Varying]:
    """Return what varies in a frozen dataclass with units in its names, or raise."""
    settings = getattr(type(effect), "__dataclass_params__", None)
    frozen = bool(getattr(settings, "frozen", False))
    hold(frozen, "an effect is a frozen dataclass", type(effect).__name__)
    names = declared(effect)
    hold(len(names) > 0, "an effect declares what varies: a Span, Choice or Seed")
    numbers = [f.name for f in fields(effect) if isinstance(getattr(effect, f.name), float)]  # type: ignore[arg-type]  # a dataclass
    seeds = {name for name, varying in names.items() if isinstance(varying, Seed)}
    for name in {*names, *numbers} - seeds:
        last = name.rpartition(".")[2]
        known = last in UNITLESS or last.rpartition("_")[2] in UNITS
        hold(known, f"names of numbers end in a unit ({', '.join(UNITS)})", name)
    return names


def _check_neutral(effect: Effect, given: Conditions) -> None:
    image = _image(0, 1)
    changed = float((effect(image, given, _window()) - image).abs().max())
    hold(changed == 0, "at neutral an optional effect is exactly the identity", changed)


def _check_pure(effect: Effect, given: Conditions) -> None:
    image, before = _image(0, 1), _image(0, 1)
    kept = {name: value.clone() for name, value in given.items()}
    with no_chance_from_outside("chance comes from conditions, not from a global generator"):
        one = effect(image, given, _window())
        hold(torch.equal(image, before), "the input is not written to")
        other = effect(image, given, _window())
    hold(torch.equal(one, other), "the same conditions give the same result")
    hold(one.shape == image.shape and one.dtype == image.dtype, "shape and type are kept")
    same = given.keys() == kept.keys() and all(torch.equal(given[n], kept[n]) for n in kept)
    hold(same, "the conditions are not written to")


def _check_rows(effect: Effect, given: Conditions) -> None:
    image, window = _image(0, 1), _window()
    alone = [
        effect(
            image[k : k + 1],
            take(given, slice(k, k + 1)),
            Window(window.origin_px[k : k + 1], SIZE, window.sensor),
        )
        for k in range(ROWS)
    ]
    near(effect(image, given, window), torch.cat(alone), "a batch is its rows one by one", 1e-5)


def _check_finite(effect: Effect, given: Conditions) -> None:
    for low, high in ((0.0, 1.0), (0.0, 0.0), (1.0, 1.0)):
        image = _image(low, high).requires_grad_()
        result = effect(image, given, _window())
        hold(bool(result.isfinite().all()), f"results are finite for light in [{low}, {high}]")
        (slope,) = torch.autograd.grad(result.sum(), image)
        hold(bool(slope.isfinite().all()), f"gradients are finite for light in [{low}, {high}]")


def _check_slope(effect: Effect, given: Conditions) -> None:
    """Compare the gradient with a central difference along a direction that it does not know."""
    image = _image(0.15, 0.3).requires_grad_()
    along, weight = _image(-1, 1, seed=5), _image(-1, 1, seed=6)
    (slope,) = torch.autograd.grad((effect(image, given, _window()) * weight).sum(), image)
    hold(bool((slope.abs().amax(dim=(1, 2, 3)) > 0).all()), "the gradient is not zero")
    there, back = (effect(image.detach() + way * STEP * along, given, _window()) for way in (1, -1))
    quotient = ((there - back).double() * weight).sum(dim=(1, 2, 3)) / (2 * STEP)
    product = (slope.double() * along).sum(dim=(1, 2, 3))
    size = (slope.double() ** 2).sum(dim=(1, 2, 3)).sqrt()
    off = float(((quotient - product).abs() / size).max())
    hold(off < 0.02, "the gradient is the difference quotient", f"{100 * off:.1f} % off")


def _image(low: float, high: float, seed: int = 4) -> Tensor:
    share = torch.rand(ROWS, 3, *SIZE, generator=generator(seed))
    return low + (high - low) * share


def _window() -> Window:
    origin = torch.tensor([[0.0, 0.0], [600.0, 450.0], [1100.0, 800.0]])
    return Window(origin, SIZE, Sensor())
