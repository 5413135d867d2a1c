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
from physadv.core.pixels import pixel_grid
from physadv.scene.texture import Atlas, atlas

SIDE = 384
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
    """A bank of square linear pictures (N,3,S,S) as an atlas."""

    bank: Atlas

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.bank.pixels)


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
    return Backgrounds(atlas(decode(Encoded(torch.cat(pictures))), levels=4))


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


def backdrop(source: Backgrounds, size: tuple[int, int], given: Conditions) -> Linear:
    """Cut windows (B,3,H,W) of `size` from the bank, anti-aliased to the nearest finer level."""
    bank = source.bank
    height, width = size
    part = given["part_ratio"] * SIDE
    origin = torch.stack([given["x_ratio"], given["y_ratio"]], dim=1) * (SIDE - part[:, None])
    step = part / max(height, width)
    level = torch.log2(step).floor().clamp(0, len(bank.sizes) - 1).long()
    scale = 2.0 ** level[:, None, None, None]
    grid = pixel_grid(height, width)
    texels = (origin[:, None, None] + grid * step[:, None, None, None]) / scale
    inside = torch.minimum(texels.clamp(min=0.5), bank.sizes[level][:, None, None] - 0.5)
    extent = torch.tensor([bank.pixels.shape[-1], bank.pixels.shape[-2]])
    places = (inside + bank.offsets[level][:, None, None]) / extent * 2 - 1
    read = F.grid_sample(bank.pixels[given["which"].long()], places, align_corners=False)
    return Linear(read * 2 ** given["gain_ev"][:, None, None, None])
