"""Finds designs that are kept as data: those that come with the package, or a folder of one's own.

A kept design is a result's folder; sheets and reports may be left out of it.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

import physadv
from physadv.core import UserError, check
from physadv.core.check import one_of
from physadv.design import Design
from physadv.output.folder import CARD, DESIGN, THETA, read_folder, staged

FACTS = ("name", "goal", "sign", "victim", "world", "measured", "budget", "theta")
"""What a card must say to be shown and verified, and one of the next."""
SIZES = ("stickers", "light")
KEPT = (THETA, DESIGN, CARD, "patch.png")
"""Files of a result that are kept as they are."""
PREVIEW_PX = (400, 400)
MAKE = "physadv generate --out DIR makes one"
MEASURED = ("success", "clean", "controls", "n", "seed")
"""What a card must say of its figures."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A design on the shelf: its folder, its design and theta, and its card as plain data."""

    folder: Path
    design: Design
    theta: Tensor
    card: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return what it is called on the shelf."""
        return self.folder.name


def shelf_folder() -> Path:
    """Return where the package's own designs are: inside the installed package, or the checkout.

    Raises `UserError` where neither is there.
    """
    package = Path(physadv.__file__).resolve().parent
    places = (package / "patches", package.parent / "patches")
    found = next((place for place in places if shelved(place)), None)
    if found is None:
        fix = "install physadv anew, or give --dir"
        raise UserError("dir", expected="the designs of the package", got="none", fix=fix)
    return found


def shelved(shelf: Path) -> dict[str, Path]:
    """Return the folders of the designs in a folder, by name; the folder itself if it is one."""
    inner = sorted(path for path in shelf.glob("*") if path.is_dir()) if shelf.is_dir() else []
    places = [shelf.absolute()] if _is_result(shelf) else inner
    return {place.name: place for place in places if _is_result(place)}


def check_shelf(shelf: Path) -> dict[str, Path]:
    """Return what `shelved` does; raises `UserError` where there is no design."""
    found = shelved(shelf)
    reason = f"{shelf}, which has none" if shelf.is_dir() else f"{shelf}, which is none"
    check(bool(found), "dir", expected="a folder with results", got=reason, fix=MAKE)
    return found


def find_kept(shelf: Path, name: str) -> Kept:
    """Return the design of a name; raises `UserError`, which lists those that there are."""
    found = check_shelf(shelf)
    one_of("name", name, found)
    return read_kept(found[name])


def read_kept(folder: Path) -> Kept:
    """Read a result's folder with its card. Raises `UserError` where a part does not fit."""
    design, theta = read_folder(folder)
    return Kept(folder, design, theta, read_card(folder / CARD))


def read_card(path: Path) -> dict[str, Any]:
    """Read a card; raises `UserError` for what is no JSON or lacks what cards say."""
    expected = "a card made by physadv generate"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError("card", expected=expected, got=f"{path} ({error})") from error
    missing = _missing(card, FACTS) or _missing(card["measured"], MEASURED)
    sizes = _missing(card, SIZES)
    missing += sizes[:1] if len(sizes) == len(SIZES) else []
    got = f"{path} without {', '.join(missing)}"
    check(not missing, "card", expected=expected, got=got)
    return dict(card)


def keep(result: Path, shelf: Path, name: str) -> Path:
    """Copy what is worth keeping of a result, and a small picture of its sign, to a shelf.

    Returns the new folder. Raises `UserError` where the result is not whole, or the name is taken.
    """
    read_kept(result)
    wanted = [result / file for file in (*KEPT, "sign.png")]
    gone = [path.name for path in wanted if not path.is_file()]
    got = f"{result} without {', '.join(gone)}"
    check(not gone, "result", expected="a folder made by physadv generate", got=got)
    place = shelf / name
    got, fix = str(place), "give another --name"
    check(not place.exists(), "name", expected="one that is not taken", got=got, fix=fix)
    with staged(place) as part:
        for file in KEPT:
            shutil.copyfile(result / file, part / file)
        with Image.open(result / "sign.png") as shown:
            shown.thumbnail(PREVIEW_PX)
            shown.save(part / "preview.png", optimize=True)
    return place


def _missing(facts: Any, names: Sequence[str]) -> list[str]:
    return [name for name in names if not isinstance(facts, dict) or name not in facts]


def _is_result(folder: Path) -> bool:
    return (folder / CARD).is_file() and (folder / DESIGN).is_file()
