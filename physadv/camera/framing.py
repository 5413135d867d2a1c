"""Framing: the crop a detector would hand on, resized to what the recogniser takes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Encoded, Photo, Span


@dataclass(frozen=True)
class Framing:
    """A crop around the sign's box, as loose and as badly placed as a detector's.

    `margin_ratio` is added on every side and `shift_x_ratio`, `shift_y_ratio` move the crop, as
    shares of the box's longer side. `stretch_ratio` says what becomes of an oblong box: 0 cuts
    the square around it, 1 stretches the box itself to the recogniser's square.
    """

    margin_ratio: Span = Span(0.02, 0.2)
    shift_x_ratio: Span = Span(-0.06, 0.06, neutral=0.0)
    shift_y_ratio: Span = Span(-0.06, 0.06, neutral=0.0)
    stretch_ratio: Span = Span(0.0, 1.0, neutral=0.0)

    def reach(self, given: Conditions) -> Tensor:
        """Return the free space around the box that each crop needs, (B,), in box sides."""
        shift = torch.maximum(given["shift_x_ratio"].abs(), given["shift_y_ratio"].abs())
        return given["margin_ratio"] + shift

    def crop(self, box_px: Tensor, given: Conditions) -> Tensor:
        """Return the crop boxes (B,4) for sign boxes (B,4)."""
        low, high = box_px[:, :2], box_px[:, 2:]
        extent = high - low
        longest = extent.amax(dim=1, keepdim=True)
        side = torch.lerp(longest, extent, given["stretch_ratio"][:, None])
        reach = side / 2 + longest * given["margin_ratio"][:, None]
        shift = torch.stack([given["shift_x_ratio"], given["shift_y_ratio"]], dim=1)
        middle = (low + high) / 2 + longest * shift
        return torch.cat([middle - reach, middle + reach], dim=1)

    def __call__(self, photo: Photo, given: Conditions, size_px: tuple[int, int]) -> Photo:
        """Crop and resize a photo's windows (B,3,H,W) to size_px (h, w), anti-aliased."""
        crop = self.crop(photo.box_px, given)
        scale = torch.tensor(size_px[::-1]) / (crop[:, 2:] - crop[:, :2])
        corners = (photo.corners_px - crop[:, None, :2]) * scale[:, None]
        box = (photo.box_px.reshape(-1, 2, 2) - crop[:, None, :2]) * scale[:, None]
        pixels = resample(photo.pixels, crop, size_px)
        return Photo(pixels, corners, box.reshape(-1, 4), photo.labels)


def resample(image: Encoded, crop_px: Tensor, size_px: tuple[int, int]) -> Encoded:
    """Cut boxes (B,4) from pictures (B,3,H,W) and resize them to (h, w) with a triangle filter.

    The filter is as wide as the reduction (as Pillow's BILINEAR with a box); edges replicate.
    """
    height, width = image.shape[-2:]
    rows = _weights(crop_px[:, 1], crop_px[:, 3], size_px[0], height)
    columns = _weights(crop_px[:, 0], crop_px[:, 2], size_px[1], width)
    batch, channels = image.shape[:2]
    across = image.reshape(batch, channels * height, width) @ columns.mT
    tall = across.reshape(batch, channels, height, -1).transpose(1, 2).flatten(2)
    both = (rows @ tall).reshape(batch, size_px[0], channels, size_px[1])
    return Encoded(both.transpose(1, 2).contiguous())


def _weights(low: Tensor, high: Tensor, count: int, length: int) -> Tensor:
    """Return resampling matrices (B, count, length) from `length` pixels to a span's `count`."""
    step = ((high - low) / count)[:, None, None]
    centre = low[:, None, None] + (torch.arange(count) + 0.5)[None, :, None] * step
    pixel = torch.arange(length) + 0.5
    inside = centre.clamp(0.5, length - 0.5)
    weight = (1 - (pixel - inside).abs() / step.clamp_min(1)).clamp_min(0)
    return weight / weight.sum(dim=2, keepdim=True)
