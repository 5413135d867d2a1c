"""A GTSRB folder of twelve pictures of three colours."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image


def toy_gtsrb(root: Path) -> Path:
    """Fill a folder, with the same pictures to train and to test on; returns it."""
    rng = np.random.default_rng(0)
    rows = []
    for index in range(12):
        colour = np.eye(3)[index % 3] * 200
        pixels = (colour + rng.uniform(0, 55, (30, 34, 3))).astype(np.uint8)
        Image.fromarray(pixels).save(root / f"{index}.png")
        rows.append([f"{index}.png", index % 3, 34, 30, 4, 3, 29, 26, index])
    header = ["file", "class_id", "width", "height", "roi_x1", "roi_y1", "roi_x2", "roi_y2"]
    for part in ("train", "test"):
        with (root / f"{part}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([[*header, "track"], *rows])
    (root / "classes.csv").write_text("id,name\n0,red\n1,green\n2,blue\n", encoding="utf-8")
    return root
