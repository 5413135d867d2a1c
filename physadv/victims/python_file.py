"""Calling a function in a Python file of the user's."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from physadv.core import UserError
from physadv.core.check import one_of
from physadv.victims.door import first_line
from physadv.victims.weights import check_file


def call_function(argument: str, path: Path, name: str) -> object:
    """Run a Python file and return what its function `name` gives without arguments.

    The file may import its neighbours. Whatever it raises comes as `UserError` about `argument`.
    """
    check_file(argument, path)
    with _neighbours(path.resolve().parent):
        try:
            module = _run(path)
            functions = [key for key, value in vars(module).items() if callable(value)]
            one_of(argument, name, functions)
            return getattr(module, name)()
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                argument,
                expected=f"{path}:{name} to run",
                got=first_line(error),
                fix=_where(error, path),
            ) from error


def _run(path: Path) -> ModuleType:
    # dataclasses and others look their module up in sys.modules
    name = f"physadv_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError("victim", expected="a Python file", got=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def _neighbours(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _where(error: BaseException, path: Path) -> str:
    trace, line = error.__traceback__, 0
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path.resolve():
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"see line {line} of {path.name}" if line else ""
