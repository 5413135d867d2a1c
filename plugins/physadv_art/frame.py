"""How an ART estimator has its images: channel order and range, to ours and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]
CHANNELS = (1, 3, 4)
BELOW = 0.01
"""How far outside its range, as a share of it, an image may be and is clipped, not refused."""


@dataclass(frozen=True)
class Frame:
    """Where the channels are, and the least and largest value."""

    channels_first: bool
    low: float
    high: float

    @property
    def width(self) -> float:
        """How wide the range is."""
        return self.high - self.low

    def images(self, x: Array) -> Tensor:
        """Return arrays in this frame as tensors (B,C,H,W) in [0,1]; others keep their order."""
        values = (np.asarray(x, dtype=np.float64) - self.low) / self.width
        return self.first(torch.from_numpy(values.astype(np.float32)).clamp(0, 1))

    def array(self, images: Tensor) -> Array:
        """Return tensors (B,C,H,W) in [0,1] as float32 arrays in this frame."""
        values = self.last(images.detach().cpu()).numpy().astype(np.float64)
        found: Array = np.clip(values * self.width + self.low, self.low, self.high)
        return found.astype(np.float32)

    def changed(self, x: Array, images: Tensor, attacked: Tensor) -> Array:
        """Return attacked images as arrays; what is as it was keeps the values of x exactly."""
        same = self.last((attacked == images).cpu()).numpy()
        kept = np.clip(np.asarray(x, dtype=np.float32), self.low, self.high)
        found: Array = np.where(same, kept, self.array(attacked)).astype(np.float32)
        return found

    def unit(self, x: Tensor) -> Tensor:
        """Return a batch in this frame as (B,C,H,W) in [0,1], differentiably."""
        return self.first((x - self.low) / self.width)

    def back(self, images: Tensor) -> Tensor:
        """Undo `unit`."""
        return self.last(images) * self.width + self.low

    def first(self, x: Tensor) -> Tensor:
        """Bring channels before rows."""
        return x if self.channels_first or x.ndim != 4 else x.permute(0, 3, 1, 2)

    def last(self, images: Tensor) -> Tensor:
        """Undo `first`."""
        return images if self.channels_first or images.ndim != 4 else images.permute(0, 2, 3, 1)

    def check(self, x: Array, *, clip: bool = False) -> None:
        """Raise `ValueError` unless values are finite and, if they are not clipped, in range."""
        if not len(x):
            raise ValueError("x: expected at least one image, got none")
        if not np.isfinite(x).all():
            raise ValueError("x: expected finite values, got NaN or infinity")
        if clip:
            return
        low, high, room = float(np.min(x)), float(np.max(x)), BELOW * self.width
        if low < self.low - room or high > self.high + room:
            raise ValueError(
                f"x: expected values in the estimator's clip_values ({self.low:g}, {self.high:g}), "
                f"got {low:.3g} to {high:.3g}; scale x, or give the estimator the clip_values of x"
            )


def frame_of(estimator: Any) -> Frame:
    """Return the frame of an ART estimator. Raises `ValueError` where it has no one range."""
    return Frame(bool(getattr(estimator, "channels_first", True)), *ends(estimator.clip_values))


def ends(clip_values: Any) -> tuple[float, float]:
    """Return the least and largest value of ART's `clip_values`; raises `ValueError`."""
    if clip_values is None or len(clip_values) != 2:
        raise ValueError(
            f"clip_values: expected (min, max), got {clip_values}; "
            "build the estimator with clip_values, e.g. (0.0, 1.0)"
        )
    low, high = (np.unique(np.asarray(end, dtype=np.float64)) for end in clip_values)
    if len(low) != 1 or len(high) != 1 or low[0] >= high[0]:
        raise ValueError(f"clip_values: expected one min < max for all features, got {clip_values}")
    return float(low[0]), float(high[0])
