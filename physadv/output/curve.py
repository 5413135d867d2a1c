"""The curve of success by area: a folder for each smaller result, and what is known of it."""

import json
from pathlib import Path

from physadv.core import Rate
from physadv.design import Design, read_design
from physadv.output.card import Sized
from physadv.output.folder import CARD, DESIGN, STATE


def area_folder(folder: Path, area_pct: float) -> Path:
    """Return the folder of a smaller result."""
    return folder / f"area-{area_pct:g}"


def sized(design: Design, area_pct: float) -> Design:
    """Return the design of a smaller result: the same but for the area, placed anew."""
    smaller = design.unplaced().changed("sticker", area_pct=area_pct, areas_pct=())
    return smaller.changed("", name=f"{design.name}, {area_pct:g} %")


def finished(folder: Path, design: Design) -> Sized | None:
    """Return what was found in a folder, if `design` was searched to the end there."""
    if not (folder / CARD).is_file() or (folder / STATE).exists():
        return None
    if read_design(folder / DESIGN).unplaced() != design.unplaced():
        return None
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    rate = card["measured"]["success"]
    found = Rate(rate["hits"], rate["n"], rate["low"], rate["high"])
    return Sized(design.sticker.area_pct, card["stickers"]["area_pct"], found)
