"""What is public is exported, exists, and says what it does."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.house.source import PACKAGE, PLUGINS, files, imports, module_name, place, tree
from tests.shared_data import ROOT

SOURCE = files(PACKAGE, PLUGINS)
PACKAGES = [module_name(path) for path in SOURCE if path.name == "__init__.py"]
VARYING = {"Span", "Choice", "Seed"}
STAGES = {"patch", "printing", "scene", "camera"}


def exported(package: str) -> tuple[ModuleType, list[str]]:
    module = importlib.import_module(package)
    return module, list(getattr(module, "__all__", []))


def undocumented(name: str, thing: object) -> Iterator[str]:
    """Yield the dotted names of our classes, functions and public methods without docstring."""
    ours = getattr(thing, "__module__", "").startswith("physadv")
    if not ours or not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return
    text = (thing.__doc__ or "").strip()
    if not text or text.startswith(f"{name}("):  # the signature that a bare dataclass is given
        yield name
    if inspect.isclass(thing):
        public = [key for key in vars(thing) if not key.startswith("_")]
        yield from (f"{name}.{key}" for key in public if not says(thing, key))


def says(owner: type, key: str) -> bool:
    """Whether an attribute is no method or property, or it or one it overrides has a docstring."""
    value = vars(owner)[key]
    if not isinstance(value, property | classmethod | staticmethod) and not inspect.isfunction(
        value
    ):
        return True
    above = [getattr(base, key, None) for base in owner.__mro__]
    return any((getattr(one, "__doc__", None) or "").strip() for one in [value, *above])


def definitions(path: Path) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    for node in tree(path).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def is_used(node: ast.ClassDef | ast.FunctionDef, path: Path) -> bool:
    """Whether a file uses a name it defines, or hands it to a decorator (a CLI command)."""
    names = (name.id for name in ast.walk(tree(path)) if isinstance(name, ast.Name))
    registered = any(isinstance(decorator, ast.Call) for decorator in node.decorator_list)
    is_command = registered and isinstance(node, ast.FunctionDef)
    return is_command or node.name in names


def varies(node: ast.stmt) -> bool:
    """Whether it is a class that declares a Span, a Choice or a Seed as a field."""
    fields = [field for field in getattr(node, "body", []) if isinstance(field, ast.AnnAssign)]
    names = {
        name.id
        for field in fields
        for name in ast.walk(field.annotation)
        if isinstance(name, ast.Name)
    }
    return isinstance(node, ast.ClassDef) and bool(names & VARYING)


def exports(path: Path) -> set[str]:
    """Return what the `__init__` files of the folder of a file, and of those above, import."""
    inits = [folder / "__init__.py" for folder in path.parents]
    found = [name for init in inits if init in SOURCE for name, _ in imports(init)]
    return {name.rpartition(".")[2] for name in found}


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_exported_exists_once(package: str) -> None:
    module, names = exported(package)
    assert [name for name in names if not hasattr(module, name)] == []
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("package", PACKAGES)
def test_what_an_init_imports_is_exported(package: str) -> None:
    path = next(path for path in SOURCE if module_name(path) == package and path.stem == "__init__")
    imported = {name.rpartition(".")[2] for name, _ in imports(path)}
    assert imported <= set(exported(package)[1])


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_exported_has_a_docstring(package: str) -> None:
    module, names = exported(package)
    missing = [gap for name in names for gap in undocumented(name, getattr(module, name))]
    assert missing == []


def test_what_is_public_is_exported_or_used() -> None:
    """A public class or function that is neither is dead, or its line in `__init__` is missing."""
    imported = {name for path in SOURCE for name, _ in imports(path)}
    forgotten = [
        f"{place(path, node.lineno)} {node.name}"
        for path in SOURCE
        for node in definitions(path)
        if f"{module_name(path)}.{node.name}" not in imported and not is_used(node, path)
    ]
    assert forgotten == []


def test_the_effects_of_a_stage_are_exported() -> None:
    forgotten = [
        f"{place(path, node.lineno)} {node.name}"
        for path in SOURCE
        if path.relative_to(ROOT).parts[1] in STAGES
        for node in definitions(path)
        if varies(node) and node.name not in exports(path)
    ]
    assert forgotten == []


def test_the_measures_themselves() -> None:
    class Bare:
        def method(self) -> None: ...

    Bare.__module__ = "physadv.somewhere"
    assert list(undocumented("Bare", Bare)) == ["Bare", "Bare.method"]
    effect = ast.parse("class Blur:\n    size_px: Span | None = None\n").body[0]
    assert varies(effect)
    assert not varies(ast.parse("class Blur:\n    size_px: float = 1\n").body[0])
