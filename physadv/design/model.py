"""The design file: everything needed to repeat a run, checked all at once."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from physadv.core import UserError
from physadv.victims.weights import check_file

Positive = Annotated[float, Field(gt=0)]
Contour = tuple[tuple[float, float], ...]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VictimPart(_Part):
    """Which recogniser: see `physadv.victims.load_victim`."""

    spec: str = "bundled"
    labels: str | None = None
    size_px: int | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None


class GoalPart(_Part):
    """What it should answer: `target` (name or number of a class), or anything but the truth.

    `truth` is the class it should answer; found from the sign where the labels are known.
    With the loss "margin" a photo that is won by `confidence` asks for nothing more.
    """

    target: str | None = None
    truth: str | None = None
    loss: Literal["cross_entropy", "margin"] = "margin"
    confidence: Positive = 5.0
    smooth: Annotated[float, Field(ge=0)] = 0.05
    printable: Annotated[float, Field(ge=0)] = 0.0
    palette: str | None = None
    gamut: Annotated[float, Field(ge=0)] = 0.0


class StickerPart(_Part):
    """Where stickers may lie and how fine they are; `layout` is "search", a kind or a mask image.

    `pieces_mm` are the contours once they are known; they win over `layout`.
    """

    area_pct: Annotated[float, Field(gt=0, le=100)] = 15.0
    pieces: Annotated[int, Field(ge=1)] = 8
    min_mm: Positive = 40.0
    allow_legend: bool = False
    cell_mm: Positive = 12.5
    layout: str = "search"
    pieces_mm: tuple[Contour, ...] = ()


class WorldPart(_Part):
    """Under which circumstances; or on which real photos, by corners, box or the whole image."""

    preset: str = "lab"
    backgrounds: str | None = None
    photo: str | None = None
    corners: str | None = None
    box: str | None = None


class AttackPart(_Part):
    """How hard to search."""

    steps: Annotated[int, Field(ge=1)] = 200
    batch: Annotated[int, Field(ge=1)] = 24
    rate: Positive = 0.06
    optimiser: Literal["adam", "sign"] = "adam"
    restarts: Annotated[int, Field(ge=1)] = 1


class Design(_Part):
    """A run, from victim to judge."""

    name: str = "sticker"
    sign: str = "stop"
    seed: int = 0
    judged: Annotated[int, Field(ge=20)] = 500
    victim: VictimPart = VictimPart()
    goal: GoalPart = GoalPart()
    sticker: StickerPart = StickerPart()
    world: WorldPart = WorldPart()
    attack: AttackPart = AttackPart()

    def digest(self) -> str:
        """Return the SHA-256 of the settings, hex."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def design_from(values: dict[str, Any], where: str = "design") -> Design:
    """Return the design of plain values; raises one `UserError` that lists every fault."""
    try:
        return Design.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}, got {e['input']!r}"
            for e in error.errors()
        )
        raise UserError(where, expected="valid settings", got=faults) from error


def read_design(path: Path) -> Design:
    """Read a design.toml; raises `UserError` for what is no TOML or does not fit."""
    check_file("design", path)
    try:
        values = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError("design", expected="a TOML file", got=f"{path} ({error})") from error
    return design_from(values, str(path))


def write_design(path: Path, design: Design) -> None:
    """Write a design.toml that `read_design` reads back."""
    values = design.model_dump(mode="json", exclude_none=True)
    path.write_text(tomli_w.dumps(values))
