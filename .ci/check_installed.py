"""Fails unless the installed package holds every file of the checkout's packages and designs.

Tests run beside the checkout and would not notice a file that the wheel lacks.
"""

import sys
from importlib.metadata import files
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def packaged(base: Path, package: str) -> set[str]:
    """Return the files of a package below `base`, as paths relative to `base`."""
    found = (path for path in (base / package).rglob("*") if path.is_file())
    return {path.relative_to(base).as_posix() for path in found if "__pycache__" not in path.parts}


def main() -> None:
    """Compare and exit."""
    installed = {file.as_posix() for file in files("physadv") or []}
    wanted = packaged(ROOT, "physadv")
    for plugin in (ROOT / "plugins").glob("physadv_*"):
        wanted |= packaged(ROOT / "plugins", plugin.name)
    wanted |= {f"physadv/{name}" for name in packaged(ROOT, "patches")}
    missing = sorted(wanted - installed)
    sys.exit(f"not installed: {', '.join(missing)}" if missing else 0)


if __name__ == "__main__":
    main()
