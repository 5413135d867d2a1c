"""How long files and functions may be, how many parameters, and what an `__init__` may hold."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.house.source import PACKAGE, PLUGINS, files, place, tree
from tests.shared_data import ROOT

SOURCE = files(PACKAGE, PLUGINS)
EVERYTHING = files(PACKAGE, PLUGINS, *(ROOT / name for name in ("tests", "examples", "benchmarks")))
INITS = [path for path in SOURCE if path.name == "__init__.py"]

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def body_lines(function: Function) -> int:
    """Count the lines of a body from its first to its last, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    return (body[-1].end_lineno or body[-1].lineno) - _first_line(body[0]) + 1


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def parameters(function: Function) -> int:
    """Count parameters without self and cls."""
    given = function.args
    names = [one.arg for one in given.posonlyargs + given.args + given.kwonlyargs]
    names += [one.arg for one in (given.vararg, given.kwarg) if one]
    return len([name for name in names if name not in ("self", "cls")])


def lengths() -> dict[str, int]:
    return {
        f"{place(path, function.lineno)} {function.name}": body_lines(function)
        for path in SOURCE
        for function in functions(path)
    }


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_files_are_short() -> None:
    counts = {place(path): lines(path) for path in SOURCE}
    assert {name: count for name, count in counts.items() if count > 400} == {}
    assert median(counts.values()) <= 120


def test_functions_are_short() -> None:
    counts = lengths()
    assert {name: count for name, count in counts.items() if count > 60} == {}
    assert median(counts.values()) <= 10
    longest = sorted(counts.items(), key=lambda item: -item[1])[: len(counts) // 10]
    assert quantiles(counts.values(), n=10)[-1] <= 28, longest


def test_functions_take_few_parameters() -> None:
    measured = [path for path in SOURCE if not path.is_relative_to(PACKAGE / "cli")]
    counts = {
        f"{place(path, function.lineno)} {function.name}": parameters(function)
        for path in measured
        for function in functions(path)
    }
    assert {name: count for name, count in counts.items() if count > 6} == {}


@pytest.mark.parametrize("path", INITS, ids=place)
def test_an_init_holds_names_only(path: Path) -> None:
    wrong = [place(path, node.lineno) for node in tree(path).body if not _is_name(node)]
    assert wrong == []


def _is_name(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return all(name in ("__all__", "__version__") for name in targets)
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(node, ast.Import | ast.ImportFrom)


@pytest.mark.parametrize("path", EVERYTHING, ids=place)
def test_the_first_line_says_what_the_file_is_for(path: Path) -> None:
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    assert first.startswith(('"""', 'r"""', "# ")), first
    assert len(first.strip('#r" ')) >= 10, first


def test_classes_are_at_most_two_deep_and_no_mixins() -> None:
    bases = {
        node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
        for path in SOURCE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    }
    deep = [
        f"{name}({parent}({grandparent}))"
        for name, parents in bases.items()
        for parent in parents
        for grandparent in bases.get(parent, [])
        if grandparent in bases
    ]
    assert deep == []
    assert [name for name in bases if name.lower().endswith("mixin")] == []


def test_the_measures_themselves() -> None:
    code = '''
class A:
    def f(self, a, /, b, *c, d, **e):
        """Say.

        More.
        """
        x = 1

        return x

    def g(self):
        """Only this."""
'''
    f, g = (node for node in ast.walk(ast.parse(code)) if isinstance(node, Function))
    assert (body_lines(f), parameters(f)) == (3, 5)
    assert (body_lines(g), parameters(g)) == (0, 0)
