"""The design file: everything needed to repeat a run, checked all at once."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from physadv.core import UserError, check
from physadv.core.check import one_of
from physadv.core.faults import as_user_error
from physadv.core.part import Cell, Chance, Count, Part, Positive, Share, Weight
from physadv.design.light import LIGHT, LightPart
from physadv.patch import read_inks
from physadv.presets import (
    NAMES,
    PRESETS,
    change_faults,
    flat,
    is_file,
    read_world,
    settings,
    that_differ,
    toml_text,
    toml_values,
)
from physadv.scene import SIGNS

Point = tuple[float, float]
Contour = Annotated[tuple[Point, ...], Field(min_length=3)]
Triple = tuple[float, float, float]
Settings = dict[str, Any]
FITS = "a world that fits"
Printed = Literal["pixels", "bars", "strokes", "letters", "waves", "camouflage"]
Unprinted = Literal["shadow", "laser", "projection", "lens-dots"]


def _known(argument: str, names: tuple[str, ...]) -> Callable[[str], str]:
    def known(value: str) -> str:
        one_of(argument, value, names)
        return value

    return known


class VictimPart(Part):
    """Which recogniser: see `physadv.victims.load_victim`."""

    spec: str = "bundled"
    labels: str | None = None
    size_px: int | None = Field(default=None, ge=1, description="whole pixels, at least 1")
    mean: Triple | None = Field(default=None, description="three numbers (R, G, B)")
    std: Triple | None = Field(default=None, description="three numbers (R, G, B)")


class GoalPart(Part):
    """What it should answer: `target` (name or number of a class), or anything but the truth.

    `truth` is the class it should answer; found from the sign where the labels are known.
    With the loss "margin" a photo that is won by `confidence` asks for nothing more. A detector
    shall report no box of the truth that overlaps the sign, or, with a target, one of that there;
    boxes above `score` count.
    """

    target: str | None = None
    truth: str | None = None
    loss: Literal["cross_entropy", "margin"] = "margin"
    confidence: Positive = 5.0
    smooth: Weight = 0.05
    printable: Weight = 0.0
    palette: str | None = None
    gamut: Weight = 0.0
    score: Chance = 0.5


class StickerPart(Part):
    """Where stickers may lie and how fine they are; `layout` is "search", a kind or a mask image.

    `kind` "bars", "strokes" and "letters" (those of `text`) are shapes that the search moves,
    "waves" smooth colours, "camouflage" the face's own within `most_de2000`. "shadow", "laser",
    "projection" and "lens-dots" print nothing: what they are is in the light's own part.
    `inks` are the only ones that stickers have, none named: all that are printable.
    `areas_pct` asks for a result for each and their curve; the largest is the main one.
    `symmetric` ones are their own mirror image; `away_mm` is how far they keep from the letters.
    `pieces_mm` are the contours once they are known; they win over `layout`. `chosen` is the layout
    they come from (empty: drawn by hand), `raced` the loss of each layout that was tried for it.
    """

    area_pct: Share = 15.0
    areas_pct: tuple[Share, ...] = Field(
        default=(), description="numbers of per cent of the face, each above 0 and up to 100"
    )
    pieces: Count = 8
    min_mm: Positive = 40.0
    allow_legend: bool = False
    symmetric: bool = False
    away_mm: Weight = 0.0
    cell_mm: Cell = 12.5
    kind: Literal[Printed, Unprinted] = "pixels"
    text: str = "LOVE"
    most_de2000: Positive = 10.0
    inks: tuple[str, ...] = ()
    layout: str = "search"
    pieces_mm: tuple[Contour, ...] = Field(
        default=(), description="contours of at least three points (x, y) in mm"
    )
    chosen: str = ""
    raced: dict[str, float] = Field(default={})

    @field_validator("inks")
    @classmethod
    def _known(cls, inks: tuple[str, ...]) -> tuple[str, ...]:
        if inks:
            read_inks(inks)
        return inks

    @model_validator(mode="after")
    def _consistent(self) -> "StickerPart":
        inked = not self.inks or self.kind in ("pixels", "bars")
        wanted = "the kinds pixels and bars"
        check(inked, "inks", expected=wanted, got=self.kind, fix="leave one of both out")
        black = not self.inks or self.kind == "pixels" or set(self.inks) == {"black", "white"}
        got = ",".join(self.inks)
        check(black, "inks", expected="black,white, as bars are printed", got=got)
        lying = self.kind not in ("bars", "strokes", "letters")
        free = [name for name in ("symmetric", "away_mm") if not lying and getattr(self, name)]
        still = "a kind that lies where its layout says"
        check(
            not free, "kind", expected=still, got=self.kind, fix=f"leave out {' and '.join(free)}"
        )
        both = self.allow_legend and self.away_mm > 0
        check(not both, "away_mm", expected="none where letters may be covered", got=self.away_mm)
        by_hand = bool(self.pieces_mm) and not self.chosen
        check(
            not (by_hand and self.areas_pct),
            "areas_pct",
            expected="none beside contours of your own",
            got=list(self.areas_pct),
            fix="leave out pieces_mm or areas_pct",
        )
        return self

    def unplaced(self) -> "StickerPart":
        """Return it as it was before a layout was chosen."""
        if not self.chosen:
            return self
        return self.model_copy(update={"pieces_mm": (), "chosen": "", "raced": {}})


CHANGEABLE = tuple(settings(PRESETS["lab"]))
"""The dotted names that changes to a preset may have."""


class WorldPart(Part):
    """Under which circumstances; or on which real photos, by corners, box or the whole image.

    `preset` is a name, or a world file, which is then held here as its base, what it says about
    itself, and its changes by dotted name. `occlusion` is a mask image of what is before the sign
    in the photo, `relight` how the light of photos is found. `printer` is a profile that `physadv
    calibrate` wrote, or an ICC file.
    """

    preset: Annotated[str, AfterValidator(_known("preset", (*NAMES, "a world file .toml")))] = "lab"
    about: str | None = None
    changes: Settings | None = None
    backgrounds: str | None = None
    photo: str | None = None
    corners: str | None = None
    box: str | None = None
    occlusion: str | None = None
    relight: Literal["percentile", "least_squares"] = "percentile"
    printer: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _opened(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or not is_file(values.get("preset")):
            return values
        try:
            found = read_world(Path(values["preset"]))
        except UserError as error:
            if error.argument == "world":
                raise error.about("preset") from error
            got = f"{error.argument}: {error.got}" if error.expected == FITS else str(error)
            raise UserError("preset", expected=FITS, got=got) from error
        own = values.get("changes")
        changes = (
            found.changes | flat(own, CHANGEABLE) if isinstance(own, Mapping) else found.changes
        )
        about = values.get("about") or found.about or None
        return {**values, "preset": found.base, "about": about, "changes": changes}

    @field_validator("changes")
    @classmethod
    def _fitting(
        cls, changes: dict[str, Any] | None, info: ValidationInfo
    ) -> dict[str, Any] | None:
        base = info.data.get("preset")
        if not changes or base is None:  # what is wrong with the base is told already
            return None
        changes = flat(changes, CHANGEABLE)
        faults = change_faults(base, changes)
        told = "; ".join(str(fault) for fault in faults)
        check(not faults, "changes", expected="changes that fit the world", got=told)
        return that_differ(base, changes) or None

    @model_validator(mode="after")
    def _consistent(self) -> "WorldPart":
        of_photo = ("corners", "box", "occlusion")
        places = [name for name in of_photo if getattr(self, name) is not None]
        check(
            not {"corners", "box"} <= set(places),
            "box",
            expected="either corners or a box of the sign",
            got="both",
            fix="leave one out",
        )
        fix = "name the photo that they are in"
        check(not places or self.photo is not None, "photo", expected="a file", got="none", fix=fix)
        return self


LATER = {
    "goal": ("score",),
    "world": ("printer", "occlusion", "relight", "about", "changes"),
    "sticker": ("inks", "kind", "text", "most_de2000", "symmetric", "away_mm"),
    "attack": ("method", "queries", "answers", "placing"),
    "light": tuple(LightPart.model_fields),
}
"""Settings, by part, that are in a design's digest only where they are set."""
OF_INK = {
    "goal": ("smooth", "printable", "palette", "gamut"),
    "sticker": tuple(name for name in StickerPart.model_fields if name != "kind"),
    "world": ("printer",),
}
"""Settings, by part, that mean nothing where nothing is printed."""


