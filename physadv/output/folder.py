"""A result's folder: what it holds, what guards it, and how it is read again."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import Tensor

from physadv.core import UserError
from physadv.design import Design, read_design
from physadv.victims import read_weights

STATE, THETA, DESIGN, CARD = "state.safetensors", "theta.safetensors", "design.toml", "card.json"
EVALUATION = "evaluation.json"
SHEETS = ("sheet.pdf", "sheet.svg")
FILES = (*(THETA, DESIGN, CARD, "patch.png", "sign.png"), *SHEETS, "report.html")
"""What a result consists of; what prints nothing has no sheets."""


def check_folder(path: Path, *, force: bool = False, resume: bool = False) -> None:
    """Raise `UserError` where the folder cannot be written or already holds a result.

    Nothing is made or touched.
    """
    try:
        held = [name for name in (*FILES, STATE) if (path / name).exists()]
        blocked = [str(path / name) for name in held if (path / name).is_dir()]
        place = next(place for place in (path, *path.absolute().parents) if place.exists())
        writable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    except OSError:
        held, blocked, place, writable = [], [], path, False
    if blocked or not writable:
        reason = f" ({place} is a file)" if place.is_file() else f" ({', '.join(blocked)})"
        got = f"{path}{reason if blocked or place.is_file() else ', which cannot'}"
        raise _refusal("a folder that can be written", got, "choose another --out")
    if held and not (force or resume):
        _refuse_held(path, held)


def check_unused(path: Path, names: Iterable[str], *, of: str, force: bool) -> None:
    """Raise `UserError` where a path is a file, or holds one of the names and `force` is not given.

    `of` says of what the folder is to be free: "a result", "an explanation".
    """
    if path.exists() and not path.is_dir():
        raise UserError("out", expected="a folder", got=f"{path} (a file)")
    held = [name for name in names if (path / name).exists()]
    if held and not force:
        fix = "choose another --out, or --force to replace it"
        raise _refusal(f"a folder without {of}", f"{path}, which holds one ({held[0]})", fix)


def _refuse_held(path: Path, held: list[str]) -> None:
    free = "a folder without a result"
    if STATE in held:
        fix = "--resume to go on, --force to begin anew, or choose another --out"
        raise _refusal(free, f"{path}, which holds a search that was stopped", fix)
    fix = "choose another --out, or --force to replace it"
    raise _refusal(free, f"{path}, which holds one ({held[0]})", fix)


def _refusal(expected: str, got: str, fix: str) -> UserError:
    return UserError("out", expected=expected, got=got, fix=fix)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise what goes wrong while a folder is written (a full disk, say) as `UserError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise _refusal("a folder that can be written", f"{path} ({reason})", "") from error


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Yield a folder for new files, which replace those in `path` once all are there."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".part-", dir=path) as name:
            yield Path(name)
            for file in sorted(Path(name).iterdir()):
                file.replace(path / file.name)


def read_folder(path: Path) -> tuple[Design, Tensor]:
    """Return the design and theta of a result's folder. Raises `UserError` where it is none."""
    missing = [name for name in (DESIGN, THETA) if not (path / name).is_file()]
    if missing:
        raise UserError(
            "folder",
            expected="a folder made by physadv generate",
            got=f"{path}, which has no {missing[0]}" if path.is_dir() else f"{path}, which is none",
        )
    weights = read_weights(path / THETA)
    if "theta" not in weights:
        raise UserError("folder", expected=f"{THETA} with a theta", got=f"{path}, without one")
    return read_design(path / DESIGN), weights["theta"]
