"""The package's source as the house tests read it: files, modules, syntax trees, imports."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.shared_data import ROOT

PACKAGE = ROOT / "physadv"
PLUGINS = ROOT / "plugins"


def files(*folders: Path) -> list[Path]:
    """Return the Python files below folders, without what tools leave behind."""
    found = (path for folder in folders for path in folder.rglob("*.py"))
    return sorted(path for path in found if not any(part[0] == "." for part in path.parts[1:]))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def module_name(path: Path) -> str:
    """Return the dotted name of a file of the package or of a plugin."""
    base = PLUGINS if path.is_relative_to(PLUGINS) else ROOT
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (dotted name, line) of all that a file imports, wherever in the file.

    `from a.b import c` yields a.b.c, be that a module or a name.
    """
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(path, node)
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def _base(path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    here = module_name(path).split(".")
    up = node.level - (path.name == "__init__.py")
    return ".".join(here[: len(here) - up] + ([node.module] if node.module else []))


def place(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"
