"""Options that several commands share, and how flags become settings of a design."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from physadv.core import UserError
from physadv.design import Design, design_from
from physadv.presets import NAMES

VICTIM, RESULT = "Victim: the recogniser that you own", "Result"
"""Panels that several commands have."""


def option(metavar: str, about: str, panel: str | None = None, *names: str, **more: Any) -> Any:
    """Return an option with a value, under a panel; `more` are Typer's own settings."""
    return typer.Option(*names, metavar=metavar, help=about, rich_help_panel=panel, **more)


def flag(name: str, about: str, panel: str | None = None) -> Any:
    """Return an option without a value."""
    return option(" ", about, panel, name)


LOCAL = (
    "bundled; file.py:function that returns a network or a victim; a TorchScript .pt; an .onnx; "
    ".safetensors made by physadv train; torchvision:NAME:FILE or timm:NAME:FILE, filled with the "
    "weights in FILE"
)
REMOTE = "https://…, a classifier elsewhere (physadv victims says what it is sent)"
LabelsOption = Annotated[
    str | None,
    option("FILE", "Its class names: one a line, or a .csv with the columns id and name.", VICTIM),
]
SizeOption = Annotated[int | None, option("PX", "Side of its input in pixels.", VICTIM)]
OutOption = Annotated[Path, option("DIR", "Folder for the result.", RESULT)]
PaperOption = Annotated[
    str,
    option(
        "PAPER",
        "Paper of sheet.pdf: A5 to A0, Letter, Legal, Tabloid, or WIDTHxHEIGHT in mm.",
        RESULT,
    ),
]
ForceOption = Annotated[bool, flag("--force", "Replace the result that --out holds.", RESULT)]
DeviceOption = Annotated[
    str,
    option("DEVICE", "Where the victim answers and its photographs are made: cpu, cuda, cuda:1."),
]
FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder made by physadv generate or demo.")
]

WORLDS_HELP = (
    ", ".join(NAMES) + ", or a world file .toml, of which physadv preview --toml writes one."
)

FLAGS = {
    "sign": "--sign",
    "seed": "--seed",
    "judged": "--judged",
    "victim.labels": "--labels",
    "victim.size_px": "--size-px",
    "goal.target": "--target",
    "goal.truth": "--truth",
    "goal.score": "--score",
    "goal.palette": "--palette",
    "goal.printable": "--printable",
    "world.preset": "--world",
    "world.changes": "--world",
    "world.photo": "--photo",
    "world.corners": "--corners",
    "world.box": "--box",
    "world.occlusion": "--occlusion",
    "world.printer": "--printer",
    "sticker.area_pct": "--area",
    "sticker.areas_pct": "--areas",
    "sticker.pieces": "--pieces",
    "sticker.min_mm": "--min-mm",
    "sticker.symmetric": "--symmetric",
    "sticker.away_mm": "--away-mm",
    "sticker.cell_mm": "--cell-mm",
    "sticker.inks": "--inks",
    "sticker.kind": "--kind",
    "sticker.text": "--text",
    "sticker.most_de2000": "--most-de2000",
    "light.ambient_lux": "--ambient-lux",
    "light.lines": "--lines",
    "light.dots": "--dots",
    "attack.steps": "--steps",
    "attack.batch": "--batch",
    "attack.restarts": "--restarts",
    "attack.optimiser": "--optimiser",
    "attack.method": "--attack",
    "attack.queries": "--queries",
    "attack.answers": "--label-only",
}
"""What the command line calls a setting."""


def numbers(argument: str, text: str | None) -> tuple[float, ...] | None:
    """Read "5,8,10"; raises `UserError`."""
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        expected = "numbers with commas between them, e.g. 5,8,10"
        raise UserError(argument, expected=expected, got=repr(text)) from error


def given(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags that were given."""
    return {name: value for name, value in flags.items() if value is not None}


def laid_over(values: dict[str, Any], part: str, flags: Mapping[str, Any]) -> None:
    """Lay the flags that were given over one part (empty: the top) of a design's values.

    Another victim brings its own labels and size, another photo its own place of the sign and mask.
    """
    some = given(flags)
    if part == "victim" and "spec" in some:
        values["victim"] = {}
    if part == "world" and {"photo", "preset"} & some.keys():
        values["world"] |= dict.fromkeys(("photo", "corners", "box", "occlusion"))
    if part == "world" and "preset" in some:
        values["world"] |= dict.fromkeys(("about", "changes"))
    (values[part] if part else values).update(some)


def in_world(design: Design, world: str | None) -> Design:
    """Return the design with the world that --world names, where it is given."""
    values = design.model_dump()
    laid_over(values, "world", {"preset": world})
    return design_from(values, "flags", names=FLAGS)
