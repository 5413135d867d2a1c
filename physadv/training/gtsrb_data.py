"""GTSRB as this project reads it: sign boxes, tracks, and loose square crops of one size."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from physadv.core import UserError

SIDE = 80
"""Side of the cached crops in pixels."""
MARGIN = 0.30
"""Free space around the sign's box in a cached crop, as a share of its longer side."""
LEAKED = (14, 23)
"""Class and track that are also in the test set."""


@dataclass(frozen=True, eq=False)
class SignCrops:
    """Crops (N,3,SIDE,SIDE) as bytes; the boxes (N,4) in their pixels; classes and tracks (N,)."""

    pixels: Tensor
    boxes_px: Tensor
    classes: Tensor
    tracks: Tensor

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.classes)

    def rows(self, chosen: Tensor) -> "SignCrops":
        """Return some of them."""
        parts = (self.pixels, self.boxes_px, self.classes, self.tracks)
        return SignCrops(*(part[chosen] for part in parts))


def read_crops(folder: Path, part: str) -> SignCrops:
    """Read the "train" or "test" part of a GTSRB folder, without the leaked track.

    Raises `UserError` where the folder does not hold classes.csv, train.csv and test.csv.
    """
    rows = _rows(folder / f"{part}.csv")
    keys = [(int(row["class_id"]), int(row.get("track") or -1)) for row in rows]
    kept = [(row, key) for row, key in zip(rows, keys, strict=True) if key != LEAKED]
    crops = [_crop(folder / row["file"], _box(row)) for row, _ in kept]
    return SignCrops(
        torch.from_numpy(np.stack([pixels for pixels, _ in crops])).permute(0, 3, 1, 2),
        torch.tensor([box for _, box in crops]),
        torch.tensor([key[0] for _, key in kept]),
        torch.tensor([key[0] * 1000 + key[1] for _, key in kept]),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise UserError(
            "data",
            expected="a GTSRB folder with classes.csv, train.csv, test.csv and the images",
            got=f"no {path.name} in {path.parent}",
        )
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _box(row: dict[str, str]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(row[name]) for name in ("roi_x1", "roi_y1", "roi_x2", "roi_y2"))
    return x1, y1, x2 + 1, y2 + 1


def _crop(
    path: Path, box: tuple[float, float, float, float]
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Cut the square of SIDE around a box, replicating the edges where the image ends."""
    x1, y1, x2, y2 = box
    longest = max(x2 - x1, y2 - y1)
    reach = longest * (0.5 + MARGIN)
    left, top = (x1 + x2) / 2 - reach, (y1 + y2) / 2 - reach
    pad = int(np.ceil(reach))
    with Image.open(path) as image:
        array = np.pad(np.asarray(image.convert("RGB")), ((pad, pad), (pad, pad), (0, 0)), "edge")
    area = (left + pad, top + pad, left + pad + 2 * reach, top + pad + 2 * reach)
    cut = Image.fromarray(array).resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=area)
    scale = SIDE / (2 * reach)
    placed = ((x1 - left) * scale, (y1 - top) * scale, (x2 - left) * scale, (y2 - top) * scale)
    return np.asarray(cut), placed
