"""Pictures of a folder as a GAN takes them: squares of 32 px, as bytes."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from physadv.core import UserError, check
from physadv.core.image import UNREADABLE
from physadv.generative.networks import SIDE

ENDINGS = (".png", ".jpg", ".jpeg", ".ppm", ".bmp", ".webp")


def read_pictures(folder: Path, least: int = 1) -> Tensor:
    """Read all images below a folder as bytes (N,3,32,32), stretched, antialiased, in order.

    Where the folder has a folder `train`, those of that alone. Raises `UserError` where there are
    fewer than `least`, or one cannot be read.
    """
    check(folder.is_dir(), "data", expected="a folder of images", got=str(folder))
    part = folder / "train" if (folder / "train").is_dir() else folder
    files = sorted(path for path in part.rglob("*") if path.suffix.lower() in ENDINGS)
    expected = f"a folder of at least {least} images ({', '.join(ENDINGS)})"
    check(len(files) >= max(1, least), "data", expected=expected, got=f"{len(files)} in {part}")
    return torch.from_numpy(np.stack([_read(path) for path in files])).permute(0, 3, 1, 2)


def _read(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    except UNREADABLE as error:
        raise UserError("data", expected="readable images", got=f"{path} ({error})") from error
    return np.asarray(small)
