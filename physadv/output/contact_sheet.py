"""Contact sheets: simulated photos in rows, each with its caption and what the victim answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from physadv.output.folder import writing

MARGIN_PX, GAP_PX, LINE_PX = 28, 14, 18
COLUMNS = 8
"""Pictures side by side; more go on in the next row."""
INK, MUTED, RULE, PAPER = "#1c1c1c", "#6b6b6b", "#dddddd", "#ffffff"
MARKS = {"right": "#0072B2", "wrong": "#B34700", "": MUTED}
"""Blue and orange are told apart by colour-blind people too (Okabe and Ito 2008)."""
SMALL, NORMAL, LARGE = 12, 14, 19


@dataclass(frozen=True, eq=False)
class Strip:
    """Pictures (n,3,h,w) in [0,1] under one heading; a caption, an answer and a mark for each.

    A mark is "right", "wrong" or "" and colours the answer; answers may be left out.
    """

    heading: str
    pictures: Tensor
    captions: Sequence[str]
    answers: Sequence[str] = ()
    marks: Sequence[str] = ()
    note: str = ""


def contact_sheet_image(title: str, strips: Sequence[Strip], *, note: str = "") -> Image.Image:
    """Draw the strips one below the other; `title` and `note` may be empty."""
    rows = [row for strip in strips for row in _rows(strip)]
    widest = max(_width(row) for row in rows)
    head = (LARGE + GAP_PX if title else 0) + (LINE_PX + GAP_PX if note else 0)
    height = 2 * MARGIN_PX + head + sum(_height(row) for row in rows)
    sheet = Image.new("RGB", (widest + 2 * MARGIN_PX, height), PAPER)
    pen, y = ImageDraw.Draw(sheet), MARGIN_PX
    if title:
        pen.text((MARGIN_PX, y), title, INK, _font(LARGE, bold=True))
        y += LARGE + GAP_PX
    if note:
        pen.text((MARGIN_PX, y - 4), note, MUTED, _font(SMALL))
        y += LINE_PX + GAP_PX
    for row in rows:
        _draw(sheet, pen, row, y)
        y += _height(row)
    return sheet


def write_contact_sheet(path: Path, title: str, strips: Sequence[Strip], *, note: str = "") -> None:
    """Write a contact sheet as PNG; the same pictures give the same bytes."""
    with writing(path):
        contact_sheet_image(title, strips, note=note).save(path, "PNG", optimize=True)


def _rows(strip: Strip) -> list[Strip]:
    """Cut a strip into even rows of at most `COLUMNS`; only the first has the heading."""
    many = len(strip.pictures)
    step = ceil(many / ceil(many / COLUMNS))
    return [
        Strip(
            strip.heading if start == 0 else "",
            strip.pictures[start : start + step],
            strip.captions[start : start + step],
            strip.answers[start : start + step],
            strip.marks[start : start + step],
            strip.note if start == 0 else "",
        )
        for start in range(0, many, step)
    ]


def _width(row: Strip) -> int:
    wide, head = row.pictures.shape[-1] + GAP_PX, _font(NORMAL, bold=True).getlength(row.heading)
    noted = _font(SMALL).getlength(row.note) + GAP_PX if row.note else 0
    return max(len(row.pictures) * wide - GAP_PX, int(head + noted) + 1)


def _height(row: Strip) -> int:
    heading = NORMAL + GAP_PX if row.heading else 0
    lines = 1 + max((len(_wrapped(a, row.pictures.shape[-1])) for a in row.answers), default=0)
    return heading + row.pictures.shape[-2] + 6 + lines * LINE_PX + GAP_PX


def _draw(sheet: Image.Image, pen: ImageDraw.ImageDraw, row: Strip, y: int) -> None:
    if row.heading:
        bold = _font(NORMAL, bold=True)
        pen.text((MARGIN_PX, y), row.heading, INK, bold)
        beside = MARGIN_PX + bold.getlength(row.heading) + GAP_PX
        pen.text((beside, y + 2), row.note, MUTED, _font(SMALL))
        y += NORMAL + GAP_PX
    pixels = (row.pictures.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    for index, picture in enumerate(pixels):
        x = MARGIN_PX + index * (picture.shape[1] + GAP_PX)
        sheet.paste(Image.fromarray(np.ascontiguousarray(picture)), (x, y))
        pen.rectangle((x, y, x + picture.shape[1] - 1, y + picture.shape[0] - 1), outline=RULE)
        _caption(pen, row, index, (x, y + picture.shape[0] + 6))


def _caption(pen: ImageDraw.ImageDraw, row: Strip, index: int, corner: tuple[int, int]) -> None:
    x, y = corner
    pen.text((x, y), _cut(row.captions[index], row.pictures.shape[-1]), INK, _font(SMALL))
    if index < len(row.answers):
        colour = MARKS[row.marks[index] if index < len(row.marks) else ""]
        for line in _wrapped(row.answers[index], row.pictures.shape[-1]):
            y += LINE_PX
            pen.text((x, y), line, colour, _font(SMALL, bold=True))


def _wrapped(text: str, width_px: int) -> list[str]:
    """Break a text into at most two lines at its spaces; what is too long is cut."""
    font, first = _font(SMALL, bold=True), ""
    words = text.split()
    while words and font.getlength(f"{first} {words[0]}".strip()) <= width_px:
        first = f"{first} {words.pop(0)}".strip()
    rest = " ".join(words)
    return [line for line in (first, _cut(rest, width_px)) if line]


def _cut(text: str, width_px: int) -> str:
    font = _font(SMALL, bold=True)
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "…") > width_px:
        text = text[:-1]
    return text + "…"


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which comes with matplotlib."""
    from matplotlib import get_data_path

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size)
