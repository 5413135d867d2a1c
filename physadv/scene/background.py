"""What is behind the sign: photos shipped inside scikit-image, soft colour fields, or a folder."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor

from physadv.core import (
    Choice,
    Conditions,
    Encoded,
    Linear,
    Span,
    UserError,
    decode,
    generator,
    load_image,
)
from physadv.core.device import here
from physadv.scene.view import View

SIDE = 384
LEVELS = 4
AROUND = 1.5
SHIPPED = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "grass.png",
    "gravel.png",
    "motorcycle_left.png",
    "rocket.jpg",
)
FIELDS = 9


@dataclass(frozen=True)
class Backdrop:
    """Which background, what part of it, and how bright it is against the sign's light."""

    which: Choice
    x_ratio: Span = Span(0.0, 1.0)
    y_ratio: Span = Span(0.0, 1.0)
    part_ratio: Span = Span(0.25, 1.0)
    gain_ev: Span = Span(-1.0, 1.0, neutral=0.0)


@dataclass(frozen=True, eq=False)
class Backgrounds:
    """A bank of N square linear pictures, at LEVELS sizes, all below one another.

    `tall` is (1,3,T,SIDE). Each level halves the one before; level k of all pictures comes before
    level k + 1 of any. `mean` (N,3) is each picture's mean light.
    """

    tall: Tensor
    mean: Tensor

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.mean)


def bank(pictures: Linear) -> Backgrounds:
    """Lay out pictures (N,3,SIDE,SIDE)."""
    levels = [F.avg_pool2d(pictures, 2**k) for k in range(LEVELS)]
    wide = [F.pad(level, (0, SIDE - level.shape[-1])) for level in levels]
    tall = torch.cat([level.transpose(0, 1).flatten(1, 2) for level in wide], dim=1)
    return Backgrounds(tall[None].contiguous(), pictures.mean(dim=(2, 3)))


@lru_cache(maxsize=4)
def backgrounds(folder: Path | None = None) -> Backgrounds:
    """Load the shipped backgrounds, or a folder's images. Raises `UserError` if it has none."""
    if folder is None:
        root = Path(data.__file__).parent
        pictures = [_square(load_image(root / name)) for name in SHIPPED] + [_fields()]
    else:
        suffixes = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"}
        files = sorted(f for f in folder.glob("*") if f.suffix.lower() in suffixes)
        if not files:
            raise UserError("backgrounds", expected="a folder with images", got=str(folder))
        pictures = [_square(load_image(file)) for file in files]
    return bank(decode(Encoded(torch.cat(pictures))))


def _square(image: Encoded) -> Tensor:
    height, width = image.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = image[..., top : top + side, left : left + side]
    return F.interpolate(cut, (SIDE, SIDE), mode="bilinear", antialias=True).clamp(0, 1)


def _fields() -> Tensor:
    """Skies and walls: smooth random colours with a little grain, always the same ones."""
    rng = generator(0)
    coarse = torch.rand(FIELDS, 3, 3, 3, generator=rng)
    grey = coarse.mean(dim=1, keepdim=True)
    muted = grey + 0.5 * (coarse - grey)
    smooth = F.interpolate(muted, (SIDE, SIDE), mode="bicubic", align_corners=True)
    grain = torch.randn(FIELDS, 1, SIDE // 4, SIDE // 4, generator=rng) * 0.05
    return (smooth + F.interpolate(grain, (SIDE, SIDE), mode="bilinear")).clamp(0, 1)


def backdrop(source: Backgrounds, view: View, given: Conditions) -> Linear:
    """Cut windows (B,3,H,W) behind a view's signs, anti-aliased to the nearest level.

    `part_ratio` of a picture lies behind `AROUND` times the sign, however large the window is.
    """
    source = here(source)
    height, width = view.window.size
    box = view.box_px
    middle, extent = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2:] - box[:, :2]).amax(dim=1)
    part = given["part_ratio"] * SIDE
    step = part / (AROUND * extent)
    level = torch.log2(step).round().clamp(0, LEVELS - 1)
    scale = torch.exp2(-level)
    side = SIDE * scale
    above = len(source) * SIDE * 2 * (1 - scale) + given["which"] * side
    centre = [(SIDE - part) * given[f"{axis}_ratio"] + part / 2 for axis in "xy"]
    x = _line(width, centre[0] - middle[:, 0] * step, step, scale) / SIDE
    y = _line(height, centre[1] - middle[:, 1] * step, step, scale) + above[:, None]
    x, y = x * 2 - 1, y * (2 / source.tall.shape[2]) - 1
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]))
    # Two halves, so that two cores share the reads.
    halves = grid.reshape(2, 2, -1, 1).permute(1, 2, 3, 0)
    read = F.grid_sample(source.tall.expand(2, -1, -1, -1), halves, align_corners=False)
    light = read.transpose(0, 1).reshape(3, -1, height, width).transpose(0, 1)
    return Linear(light * torch.exp2(given["gain_ev"])[:, None, None, None])


def _line(count: int, start: Tensor, step: Tensor, scale: Tensor) -> Tensor:
    """Return `count` texels (B,count) of a level along a line, kept off its neighbours.

    Beyond its edges a picture is mirrored.
    """
    line = (start[:, None] + (torch.arange(count) + 0.5) * step[:, None]) * scale[:, None]
    side = SIDE * scale[:, None]
    line = side - (line.remainder(2 * side) - side).abs()
    return torch.minimum(line.clamp_min(0.5), side - 0.5)