class AttackPart(Part):
    """How to search and how hard: by gradients in `steps`, or a black box in `queries`.

    With `answers` "label" a black box is asked for success alone. `placing` is how many of the
    queries choosing the layout took.
    """

    steps: Count = 200
    batch: Count = 24
    rate: Positive = 0.06
    optimiser: Literal["adam", "sign"] = "adam"
    restarts: Count = 1
    method: Literal["gradient", "random-search", "nes", "spsa", "cma-es", "graphite"] = "gradient"
    queries: Count = 10_000
    answers: Literal["scores", "label"] = "scores"
    placing: Annotated[int, Field(ge=0, description="a whole number, at least 0")] = 0

    @model_validator(mode="after")
    def _of_its_kind(self) -> "AttackPart":
        by_steps = self.method == "gradient"
        others = ("queries", "answers") if by_steps else tuple(AttackPart.model_fields)[:5]
        fix = "name a black-box attack" if by_steps else "give queries instead"
        for name in others:
            value, usual = getattr(self, name), self.usual(name)
            check(value == usual, name, expected=f"none with {self.method}", got=value, fix=fix)
        return self

    @property
    def length(self) -> int:
        """How many steps or queries there are in all."""
        return self.steps * self.restarts if self.method == "gradient" else self.queries


class Design(Part):
    """A run, from victim to judge."""

    name: str = "sticker"
    sign: Annotated[str, AfterValidator(_known("sign", SIGNS))] = "stop"
    seed: int = 0
    judged: Annotated[int, Field(ge=20, description="a whole number, at least 20")] = 500
    victim: VictimPart = VictimPart()
    goal: GoalPart = GoalPart()
    sticker: StickerPart = StickerPart()
    light: LightPart = LightPart()
    world: WorldPart = WorldPart()
    attack: AttackPart = AttackPart()

    @model_validator(mode="after")
    def _of_its_kind(self) -> "Design":
        kind = self.sticker.kind
        idle = [name for part, names in self.unused().items() for name in self._set(part, names)]
        told, leave = " and ".join(idle), "or leave that out"
        check(not idle, "sticker.kind", expected=f"a kind that has {told}", got=kind, fix=leave)
        street = kind != "lens-dots" or self.world.photo is None
        got, fix = self.world.photo, "real photos are cut to the sign"
        check(street, "world.photo", expected="none with lens-dots", got=got, fix=fix)
        return self

    def _set(self, part: str, names: tuple[str, ...]) -> list[str]:
        """Return which settings of a part are not their defaults."""
        own: Part = getattr(self, part)
        return [name for name in names if getattr(own, name) != own.usual(name)]

    @property
    def printed(self) -> bool:
        """Whether there is anything to print: stickers, not light or dots on the lens."""
        return self.sticker.kind not in LIGHT

    def unused(self) -> dict[str, tuple[str, ...]]:
        """Return the settings, by part, that mean nothing with the kind."""
        own = LIGHT.get(self.sticker.kind, ())
        light = tuple(name for name in LightPart.model_fields if name not in own)
        return {**({} if self.printed else OF_INK), "light": light}

    def digest(self) -> str:
        """Return the SHA-256 of the settings, hex."""
        settings = self.model_dump(mode="json")
        for part, names in LATER.items():  # so that designs from before them keep theirs
            for name in set(names) - set(self._set(part, names)):
                del settings[part][name]
        text = json.dumps(_filled(settings), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def changed(self, part: str, **values: Any) -> "Design":
        """Return a checked copy with settings of one part (empty: of the design) replaced."""
        plain = self.model_dump()
        (plain[part] if part else plain).update(values)
        return design_from(plain)

    def unplaced(self) -> "Design":
        """Return it as it was before a layout was chosen."""
        if not self.sticker.chosen:
            return self
        attack = self.attack.model_copy(update={"placing": 0})
        return self.model_copy(update={"sticker": self.sticker.unplaced(), "attack": attack})


def design_from(
    values: dict[str, Any], where: str = "design", *, names: Mapping[str, str] | None = None
) -> Design:
    """Return the design of plain values; raises one `UserError` that lists every fault.

    `where` says where the values come from, `names` what users call a dotted setting there.
    """
    try:
        return Design.model_validate(values)
    except ValidationError as error:
        raise as_user_error(error, Design, where, names or {}) from error


def parse_design(text: str, where: str = "design") -> Design:
    """Return the design that a text in TOML says. Raises `UserError`."""
    return design_from(toml_values("design", text, where), where)


def read_design(path: Path) -> Design:
    """Read a design.toml; raises `UserError` for what is no TOML or does not fit."""
    return parse_design(toml_text("design", path), str(path))


def design_text(design: Design) -> str:
    """Return a design as TOML that `parse_design` reads back; without what its kind has not."""
    plain = design.model_dump(mode="json", exclude_none=True)
    for part, names in design.unused().items():
        for name in names:
            plain[part].pop(name, None)
    return tomli_w.dumps(_filled(plain))


def _filled(settings: dict[str, Any]) -> dict[str, Any]:
    """Leave out parts that say nothing."""
    return {name: value for name, value in settings.items() if value != {}}


def write_design(path: Path, design: Design) -> None:
    """Write a design.toml that `read_design` reads back."""
    path.write_text(design_text(design), encoding="utf-8")
