"""Photos with a box around a thing: read from a table, and patches placed by their boxes."""

import csv
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.attacks.digital import Rows
from physadv.attacks.digital.lay import box_corners, on_plane
from physadv.core import Encoded, Photo, UserError, check, load_image, quantise

EDGES = ("xmin", "ymin", "xmax", "ymax")
COLUMNS = ("file", "class", *EDGES)

Spot = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Boxed:
    """Photos (n,3,h,w) of one size, 8 bits, with a thing in each, and what goes together.

    `boxes` (n,4) x1y1x2y2 in pixels; `groups` (n,) are ids of what photos share, e.g. their scene.
    """

    images: Encoded
    boxes: Tensor
    groups: Tensor

    def __len__(self) -> int:
        """Return how many photos there are."""
        return len(self.images)

    def take(self, rows: Tensor) -> "Boxed":
        """Return the chosen photos."""
        return Boxed(Encoded(self.images[rows]), self.boxes[rows], self.groups[rows])

    def rows(self, spot: Spot) -> Rows:
        """Return what an attack is told: the boxes, and a patch's corners at a spot of each.

        `spot` is x1, y1, x2, y2 as shares of the box's width and height.
        """
        return Rows(boxes=self.boxes, corners=on_plane(box_corners(self.boxes), spot))

    def photo(self, images: Tensor) -> Photo:
        """Return images (n,3,h,w) of these photos as photos of their things."""
        return Rows(boxes=self.boxes).photo(images)


def read_boxed(
    table: Path, name: str, size_px: tuple[int, int], *, group: str | None = None
) -> Boxed:
    """Read the photos of a .csv in which class `name` has a box, stretched to (height, width).

    Columns: file (relative to the table), class, xmin, ymin, xmax, ymax in pixels of the file;
    `group` is the column of what photos share, by default each is on its own. A photo with several
    boxes of the class counts once for each. Raises `UserError` for a table that does not serve.
    """
    rows = [row for row in _rows(table, group) if row["class"] == name]
    check(len(rows) > 0, "boxes", expected=f"a box of the class {name!r}", got=f"{table} with none")
    images, boxes = [], []
    for row in rows:
        image = load_image(table.parent / row["file"])
        sides = image.new_tensor([size_px[1] / image.shape[3], size_px[0] / image.shape[2]])
        images.append(quantise(interpolate(image, size_px, mode="bilinear", antialias=True)))
        boxes.append(_box(row, table) * sides.repeat(2))
    keys = [row[group] if group else str(k) for k, row in enumerate(rows)]
    order = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    groups = torch.tensor([order[key] for key in keys])
    return Boxed(Encoded(torch.cat(images)), torch.stack(boxes), groups)


def _rows(table: Path, group: str | None) -> list[dict[str, str]]:
    wanted = [*COLUMNS, *([group] if group else [])]
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows, found = list(reader), reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError("boxes", expected="a .csv in UTF-8", got=f"{table} ({error})") from error
    missing = ", ".join(column for column in wanted if column not in found)
    expected = f"columns {', '.join(wanted)}"
    check(not missing, "boxes", expected=expected, got=f"{table} without {missing}")
    return rows


def _box(row: dict[str, str], table: Path) -> Tensor:
    try:
        box = torch.tensor([float(row[edge]) for edge in EDGES])
    except (TypeError, ValueError):
        box = torch.zeros(4)
    good = bool((box[2:] > box[:2]).all())
    got = f"{table} with {[row[edge] for edge in EDGES]} for {row['file']}"
    check(good, "boxes", expected="xmin < xmax and ymin < ymax in numbers", got=got)
    return box
