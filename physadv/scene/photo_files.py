"""Photos of the sign as users have them: one with corners or a box, a folder, or a table."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from physadv.core import Encoded, Linear, UserError, check, decode, load_image
from physadv.core.types import Point
from physadv.scene.photo import SignPhoto
from physadv.scene.photo_corners import (
    Array,
    Box,
    apply,
    box_plane,
    corner_plane,
    parse_box,
    parse_corners,
)
from physadv.scene.relight import fit_light
from physadv.scene.signs import SignDesign

SIGN_PX = 400
"""The sign's longest side after a photo is scaled down: with framing's margin it fits a window."""
AROUND_RATIO = 0.6
"""What is kept of a photo around the sign's box, as a share of the box's longer side."""
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"}
SIDES = ("x1", "y1", "x2", "y2")


def read_photo(
    path: str | Path,
    design: SignDesign,
    *,
    corners: Sequence[Point] | None = None,
    box: Box | None = None,
    sign_px: int = SIGN_PX,
) -> SignPhoto:
    """Read a photo that shows the sign at `corners` or in `box`, in its pixels (EXIF applied).

    `corners` are the four corners of the sign's frame (the upright rectangle around it in its own
    plane) or the sign's own corners, clockwise from the top left (see `corner_plane`); `box` is
    x1,y1,x2,y2, for a sign seen head-on. Exactly one of them. Photos are cut to the sign's
    surroundings and scaled down, anti-aliased, so that the sign is at most `sign_px` long; they
    are never enlarged. Four times what the recogniser takes is plenty, and much faster. Raises
    `UserError` for an unreadable file and for points that cannot be.
    """
    one = (corners is None) != (box is None)
    got = "both" if box is not None else "neither"
    check(one, "photo", expected="either corners or a box of the sign", got=got)
    check(sign_px >= 16, "sign_px", expected="at least 16", got=sign_px)
    image = load_image(path)
    size = (image.shape[-2], image.shape[-1])
    if box is not None:
        plane = box_plane(design, box, size)
    else:
        plane = corner_plane(design, corners or (), size)
    return _prepare(Path(path).name, image, plane, design=design, sign_px=sign_px)


def read_photos(
    source: str | Path | Sequence[str | Path], design: SignDesign, *, sign_px: int = SIGN_PX
) -> tuple[SignPhoto, ...]:
    """Read many photos of the sign.

    `source` is a folder, or a sequence of files, whose photos the sign fills from edge to edge;
    or a table `NAME.csv` with a header: `file,x1,y1,x2,y2` or `file,corners` (as for
    `parse_corners`, in quotes), files being relative to the table. A folder is read in the order
    of its names. Raises `UserError` for whatever is wrong with it.
    """
    if not isinstance(source, str | Path):
        return tuple(_filled(Path(file), design, sign_px) for file in source)
    place = Path(source)
    if place.suffix.lower() == ".csv":
        return _read_table(place, design, sign_px)
    folder = "a folder of photos, or a table .csv"
    check(place.is_dir(), "photos", expected=folder, got=str(place))
    files = sorted(file for file in place.iterdir() if file.suffix.lower() in SUFFIXES)
    check(bool(files), "photos", expected="a folder with images in it", got=str(place))
    return tuple(_filled(file, design, sign_px) for file in files)


def _filled(path: Path, design: SignDesign, sign_px: int) -> SignPhoto:
    """Read a photo that the sign fills from edge to edge."""
    image = load_image(path)
    height, width = image.shape[-2:]
    plane = box_plane(design, (0.0, 0.0, float(width), float(height)), (height, width))
    return _prepare(path.name, image, plane, design=design, sign_px=sign_px)


def _prepare(
    name: str, image: Encoded, plane: Array, *, design: SignDesign, sign_px: int
) -> SignPhoto:
    """Cut a photo to the sign's surroundings, scale it down, and read its light."""
    outline = apply(plane, np.array(design.outline_mm))
    low, high = outline.min(axis=0), outline.max(axis=0)
    longest = float((high - low).max())
    extent = np.array([image.shape[-1], image.shape[-2]])
    left, top = np.floor(low - AROUND_RATIO * longest).clip(0, extent - 1).astype(int)
    right, bottom = np.ceil(high + AROUND_RATIO * longest).clip(1, extent).astype(int)
    cut = decode(Encoded(image[..., top:bottom, left:right]))
    share = min(1.0, sign_px / longest)
    height, width = (max(1, round(side * share)) for side in cut.shape[-2:])
    if share < 1:
        cut = Linear(F.interpolate(cut, (height, width), mode="bilinear", antialias=True))
    scale = width / (right - left), height / (bottom - top)
    fit = np.array([[scale[0], 0, -left * scale[0]], [0, scale[1], -top * scale[1]], [0, 0, 1.0]])
    moved = fit @ plane
    placed = torch.from_numpy(moved / moved[2, 2]).float()
    ready = Linear(cut.clamp_min(0).contiguous())
    return SignPhoto(name, ready, placed, fit_light(design, ready, placed))


def _read_table(table: Path, design: SignDesign, sign_px: int) -> tuple[SignPhoto, ...]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns, rows = set(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError("photos", expected="a table that can be read", got=str(error)) from error
    known = "file" in columns and ("corners" in columns or columns.issuperset(SIDES))
    header = "a header file,x1,y1,x2,y2 or file,corners"
    check(known, f"photos {table.name}", expected=header, got=",".join(sorted(columns)) or "none")
    check(bool(rows), f"photos {table.name}", expected="at least one row", got="none")
    return tuple(
        _read_row(table, number, row, design=design, sign_px=sign_px)
        for number, row in enumerate(rows, start=2)
    )


def _read_row(
    table: Path, number: int, row: Mapping[str, str | None], *, design: SignDesign, sign_px: int
) -> SignPhoto:
    """Read the photo of one row; what is wrong with it is said with its line."""
    path = table.parent / (row["file"] or "")
    try:
        if row.get("corners"):
            corners = parse_corners(row["corners"] or "")
            return read_photo(path, design, corners=corners, sign_px=sign_px)
        box = parse_box(",".join(row.get(side) or "" for side in SIDES))
        return read_photo(path, design, box=box, sign_px=sign_px)
    except UserError as error:
        argument = f"{table.name} line {number}, {error.argument}"
        raise UserError(argument, expected=error.expected, got=error.got, fix=error.fix) from error
