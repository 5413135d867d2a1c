"""The one image convention: (B,3,H,W), RGB, [0,1], float32; linear and encoded never mix."""

from pathlib import Path
from typing import Any, NewType

import numpy as np
import torch
from kornia.color import linear_rgb_to_rgb
from PIL import Image, ImageOps
from torch import Tensor
from torch.autograd.function import once_differentiable

from physadv.core.check import UserError

Linear = NewType("Linear", Tensor)
"""Proportional to light or reflectance; what scene and camera compute with."""

Encoded = NewType("Encoded", Tensor)
"""sRGB (IEC 61966-2-1), as files, printers and victims have it."""


LINE_UP_TO = 0.04045
"""Where the straight part of the sRGB curve ends, encoded (IEC 61966-2-1)."""

UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises for files that are damaged, huge or no images."""


def encode(light: Linear) -> Encoded:
    """Encode linear light as sRGB; values are expected in [0,1]."""
    return Encoded(linear_rgb_to_rgb(light))


def decode(image: Encoded) -> Linear:
    """Undo the sRGB encoding."""
    return Linear(_Decoded.apply(image))


class _Decoded(torch.autograd.Function):
    """The curve of IEC 61966-2-1, its two parts added up; powers through logarithms.

    Several times as quick as `kornia.color.rgb_to_linear_rgb`, which chooses between the parts.
    """

    @staticmethod
    def forward(ctx: Any, image: Tensor) -> Tensor:
        """Return the light."""
        base = image.clamp_min(LINE_UP_TO).add_(0.055).div_(1.055)
        light = torch.log2(base).mul_(2.4).exp2_()
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(image, light / base)
        light += image.clamp_max(LINE_UP_TO).sub_(LINE_UP_TO).div_(12.92)
        return light

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        """Return the gradient to the image."""
        image, ratio = ctx.saved_tensors
        own = torch.where(image > LINE_UP_TO, ratio.mul(2.4 / 1.055), 1 / 12.92)
        return slope * own


def quantise(image: Tensor) -> Tensor:
    """Round to 8 bits: the nearest k/255. No gradient."""
    return (image.detach().clamp(0, 1) * 255).round() / 255


def load_image(path: str | Path) -> Encoded:
    """Read an image file as (1,3,H,W).

    EXIF rotation is applied, transparency is laid on white, greyscale and 16-bit files are
    brought to 8-bit RGB. Raises `UserError` when the file is missing or is no image.
    """
    colour, cover = load_rgba(path)
    return Encoded(colour * cover + (1 - cover))


def load_rgba(path: str | Path) -> tuple[Encoded, Tensor]:
    """Read an image file as colour (1,3,H,W) and cover (1,1,H,W); see `load_image`."""
    array = torch.from_numpy(np.array(_open(Path(path))))
    image = array.permute(2, 0, 1)[None].float() / 255
    return Encoded(image[:, :3].contiguous()), image[:, 3:].contiguous()


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
            image.load()
    except FileNotFoundError as error:
        raise UserError("image", expected="a file that exists", got=str(path)) from error
    except UNREADABLE as error:
        raise UserError(
            "image",
            expected="a readable image (PNG, JPEG, TIFF, …)",
            got=f"{path} ({error})",
            fix="open it in a viewer and save it anew",
        ) from error
    return _eight_bit(image).convert("RGBA")


def _eight_bit(image: Image.Image) -> Image.Image:
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, dtype=np.float64)
    top = 65535 if image.mode.startswith("I") else max(1.0, float(values.max()))
    return Image.fromarray(np.round(values / top * 255).clip(0, 255).astype(np.uint8))


def save_image(path: str | Path, image: Tensor, cover: Tensor | None = None) -> None:
    """Write one image (1,3,H,W), with its cover (1,1,H,W) as alpha if given, as 8-bit PNG."""
    whole = image if cover is None else torch.cat([image, cover], dim=1)
    array = (quantise(whole)[0] * 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(np.ascontiguousarray(array)).save(path)
