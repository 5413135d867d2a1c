"""Which photos are scored: one, a folder of them, or a table that says where the sign is."""

from dataclasses import dataclass
from pathlib import Path

from physadv.core import check
from physadv.scene import SignDesign, parse_box, parse_corners
from physadv.scene.photo_corners import box_plane, corner_plane
from physadv.scene.photo_folders import SIDES, SUFFIXES, Row, table_rows
from physadv.scoring.pattern import Array

HEADER = "a header with file, and corners or x1,y1,x2,y2"
LISTED = SUFFIXES | {".heic", ".heif", ".avif"}
"""Photos that cannot be read are listed as such, not passed over."""


@dataclass(frozen=True)
class Source:
    """A photo's file; `corners` ("x,y x,y …") or `box` ("x1,y1,x2,y2") where a person gave them."""

    path: Path
    corners: str = ""
    box: str = ""

    def plane(self, design: SignDesign, size: tuple[int, int]) -> Array | None:
        """Return the map (3,3) from mm to px that was given, None without.

        `size` is the photo's (height, width). Raises `UserError` for points that cannot be.
        """
        if self.corners:
            return corner_plane(design, parse_corners(self.corners), size)
        return box_plane(design, parse_box(self.box), size) if self.box else None


def sources(photos: Path) -> tuple[Source, ...]:
    """Return the photos of a file, a folder (by name), or a table .csv.

    A table has a header with the column `file`, relative to the table, and `corners` or
    `x1,y1,x2,y2`; rows that leave those empty are searched for the sign. Raises `UserError` where
    there is nothing to score.
    """
    if photos.suffix.lower() == ".csv" and not photos.is_dir():
        return tuple(_row(photos, row) for row in table_rows(photos, HEADER))
    if not photos.is_dir():
        there = "a photo, a folder of photos, or a table .csv"
        check(photos.is_file(), "photos", expected=there, got=f"{photos}, which is not there")
        return (Source(photos),)
    files = sorted(file for file in photos.iterdir() if file.suffix.lower() in LISTED)
    check(bool(files), "photos", expected="a folder with photos in it", got=str(photos))
    return tuple(Source(file) for file in files)


def _row(table: Path, row: Row) -> Source:
    sides = [(row.get(side) or "").strip() for side in SIDES]
    box = ",".join(sides) if any(sides) else ""
    return Source(table.parent / (row["file"] or ""), (row.get("corners") or "").strip(), box)
