"""Checks at the door: one clear line that says which argument, what was expected, what came."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST_NAMES = 24
"""How many names a message lists."""


class UserError(ValueError):
    """Something a user gave is wrong; the message is one line, ready to be shown."""

    def __init__(self, argument: str, *, expected: str, got: object, fix: str = "") -> None:
        """Say that `argument` should be `expected`, is `got`, and what to do (`fix`)."""
        self.argument, self.expected, self.got, self.fix = argument, expected, got, fix
        advice = f"; {fix}" if fix else ""
        super().__init__(f"{argument}: expected {expected}, got {got}{advice}")

    def about(self, argument: str, fix: str = "") -> "UserError":
        """Return the same error about another argument, with other advice if that is given."""
        return UserError(argument, expected=self.expected, got=self.got, fix=fix or self.fix)


def check(holds: bool, argument: str, *, expected: str, got: object, fix: str = "") -> None:
    """Raise `UserError` unless `holds`."""
    if not holds:
        raise UserError(argument, expected=expected, got=got, fix=fix)


def at_least_one(settings: object, *names: str) -> None:
    """Raise `UserError` for the first of these settings that is below 1."""
    for name in names:
        value = getattr(settings, name)
        check(value >= 1, name, expected="at least 1", got=value)


def above_zero(settings: object, *names: str) -> None:
    """Raise `UserError` for the first of these settings that is 0 or below."""
    for name in names:
        value = getattr(settings, name)
        check(value > 0, name, expected="above 0", got=value)


def one_of(argument: str, got: str, names: Iterable[str]) -> None:
    """Raise `UserError` unless `got` is among `names`; the message offers the nearest name."""
    known = list(names)
    if got not in known:
        alike = [name for name in known if name.lower() == got.lower()]
        near = alike or get_close_matches(got, known, n=1)
        fix = f"did you mean {near[0]!r}?" if near else ""
        more = f", … ({len(known)} in all)" if len(known) > MOST_NAMES else ""
        expected = "one of " + ", ".join(known[:MOST_NAMES]) + more
        raise UserError(argument, expected=expected, got=repr(got), fix=fix)


def near_names(got: str, known: Iterable[str]) -> str:
    """List the dotted names inside `got`, or else those like it and those beside it."""
    names = list(known)
    inside = [one for one in names if one.startswith(got + ".")][:MOST_NAMES]
    beside = [one for one in names if one.rpartition(".")[0] == got.rpartition(".")[0]]
    near = inside or get_close_matches(got, names, n=3) + beside
    return ", ".join(dict.fromkeys(near)) or "a dotted name such as " + names[0]
