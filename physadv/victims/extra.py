"""One clear line where an optional package is needed and absent."""

from collections.abc import Iterator
from contextlib import contextmanager

from physadv.core import UserError


@contextmanager
def extra(name: str, argument: str = "victim") -> Iterator[None]:
    """Raise `UserError` about `argument` with what to install where an import inside fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        fix = f"pip install 'physadv[{name}]'"
        expected = f"the packages of the extra {name!r}"
        raise UserError(argument, expected=expected, got=str(error), fix=fix) from error
