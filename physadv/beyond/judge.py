"""The judge of anything: of what is read right before an attack, what is read wrong after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from physadv.core import Rate, check, wilson

T = TypeVar("T")

CONTROL_SHARE = 0.05
RIGHT_SHARE = 0.9


class Counted(Protocol):
    """Something that counts what it is asked."""

    queries: int


@dataclass(frozen=True, eq=False)
class Outcome(Generic[T]):
    """What came of an attack: rates with Wilson's intervals, among the items read right before.

    `right` of all items; `success` and `control` of the `kept` ones (their places among all items)
    that are read wrong after the attack, and after a change of the same size without aim; `made`
    and `fooled`, one for each kept item; `queries` that the attack asked in all, None where nobody
    counts.
    """

    right: Rate
    success: Rate
    control: Rate | None
    kept: tuple[int, ...]
    made: tuple[T, ...]
    fooled: tuple[bool, ...]
    queries: int | None
    doubts: tuple[str, ...]

    @property
    def left_out(self) -> int:
        """How many items count for nothing, since they were read wrong before."""
        return self.right.n - self.right.hits


def judge(
    items: Sequence[T],
    truth: Sequence[Any],
    ask: Callable[[Sequence[T]], Sequence[Any]],
    attack: Callable[[Sequence[T], Sequence[Any]], Sequence[T]],
    *,
    control: Callable[[Sequence[T], Sequence[T]], Sequence[T]] | None = None,
    counter: Counted | None = None,
) -> Outcome[T]:
    """Judge an attack on items of any kind; what it says of itself is not heard.

    `ask` answers each of some items, `truth` is the right answer for each. `attack` is given the
    items read right and their truth, and returns as many changed ones; `control` is given items
    and changed ones, and returns others. `counter` counts the queries. Raises `UserError` where
    nothing is read right, or where numbers differ.
    """
    fits = len(truth) == len(items) > 0
    check(fits, "truth", expected=f"an answer for each of the {len(items)} items", got=len(truth))
    before = _answers(ask, items)
    kept = [k for k, (one, wanted) in enumerate(zip(before, truth, strict=True)) if one == wanted]
    expected = "an item that the victim reads right"
    check(bool(kept), "items", expected=expected, got=f"{len(items)} that it reads wrong")
    shown, wanted = [items[k] for k in kept], [truth[k] for k in kept]
    asked = counter.queries if counter else 0
    made = _as_many(attack(shown, wanted), shown, "attack")
    queries = counter.queries - asked if counter else None
    fooled = _wrong(ask, made, wanted)
    other = None
    if control is not None:
        other = _rate(_wrong(ask, _as_many(control(shown, made), shown, "control"), wanted))
    right = wilson(len(kept), len(items))
    doubts = tuple(_doubts(right, other))
    rates = (right, _rate(fooled), other)
    return Outcome(*rates, tuple(kept), tuple(made), tuple(fooled), queries, doubts)


def _answers(ask: Callable[[Sequence[T]], Sequence[Any]], items: Sequence[T]) -> Sequence[Any]:
    found = ask(items)
    check(len(found) == len(items), "ask", expected=f"{len(items)} answers", got=len(found))
    return found


def _as_many(made: Sequence[T], items: Sequence[T], who: str) -> Sequence[T]:
    check(len(made) == len(items), who, expected=f"{len(items)} items", got=len(made))
    return made


def _wrong(
    ask: Callable[[Sequence[T]], Sequence[Any]], items: Sequence[T], truth: Sequence[Any]
) -> list[bool]:
    found = _answers(ask, items)
    return [bool(one != wanted) for one, wanted in zip(found, truth, strict=True)]


def _rate(hits: Sequence[bool]) -> Rate:
    return wilson(sum(hits), len(hits))


def _doubts(right: Rate, control: Rate | None) -> list[str]:
    doubts = []
    if control is not None and control.share > CONTROL_SHARE:
        doubts.append(f"the control succeeds in {control} too")
    if right.share < RIGHT_SHARE:
        doubts.append(f"the victim is right about only {right}")
    return doubts
