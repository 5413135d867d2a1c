"""JPEG compression, differentiable while searching and libjpeg's own when judging."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Conditions, Encoded, Span, Window
from physadv.core.device import CPU, kept

LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8 for _ in range(4)),
)
"""Quantisation tables of ITU-T T.81, annex K.1, by row of frequency."""
TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)
"""JFIF 1.02: luma and chroma of RGB, chroma about 0."""

Rounding = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Jpeg:
    """Compress at `quality` 1..100, chroma at half resolution (ITU-T T.81, JFIF).

    The soft form computes what a decoder shows (cosine transform of 8 x 8 blocks as one matrix
    product, rounding of coefficients) and lets the gradient straight through; in binned windows
    its steps are smaller by the pitch, as joining pixels averages the rounding away. The hard
    form encodes and decodes with libjpeg.
    """

    quality: Span = Span(50.0, 95.0)

    def __call__(self, image: Encoded, given: Conditions, window: Window) -> Encoded:
        """Compress (B,3,H,W), H and W even; the gradient goes straight through."""
        with torch.no_grad():
            coded = coded_picture(image, given["quality"], window.pitch)
        return Encoded(_Straight.apply(image, coded))

    def hard(self, image: Encoded, given: Conditions) -> Encoded:
        """Compress 8-bit pictures (B,3,H,W) with libjpeg. No gradient."""
        qualities = given["quality"].to(CPU).round().int().tolist()
        rows = zip(image.to(CPU), qualities, strict=True)
        decoded = [_libjpeg(picture, quality) for picture, quality in rows]
        return Encoded(torch.stack(decoded).to(image.device))


class _Straight(torch.autograd.Function):
    """The second picture forwards, the gradient to the first backwards."""

    @staticmethod
    def forward(_ctx: object, _image: Tensor, coded: Tensor) -> Tensor:
        """Return the coded picture."""
        return coded

    @staticmethod
    def backward(_ctx: object, slope: Tensor) -> tuple[Tensor, None]:
        """Hand the gradient on."""
        return slope, None


def coded_picture(
    image: Tensor, quality: Tensor, pitch: Tensor, rounded: Rounding = torch.round_
) -> Tensor:
    """Return pictures (B,3,H,W) as they are decoded, at a quality (B,) and pitch (B,) or (1,).

    Coefficients in steps (B,N,64) are `rounded`, which alone has no slope unless given one.
    """
    batch, _, height, width = image.shape
    to_ycc = torch.tensor(TO_YCC).to(image)
    ycc = (to_ycc @ image.flatten(2)).reshape(batch, 3, height, width)
    scale = _scale(quality)
    luma = _coded(ycc[:, :1] - 128 / 255, _steps(LUMA, scale, pitch), rounded) + 128 / 255
    chroma = _doubled(_coded(_halved(ycc[:, 1:]), _steps(CHROMA, scale, pitch), rounded))
    whole: Tensor = torch.linalg.inv(to_ycc) @ torch.cat([luma, chroma], dim=1).flatten(2)
    return whole.reshape(image.shape).clamp_(0, 1)


def _halved(planes: Tensor) -> Tensor:
    """Return the means (B,C,h,w) of 2 x 2 pixels: `avg_pool2d`, several times as quick."""
    pairs = planes.unflatten(2, (-1, 2)).unflatten(4, (-1, 2))
    rows: Tensor = pairs[:, :, :, 0] + pairs[:, :, :, 1]
    return rows.sum(dim=-1) / 4


def _doubled(planes: Tensor) -> Tensor:
    """Return planes (B,C,2h,2w), linear between pixels' middles: `interpolate`, but quicker.

    Where a slope is wanted it is `interpolate`.
    """
    if planes.requires_grad:
        return F.interpolate(planes, scale_factor=2, mode="bilinear")
    batch, channels, height, width = planes.shape
    wide = F.pad(planes, (1, 1, 1, 1), mode="replicate")
    whole = planes.new_empty(batch, channels, height, 2, width, 2)
    for row in (0, 1):
        lines = torch.lerp(wide[:, :, 1:-1], wide[:, :, 2 * row : 2 * row + height], 0.25)
        for column in (0, 1):
            beside = lines[..., 2 * column : 2 * column + width]
            torch.lerp(lines[..., 1:-1], beside, 0.25, out=whole[:, :, :, row, :, column])
    return whole.reshape(batch, channels, 2 * height, 2 * width)


def _scale(quality: Tensor) -> Tensor:
    """Return the tables' factor (B,) at a quality, as the Independent JPEG Group's code has it."""
    whole = quality.round().clamp(1, 100)
    return torch.where(whole < 50, (5000 / whole).floor(), 200 - 2 * whole)


def _steps(table: tuple[tuple[int, ...], ...], scale: Tensor, pitch: Tensor) -> Tensor:
    """Return the rounding steps (B,8,8) for pictures of 0..1."""
    scaled = (
        ((torch.tensor(table).to(scale) * scale[:, None, None] + 50) / 100).floor().clamp(1, 255)
    )
    return scaled / (255 * pitch[:, None, None])


@kept
def _cosines() -> Tensor:
    """Return the orthonormal cosine transform of an 8 x 8 block as one matrix (64,64)."""
    k, n = torch.arange(8)[:, None], torch.arange(8)
    one = torch.cos((2 * n + 1) * k * torch.pi / 16) / 2
    one[0] /= 2**0.5
    return torch.kron(one, one)


def _coded(planes: Tensor, steps: Tensor, rounded: Rounding) -> Tensor:
    """Round the coefficients of planes (B,C,H,W) about 0 to whole steps (B,8,8).

    Where blocks hang over, the last pixels repeat.
    """
    batch, channels, *asked = planes.shape
    right, below = (-side % 8 for side in reversed(asked))
    if right or below:
        planes = F.pad(planes, (0, right, 0, below), mode="replicate")
    height, width = planes.shape[2:]
    tiles = planes.reshape(batch, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    step, cosines = steps.to(planes).reshape(batch, 1, 64), _cosines().to(planes)
    blocks = tiles.reshape(batch, -1, 64) @ cosines.T
    shown = rounded(blocks / step) * step @ cosines
    back = shown.reshape(batch, channels, height // 8, width // 8, 8, 8).transpose(3, 4)
    return back.reshape(planes.shape)[..., : asked[0], : asked[1]]


def _libjpeg(picture: Tensor, quality: int) -> Tensor:
    pixels = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, code = cv2.imencode(".jpg", np.ascontiguousarray(pixels[:, :, ::-1]), flags)
    decoded = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))
    return torch.from_numpy(decoded[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
