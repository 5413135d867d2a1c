"""Draws docs/images/demo.png from a result's folder: python docs/make_figures.py physadv-out."""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

from physadv.core import encode, save_image
from physadv.design import build_problem, build_victim
from physadv.evaluation import contact_sheet
from physadv.output import read_folder
from physadv.scene import StreetScene, sign

IMAGES = Path(__file__).parent / "images"
ROWS, COLUMNS = 2, 5


def main(folder: Path) -> None:
    """Lay the bare sign, the sign with stickers, and ten random simulated photos side by side."""
    design, theta = read_folder(folder)
    victim = build_victim(design)
    problem = build_problem(design, victim)
    sheet = contact_sheet(problem, theta, n=ROWS * COLUMNS, seed=2)
    face = StreetScene(sign(design.sign)).face(512)
    IMAGES.mkdir(exist_ok=True)
    save_image(IMAGES / "bare.png", encode(face.texture), face.cover)
    figure = Figure(figsize=(12.5, 3.9), layout="constrained")
    shots = [[f"s{row}{column}" for column in range(COLUMNS)] for row in range(ROWS)]
    axes = figure.subplot_mosaic(
        [["bare", "after", *names] for names in shots], width_ratios=[2, 2] + [1] * COLUMNS
    )
    axes["bare"].imshow(imread(IMAGES / "bare.png"))
    axes["bare"].set_title("the sign")
    axes["after"].imshow(imread(folder / "sign.png"))
    axes["after"].set_title("with stickers")
    for index, picture in enumerate(sheet.pictures):
        ax = axes[f"s{index // COLUMNS}{index % COLUMNS}"]
        ax.imshow(np.asarray(picture.permute(1, 2, 0)))
        ax.set_title(victim.labels[sheet.answers[index]].replace(" (", "\n("), fontsize=8)
        ax.set_xlabel(sheet.captions[index], fontsize=6.5)
    for ax in axes.values():
        ax.set_xticks([])
        ax.set_yticks([])
        for edge in ax.spines.values():
            edge.set_visible(False)
    (IMAGES / "bare.png").unlink()
    figure.savefig(IMAGES / "demo.png", dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
