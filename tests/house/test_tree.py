"""What lies in the repository: known folders, small files, no machine's paths."""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from tests.shared_data import DATA, ROOT, needs_data

FOLDERS = {".ci", "physadv", "plugins", "patches", "tests", "examples", "benchmarks", "docs"}
LARGEST = 3 * 2**20
MACHINE_PATH = re.compile(r"(?<![\w.:/])(/(home|Users|root|work|mnt|tmp)/|[A-Z]:\\)\w")
INDEX = re.compile(
    r"index-url|find-links|pythonhosted\.org|download\.pytorch\.org|pypi\.org/simple"
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """List what is in the repository or would be with the next `git add`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in answer.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def texts(paths: list[Path]) -> dict[Path, str]:
    """Return the text of all files that are text, apart from this one."""
    contents = {path: path.read_bytes() for path in paths if path != Path(__file__).resolve()}
    return {
        path: content.decode("utf-8", errors="replace")
        for path, content in contents.items()
        if b"\0" not in content[:8192]
    }


def found(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path, text in texts(paths).items()
        for match in pattern.finditer(text)
    ]


def test_top_level_folders_are_the_planned_ones(tracked: list[Path]) -> None:
    parts = [path.relative_to(ROOT).parts for path in tracked]
    assert {names[0] for names in parts if len(names) > 1} <= FOLDERS


def test_no_file_is_large(tracked: list[Path]) -> None:
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}


def test_no_machine_is_named(tracked: list[Path]) -> None:
    assert found(MACHINE_PATH, tracked) == []


def test_no_package_index_is_named(tracked: list[Path]) -> None:
    assert found(INDEX, tracked) == []


@needs_data
def test_no_shared_data_is_copied(tracked: list[Path]) -> None:
    theirs = [path for path in DATA.rglob("*") if path.is_file()]
    sizes = {path.stat().st_size for path in theirs}
    ours = {digest(path): path for path in tracked if path.stat().st_size in sizes - {0}}
    ours_sizes = {path.stat().st_size for path in ours.values()}
    copies = [path for path in theirs if path.stat().st_size in ours_sizes and digest(path) in ours]
    assert copies == []


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_patterns_themselves() -> None:
    for text in ("see /home/me/x", '"/mnt/data"', "C:\\Users", "=/tmp/y"):
        assert MACHINE_PATH.search(text)
    for text in ("https://host.org/mnt/x", "../mnt/x", "a/tmp/b", "https://x", "/mnts/x"):
        assert not MACHINE_PATH.search(text)
    assert INDEX.search("pip install --index-url x")
