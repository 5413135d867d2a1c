"""Draws the pictures of docs/: the demo from a result's folder, and a strip for each effect.

python docs/make_figures.py physadv-out    writes docs/images/demo.png
python docs/make_figures.py effects        writes docs/images/effects/*.png
python docs/make_figures.py kinds          writes docs/images/kinds.png
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.image import imread
from PIL import Image
from torch import Tensor

from physadv.core import (
    Choice,
    Seed,
    Span,
    UserError,
    encode,
    generator,
    save_image,
    with_value,
)
from physadv.design import build_patch, build_problem, build_victim, design_from, placed
from physadv.evaluation import contact_sheet, sweep, sweep_values
from physadv.output import (
    Strip,
    contact_sheet_image,
    patch_picture,
    read_folder,
    sign_picture,
)
from physadv.problem import Problem
from physadv.scene import StreetScene, sign

IMAGES = Path(__file__).parent / "images"
ROWS, COLUMNS = 2, 5
STICKERS = Path(__file__).parents[1] / "patches" / "stop-as-speed-limit-80"
TILES, TILE_PX, MOST_BYTES = 5, 112, 60_000
NEAR = {
    "scene.pose.distance_m": 9.0,
    "scene.pose.yaw_deg": 15.0,
    "scene.background.which": 5.0,
    "scene.pose.x_ratio": 0.25,
    "scene.pose.y_ratio": -0.2,
    "camera.jpeg.quality": 95.0,
}
"""What the strips hold, so that the sign is large and little else disturbs."""
AWAKE: dict[str, Choice | Span] = {
    "camera.mosaic.which": Choice((-1.0, 0.0, 1.0, 2.0, 3.0), neutral=-1.0),
    "printer.drift.green_gain_ratio": Span(0.8, 1.2, neutral=1.0),
}
"""What rests even by itself, as nobody can say how far it goes without knowing the device."""
SEEN = 0.5 / 255
"""A mean difference between the ends of a strip that people see."""


def demo(folder: Path) -> None:
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


def effects() -> None:
    """Write one strip for each effect of the street: the condition that shows most, low to high."""
    design, theta = read_folder(STICKERS)
    design = design.changed("world", preset="street")
    problem = build_problem(design, build_victim(design))
    for name, varying in AWAKE.items():
        problem = with_value(problem, f"world.{name}", varying)
    (IMAGES / "effects").mkdir(parents=True, exist_ok=True)
    for effect, group in groupby(sorted(problem.declared(), key=_effect), _effect):
        strip = _strip(problem, theta, list(group))
        if strip is None:
            print(f"{effect}: nothing to be seen", file=sys.stderr)
            continue
        path = IMAGES / "effects" / f"{effect}.png"
        path.write_bytes(_small_png(contact_sheet_image("", [strip])))


def _effect(name: str) -> str:
    return name.rpartition(".")[0]


def _strip(problem: Problem, theta: Tensor, names: Sequence[str]) -> Strip | None:
    """Return the strip of the condition that changes the picture most, None where none does.

    The effect's others are at rest or, where nothing is seen then, at their strongest.
    """
    ranges = dict(_ranges(problem, names))
    strongest = {name: _strongest(problem, name, values) for name, values in ranges.items()}
    for held in (NEAR, NEAR | strongest):
        change = {name: _change(problem, theta, name, v, held) for name, v in ranges.items()}
        name = max(change, key=lambda one: change[one], default="")
        if name and change[name] >= SEEN:
            seen = sweep(problem, theta, name, ranges[name], at=_without(held, name))
            size = (TILE_PX, TILE_PX)
            tiles = F.interpolate(seen.pictures, size, mode="bilinear", antialias=True)
            return Strip(name, tiles, seen.captions)
    return None


def _ranges(problem: Problem, names: Sequence[str]) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield what can be swept, and over which values."""
    for name in names:
        if not isinstance(problem.declared()[name], Seed):
            try:
                yield sweep_values(problem, name, TILES)
            except UserError:
                continue


def _strongest(problem: Problem, name: str, values: Sequence[float]) -> float:
    rest = problem.declared()[name].neutral
    return values[-1] if rest is None else max(values, key=lambda value: abs(value - rest))


def _change(
    problem: Problem,
    theta: Tensor,
    name: str,
    values: Sequence[float],
    held: Mapping[str, float],
) -> float:
    """Return how much the picture changes from the first value to the last."""
    ends = (values[0], values[-1])
    first, last = sweep(problem, theta, name, ends, at=_without(held, name)).pictures
    return float((last - first).abs().mean())


def _without(held: Mapping[str, float], name: str) -> dict[str, float]:
    return {one: value for one, value in held.items() if one != name}


def _small_png(image: Image.Image) -> bytes:
    """Return a PNG of as many colours as fit."""
    for colours in (256, 128, 64, 32):
        buffer = BytesIO()
        image.quantize(colours, Image.Quantize.MEDIANCUT).save(buffer, "PNG", optimize=True)
        if buffer.tell() < MOST_BYTES:
            break
    return buffer.getvalue()


KINDS: dict[str, dict[str, object]] = {
    "pixels": {},
    "--inks black,white": {"inks": ("black", "white")},
    "--kind waves": {"kind": "waves"},
    "--kind camouflage": {"kind": "camouflage"},
    "--kind bars": {"kind": "bars", "pieces": 5},
    "--kind strokes": {"kind": "strokes", "pieces": 3},
    "--kind letters": {"kind": "letters"},
}
STRONG = 8.0
"""How much farther from the middle than a first theta those on the picture are."""


def kinds() -> None:
    """Lay the stop sign with a random theta of each kind of sticker side by side."""
    figure = Figure(figsize=(12.5, 2.1), layout="constrained")
    for ax, (name, settings) in zip(figure.subplots(1, len(KINDS)), KINDS.items(), strict=True):
        design = design_from({"sticker": {"layout": "around", **settings}})
        patch = build_patch(placed(design, build_problem(design, build_victim(design))))
        theta, scale = patch.start(generator(4)), 1.0 if hasattr(patch, "cut") else STRONG
        middle = theta.mean()
        picture = patch_picture(patch, patch.project(middle + scale * (theta - middle)))
        shown = sign_picture(StreetScene(sign("stop")).face(picture.shape[-1]), picture)
        ax.imshow(shown[0].permute(1, 2, 0).numpy())
        ax.set_title(name, fontsize=8)
        ax.set_axis_off()
    figure.savefig(IMAGES / "kinds.png", dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    if sys.argv[1] in ("effects", "kinds"):
        {"effects": effects, "kinds": kinds}[sys.argv[1]]()
    else:
        demo(Path(sys.argv[1]))
