"""The Law of storeys and the Law of frameworks: who may import whom, read from the source."""

import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, PLUGINS, files, imports, module_name, place
from tests.shared_data import ROOT

STOREYS = [
    {"core"},
    {"patch", "printing", "scene", "camera", "victims", "objectives", "generative"},
    {"world"},
    {"approach"},
    {"presets"},
    {"problem"},
    {"judge"},
    {"attacks"},
    {"defences"},
    {"training"},
    {"evaluation", "beyond"},
    {"calibration"},
    {"scoring"},
    {"design"},
    {"output"},
    {"cli", "testing"},
]
LEVEL = {room: level for level, rooms in enumerate(STOREYS) for room in rooms}

FRAMEWORKS = {
    "art": "art",
    "foolbox": "foolbox",
    "torchattacks": "torchattacks",
    "timm": "timm",
    "torchvision": "torchvision",
    "onnx": "onnx",
    "onnx2torch": "onnx",
    "onnxruntime": "onnx",
    "gymnasium": "gymnasium",
    "pyarrow": "parquet",
    "ray": "ray",
    "sklearn": "scikit",
}
"""Import name to the stem of the one file of the package that may be about it."""

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "registry"}

SOURCE = files(PACKAGE)


def room(dotted: str) -> str:
    """Return the room of physadv.room.…; names of the package itself (a version) have none."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in LEVEL else ""


def allowed(importer: str, imported: str) -> bool:
    if importer == imported or not imported:
        return True
    if importer == "generative":
        return imported == "core"
    return LEVEL[imported] < LEVEL[importer]


def target(dotted: str, modules: set[str]) -> str:
    """Return the module that an imported name lives in."""
    while dotted and dotted not in modules:
        dotted = dotted.rpartition(".")[0]
    return dotted


def graph() -> dict[str, set[str]]:
    modules = {module_name(path) for path in SOURCE}
    edges: dict[str, set[str]] = {}
    for path in SOURCE:
        found = {target(name, modules) for name, _ in imports(path)}
        edges[module_name(path)] = found - {"", module_name(path)}
    return edges


def test_every_room_is_in_the_plan() -> None:
    names = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in SOURCE}
    assert names - {"__init__", "__main__"} <= set(LEVEL)


@pytest.mark.parametrize("path", SOURCE, ids=place)
def test_nothing_imports_upward_or_sideways(path: Path) -> None:
    here = room(module_name(path))
    wrong = [
        f"{place(path, line)} imports {name}"
        for name, line in imports(path)
        if here and name.startswith("physadv.") and not allowed(here, room(name))
    ]
    assert wrong == []


def test_there_are_no_circles() -> None:
    try:
        list(TopologicalSorter(graph()).static_order())
    except CycleError as error:
        pytest.fail("a circle: " + " -> ".join(error.args[1]))


@pytest.mark.parametrize("path", SOURCE, ids=place)
def test_frameworks_stay_outside(path: Path) -> None:
    wrong = [
        f"{place(path, line)} imports {name}"
        for name, line in imports(path)
        if FRAMEWORKS.get(name.split(".")[0], path.stem) != path.stem
    ]
    assert wrong == []


def test_the_package_does_not_know_its_plugins() -> None:
    wrong = [
        place(path, line)
        for path in SOURCE
        for name, line in imports(path)
        if name.startswith("physadv_")
    ]
    assert wrong == []


def test_no_file_is_a_drawer() -> None:
    wrong = [
        place(path)
        for path in files(PACKAGE, PLUGINS)
        if FORBIDDEN_NAMES & set(path.relative_to(ROOT).with_suffix("").parts)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("importer", "imported", "good"),
    [
        ("camera", "core", True),
        ("camera", "scene", False),
        ("core", "camera", False),
        ("attacks", "judge", True),
        ("judge", "attacks", False),
        ("cli", "testing", False),
        ("generative", "patch", False),
        ("scene", "scene", True),
    ],
)
def test_the_law_itself(importer: str, imported: str, good: bool) -> None:
    assert allowed(importer, imported) is good


def test_the_command_line_starts_without_what_few_commands_need() -> None:
    """Drawing, statistics and frameworks load where they are used: each takes its time."""
    slow = [
        "matplotlib",
        "scipy.stats",
        "scipy.signal",
        "cma",
        "torchvision",
        "timm",
        "onnxruntime",
        "art",
        "foolbox",
        "gymnasium",
        "pyarrow",
        "ray",
    ]
    code = f"import sys, physadv.cli; print([one for one in {slow} if one in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
