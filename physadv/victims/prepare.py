"""How a network wants its images: size, crop or border, channel order, scale, mean and std."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from physadv.core import check
from physadv.core.check import one_of

FITS = ("stretch", "crop", "letterbox", "keep")
MODES = ("bilinear", "bicubic", "nearest")


class Place(NamedTuple):
    """Where an image lies in what the network sees: its size there, and its top left corner."""

    height: int
    width: int
    y: int
    x: int


@dataclass(frozen=True)
class Prepare:
    """Bring images (B,3,H,W), RGB in [0,1], to what a network takes; differentiable.

    `size_px` is one number or (height, width). `fit` says how images get there: "stretch" both
    sides; "crop" the middle after resizing the shorter side; "letterbox" the longer side and fill
    up with `border`; "keep" them as they are, for networks that take any size. `resize_px` is what
    "stretch" and "crop" resize to before the middle is cut out, `size_px` unless given.
    Then the channels are turned round (`bgr`), multiplied by `scale` (255 for networks fed with
    bytes), and `mean` and `std` applied, three numbers each in the network's own channel order and
    scale; `channels_last` gives (B,H,W,3). Raises `UserError` for what does not fit.
    """

    size_px: int | tuple[int, int]
    mean: Sequence[float] = (0.0, 0.0, 0.0)
    std: Sequence[float] = (1.0, 1.0, 1.0)
    bgr: bool = False
    scale: float = 1.0
    fit: Literal["stretch", "crop", "letterbox", "keep"] = "stretch"
    resize_px: int | None = None
    interpolation: str = "bilinear"
    antialias: bool = True
    border: float = 114 / 255
    channels_last: bool = False

    def __post_init__(self) -> None:
        """Check what was given."""
        object.__setattr__(self, "size_px", _size(self.size_px))
        for name in ("mean", "std"):
            object.__setattr__(self, name, _three(name, getattr(self, name)))
        good = all(number > 0 for number in self.std)
        check(good, "std", expected="positive numbers", got=self.std)
        check(self.scale > 0, "scale", expected="a positive number", got=self.scale)
        one_of("fit", self.fit, FITS)
        one_of("interpolation", self.interpolation, MODES)
        if self.resize_px is not None:
            least = max(self.size)
            fix = f"at least size_px ({least})"
            check(self.resize_px >= least, "resize_px", expected=fix, got=self.resize_px)

    @property
    def size(self) -> tuple[int, int]:
        """The (height, width) of what the network takes."""
        return _size(self.size_px)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the batch that goes into the network."""
        fitted = self._fitted(images)
        ordered = fitted.flip(1) if self.bgr else fitted
        scaled = ordered if self.scale == 1 else ordered * self.scale
        batch = (scaled - _column(self.mean, scaled)) / _column(self.std, scaled)
        return batch.permute(0, 2, 3, 1) if self.channels_last else batch

    def place(self, height: int, width: int) -> Place:
        """Return where an image of this size lies in what the network sees, in its pixels."""
        high, wide = self.size
        if self.fit == "keep":
            return Place(height, width, 0, 0)
        if self.fit == "letterbox":
            ratio = min(high / height, wide / width)
            rows, columns = max(1, round(height * ratio)), max(1, round(width * ratio))
            return Place(rows, columns, (high - rows) // 2, (wide - columns) // 2)
        rows, columns = self._resized(height, width)
        return Place(rows, columns, -round((rows - high) / 2), -round((columns - wide) / 2))

    def back(self, boxes: Tensor, height: int, width: int) -> Tensor:
        """Bring boxes (...,4) from the network's pixels to those of images of this size."""
        at = self.place(height, width)
        corner = boxes.new_tensor([at.x, at.y, at.x, at.y])
        size = boxes.new_tensor([width / at.width, height / at.height]).repeat(2)
        return (boxes - corner) * size

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        if self.fit == "stretch":
            return self.size if self.resize_px is None else (self.resize_px, self.resize_px)
        shorter = max(self.size) if self.resize_px is None else self.resize_px
        longer = int(shorter * max(height, width) / min(height, width))
        return (shorter, longer) if height <= width else (longer, shorter)

    def _fitted(self, images: Tensor) -> Tensor:
        at = self.place(*images.shape[2:])
        if (at.height, at.width) != tuple(images.shape[2:]):
            images = self._interpolated(images, (at.height, at.width))
        if self.fit == "keep":
            return images
        high, wide = self.size
        if at.height < high or at.width < wide:
            right, below = wide - at.width - at.x, high - at.height - at.y
            images = pad(images, (at.x, right, at.y, below), value=self.border)
        top, left = max(0, -at.y), max(0, -at.x)
        return images[:, :, top : top + high, left : left + wide]

    def _interpolated(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        if self.interpolation == "nearest":
            return interpolate(images, size, mode="nearest-exact")
        mode, antialias = self.interpolation, self.antialias
        resized = interpolate(images, size, mode=mode, antialias=antialias)
        return resized.clamp(0, 1) if mode == "bicubic" else resized  # as for images of bytes


@lru_cache(maxsize=64)
def _kept(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):  # the tensor outlives the caller's mode
        return torch.tensor(values, device=device, dtype=dtype).reshape(3, 1, 1)


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    return _kept(tuple(values), like.device, like.dtype)


def _size(size_px: int | tuple[int, int]) -> tuple[int, int]:
    pair = tuple(size_px) if isinstance(size_px, Sequence) else (size_px, size_px)
    good = len(pair) == 2 and all(isinstance(side, int) and side > 0 for side in pair)
    check(good, "size_px", expected="pixels: one number or (height, width)", got=repr(size_px))
    return pair[0], pair[1]


def _three(argument: str, values: Sequence[float]) -> tuple[float, ...]:
    try:
        numbers = tuple(float(number) for number in values)
    except (TypeError, ValueError):
        numbers = ()
    expected = "three numbers, one a channel"
    check(len(numbers) == 3, argument, expected=expected, got=repr(values))
    return numbers
