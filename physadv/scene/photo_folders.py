"""Many photos of the sign: a folder, a table, or a list; what is wrong is told all at once."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from physadv.core import UserError, check
from physadv.scene.photo import SignPhoto
from physadv.scene.photo_corners import parse_box, parse_corners
from physadv.scene.photo_files import SIGN_PX, PhotoFile, Reading, read
from physadv.scene.relight import PERCENTILE
from physadv.scene.signs import SignDesign

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"}
SIDES = ("x1", "y1", "x2", "y2")

HEADER = "a header file,x1,y1,x2,y2 or file,corners, and perhaps mask"

Row = Mapping[str, str | None]
Task = tuple[str, Callable[[], PhotoFile]]
"""What a photo is called where it is wrong, and how its place of the sign is come by."""


def read_photos(
    source: str | Path | Sequence[str | Path | PhotoFile],
    design: SignDesign,
    *,
    sign_px: int = SIGN_PX,
    method: str = PERCENTILE,
) -> tuple[SignPhoto, ...]:
    """Read many photos of the sign.

    `source` is a folder, or a sequence of files, whose photos the sign fills from edge to edge
    (unless a `PhotoFile` says where it is); or a table `NAME.csv` with a header:
    `file,x1,y1,x2,y2` or `file,corners` (as for `parse_corners`, in quotes), and perhaps `mask`
    (see `read_front`; may be empty), files being relative to the table. A folder is read in the
    order of its names. `sign_px` and `method` are as in `read_photo`. Raises one `UserError` that
    tells all files that are wrong, and why.
    """
    reading = Reading(design, sign_px, method)
    reading.check()
    if not isinstance(source, str | Path):
        return _read([_listed(one) for one in source], reading)
    place = Path(source)
    if place.suffix.lower() == ".csv":
        rows = enumerate(table_rows(place, HEADER), start=2)
        return _read([_lined(place, n, row) for n, row in rows], reading, place.name)
    folder = "a folder of photos, or a table .csv"
    check(place.is_dir(), "photos", expected=folder, got=str(place))
    files = sorted(file for file in place.iterdir() if file.suffix.lower() in SUFFIXES)
    check(bool(files), "photos", expected="a folder with images in it", got=str(place))
    return _read([_listed(file) for file in files], reading)


def _listed(one: str | Path | PhotoFile) -> Task:
    photo = one if isinstance(one, PhotoFile) else PhotoFile(one)
    return Path(photo.path).name, lambda: photo


def _lined(table: Path, number: int, row: Row) -> Task:
    return f"{table.name} line {number}", lambda: _placed(table.parent, row)


def _read(tasks: Sequence[Task], how: Reading, table: str = "") -> tuple[SignPhoto, ...]:
    """Read all photos, of a table or none, or tell all that cannot be read."""
    photos, faults = [], []
    for name, task in tasks:
        try:
            photos.append(read(task(), how))
        except UserError as error:
            alone = len(tasks) == 1 and not table
            faults.append(error if alone else error.about(f"{name}, {error.argument}"))
    if faults:
        raise _all_in_one(faults, len(photos), table)
    return tuple(photos)


def _all_in_one(faults: Sequence[UserError], fine: int, table: str) -> UserError:
    if len(faults) == 1 and not fine:
        return faults[0]
    told = "; ".join(f"({k}) {error}" for k, error in enumerate(faults, start=1))
    rest = {0: "none is fine", 1: "the other one is fine"}.get(fine, f"the other {fine} are fine")
    return UserError(
        f"photos {table}".strip(),
        expected="photos that can all be read",
        got=f"{len(faults)} of {len(faults) + fine} that cannot: {told}",
        fix=f"mend these or take them out; {rest}",
    )


def table_rows(table: Path, header: str) -> Sequence[Row]:
    """Read the rows of a table of photos; raises `UserError` where `header` is not what it has."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            columns, rows = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError("photos", expected="a table that can be read", got=str(error)) from error
    known = "file" in columns and ("corners" in columns or set(columns).issuperset(SIDES))
    got = ",".join(columns) or "none"
    check(known, f"photos {table.name}", expected=header, got=got)
    check(bool(rows), f"photos {table.name}", expected="at least one row", got="none")
    return rows


def _placed(folder: Path, row: Row) -> PhotoFile:
    """Return the photo of one row of a table, and where the sign lies in it."""
    path, named = folder / (row["file"] or ""), row.get("mask")
    mask = folder / named if named else None
    if row.get("corners"):
        return PhotoFile(path, corners=parse_corners(row["corners"] or ""), mask=mask)
    box = parse_box(",".join(row.get(side) or "" for side in SIDES))
    return PhotoFile(path, box=box, mask=mask)
