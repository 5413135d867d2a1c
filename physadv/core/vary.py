"""What varies: declared as data (Span, Choice, Seed), drawn first into plain named tensors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import product
from typing import Any, TypeVar

import torch
from torch import Tensor

from physadv.core.check import UserError, check, one_of

Conditions = Mapping[str, Tensor]
"""Dotted names to (B,) tensors: one row of each is one photo's circumstances."""

T = TypeVar("T")


@dataclass(frozen=True)
class Span:
    """A number that varies uniformly in [low, high]; at `neutral` its effect is the identity.

    `log=True` draws evenly in the logarithm. A fixed value is a span without width: `Span.at(v)`.
    """

    low: float
    high: float
    neutral: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        """Refuse an empty span."""
        check(self.low <= self.high, "Span", expected="low <= high", got=(self.low, self.high))

    @classmethod
    def at(cls, value: float, neutral: float | None = None) -> "Span":
        """Return the span that is always `value`."""
        return cls(value, value, neutral)

    @property
    def idle(self) -> bool:
        """Whether it can only be neutral, so that its effect may be left out."""
        return self.low == self.high == self.neutral

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw (n,) values; what does not vary takes no chance."""
        if self.low == self.high:
            return torch.full((n,), float(self.low))
        share = torch.rand(n, generator=rng)
        if self.log:
            low, high = torch.tensor([self.low, self.high]).log()
            return torch.exp(low + share * (high - low))
        return self.low + share * (self.high - self.low)


@dataclass(frozen=True)
class Choice:
    """One of several numbers, evenly likely."""

    options: tuple[float, ...]
    neutral: float | None = None

    @property
    def idle(self) -> bool:
        """Whether it can only be neutral."""
        return self.options == (self.neutral,)

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw (n,) values."""
        picks = torch.randint(len(self.options), (n,), generator=rng)
        return torch.tensor(self.options)[picks]


@dataclass(frozen=True)
class Seed:
    """The seed of a random field (noise, wrinkles): one integer a sample."""

    neutral: float | None = 0
    idle = True
    """A seed alone changes nothing."""

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw (n,) seeds, exact in float32."""
        return torch.randint(2**24, (n,), generator=rng).float()


Varying = Span | Choice | Seed


def declared(effect: Any, prefix: str = "") -> dict[str, Varying]:
    """List what varies in a dataclass and the dataclasses inside it, by dotted name."""
    found: dict[str, Varying] = {}
    for field in fields(effect):
        value, name = getattr(effect, field.name), prefix + field.name
        if isinstance(value, Span | Choice | Seed):
            found[name] = value
        elif is_dataclass(value) and not isinstance(value, type):
            found |= declared(value, name + ".")
    return found


def at_rest(effect: T) -> T:
    """Return an optional effect with every span fixed at its neutral value."""
    fixed = {
        field.name: Span.at(value.neutral, value.neutral)
        for field in fields(effect)  # type: ignore[arg-type]  # T is a dataclass
        if isinstance(value := getattr(effect, field.name), Span) and value.neutral is not None
    }
    return replace(effect, **fixed)  # type: ignore[type-var]  # T is a dataclass


def idle(effect: Any) -> bool:
    """Whether an effect is fixed at neutral, so that it may be left out."""
    return all(varying.idle for varying in declared(effect).values())


def draw(names: Mapping[str, Varying], n: int, rng: torch.Generator) -> dict[str, Tensor]:
    """Draw n rows of conditions."""
    return {name: varying.draw(n, rng) for name, varying in names.items()}


def neutral(names: Mapping[str, Varying], n: int) -> dict[str, Tensor]:
    """Return n rows at neutral; where there is no neutral, the middle of what is declared."""
    return {name: torch.full((n,), _rest(varying)) for name, varying in names.items()}


def _rest(varying: Varying) -> float:
    if varying.neutral is not None:
        return float(varying.neutral)
    if isinstance(varying, Span):
        return (varying.low + varying.high) / 2
    return varying.options[0] if isinstance(varying, Choice) else 0.0


def grid(
    draw: Callable[[int, torch.Generator], dict[str, Tensor]],
    axes: Mapping[str, Sequence[float]],
    each: int,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    """Return conditions for every combination of the axes' values, `each` draws of the rest.

    `draw` draws rows of them all; the axes are names it draws. Rows run with the last axis
    fastest after the draws: cell c holds rows c*each..(c+1)*each-1.
    """
    cells = torch.tensor(list(product(*axes.values())), dtype=torch.float32)
    given = draw(len(cells) * each, rng)
    for axis in axes:
        one_of("axis", axis, given)
    columns = cells.repeat_interleave(each, dim=0).T
    return given | dict(zip(axes, columns, strict=True))


def below(given: Conditions, prefix: str) -> dict[str, Tensor]:
    """Return the conditions under a dotted prefix, with the prefix taken off."""
    start = prefix + "."
    return {name[len(start) :]: value for name, value in given.items() if name.startswith(start)}


def take(given: Conditions, rows: Tensor | slice) -> dict[str, Tensor]:
    """Return the chosen rows of every condition."""
    return {name: value[rows] for name, value in given.items()}


def widened(effect: T, name: str, values: Sequence[float]) -> T:
    """Return a copy whose span at a dotted name holds the values too; not idle any more, then."""
    span = declared(effect)[name]
    if not isinstance(span, Span):
        return effect
    hull = replace(span, low=min(span.low, *values), high=max(span.high, *values))
    return with_value(effect, name, hull)


def with_value(effect: T, name: str, value: object) -> T:
    """Return a copy of a dataclass with the field at a dotted name replaced."""
    head, _, rest = name.partition(".")
    known = [field.name for field in fields(effect)]  # type: ignore[arg-type]  # T is a dataclass
    if head not in known:
        raise UserError("name", expected="one of " + ", ".join(known), got=repr(head))
    inner = with_value(getattr(effect, head), rest, value) if rest else value
    return replace(effect, **{head: inner})  # type: ignore[type-var]  # T is a dataclass
