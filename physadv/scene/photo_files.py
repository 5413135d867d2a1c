"""A photo of the sign as users have it: read, cut to the sign, and its light found."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Encoded, Linear, check, decode, load_image
from physadv.core.check import one_of
from physadv.core.types import Point
from physadv.scene.photo import SignPhoto
from physadv.scene.photo_corners import Array, Box, apply, box_plane, corner_plane
from physadv.scene.photo_mask import check_free, read_front
from physadv.scene.relight import METHODS, PERCENTILE, fit_light, misfit
from physadv.scene.signs import SignDesign

SIGN_PX = 400
"""The sign's longest side after a photo is scaled down: with framing's margin it fits a window."""
AROUND_RATIO = 0.6
"""What is kept of a photo around the sign's box, as a share of the box's longer side."""

Cut = tuple[EllipsisType, slice, slice]


@dataclass(frozen=True)
class PhotoFile:
    """A photo and where the sign lies in it: at `corners`, in a `box`, or from edge to edge.

    `mask` is an image of the photo's size that shows what is before the sign, see `read_front`.
    """

    path: str | Path
    corners: Sequence[Point] | None = None
    box: Box | None = None
    mask: str | Path | None = None


@dataclass(frozen=True)
class Reading:
    """How photos are read: of which sign, how large it may be, how its light is found."""

    design: SignDesign
    sign_px: int = SIGN_PX
    method: str = PERCENTILE

    def check(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        check(self.sign_px >= 16, "sign_px", expected="at least 16", got=self.sign_px)
        one_of("relight", self.method, METHODS)


def read_photo(
    path: str | Path,
    design: SignDesign,
    *,
    corners: Sequence[Point] | None = None,
    box: Box | None = None,
    sign_px: int = SIGN_PX,
    method: str = PERCENTILE,
) -> SignPhoto:
    """Read a photo that shows the sign at `corners` or in `box`, in its pixels (EXIF applied).

    `corners` are the four corners of the sign's frame (the upright rectangle around it in its own
    plane) or the sign's own corners, clockwise from the top left (see `corner_plane`); `box` is
    x1,y1,x2,y2, for a sign seen head-on. Exactly one of them. Photos are cut to the sign's
    surroundings and scaled down, anti-aliased, so that the sign is at most `sign_px` long; they
    are never enlarged. Four times what the recogniser takes is plenty, and much faster. `method`
    is how the light is found, see `fit_light`. Raises `UserError` for an unreadable file and for
    points that cannot be.
    """
    got = "both" if box is not None else "neither"
    one = (corners is None) != (box is None)
    check(one, "photo", expected="either corners or a box of the sign", got=got)
    reading = Reading(design, sign_px, method)
    reading.check()
    return read(PhotoFile(path, corners, box), reading)


def read(photo: PhotoFile, how: Reading) -> SignPhoto:
    """Read one photo. Raises `UserError` for whatever is wrong with it."""
    image = load_image(photo.path)
    size = (image.shape[-2], image.shape[-1])
    if photo.corners is not None:
        plane = corner_plane(how.design, photo.corners, size)
    else:
        whole = (0.0, 0.0, float(size[1]), float(size[0]))
        plane = box_plane(how.design, photo.box or whole, size)
    front = None if photo.mask is None else read_front(photo.mask, size)
    return _prepare(photo, image, front, plane=plane, how=how)


def _prepare(
    photo: PhotoFile, image: Encoded, front: Tensor | None, *, plane: Array, how: Reading
) -> SignPhoto:
    """Cut a photo to the sign's surroundings, scale it down, and read its light."""
    cut, share = _cutting(image, plane, how)
    light = decode(Encoded(image[cut]))
    ready = Linear(_shrunk(light, share).clamp_min(0).contiguous())
    scale = [ready.shape[-1] / light.shape[-1], ready.shape[-2] / light.shape[-2]]
    shift = np.array([[1, 0, -cut[2].start], [0, 1, -cut[1].start], [0, 0, 1.0]])
    moved = np.diag([*scale, 1.0]) @ shift @ plane
    placed = torch.from_numpy(moved / moved[2, 2]).float()
    if front is not None:
        front = _shrunk(front[cut], share).clamp(0, 1).contiguous()
        check_free(how.design, placed, front)
    found = fit_light(how.design, ready, placed, method=how.method, front=front)
    off = misfit(how.design, ready, placed, found=found, front=front)
    return SignPhoto(Path(photo.path).name, ready, placed, found, front, off)


def _cutting(image: Encoded, plane: Array, how: Reading) -> tuple[Cut, float]:
    """Return the rows and columns around the sign, and by how much they are scaled (at most 1)."""
    outline = apply(plane, np.array(how.design.outline_mm))
    low, high = outline.min(axis=0), outline.max(axis=0)
    longest = float((high - low).max())
    extent = np.array([image.shape[-1], image.shape[-2]])
    left, top = np.floor(low - AROUND_RATIO * longest).clip(0, extent - 1).astype(int).tolist()
    right, bottom = np.ceil(high + AROUND_RATIO * longest).clip(1, extent).astype(int).tolist()
    return (..., slice(top, bottom), slice(left, right)), min(1.0, how.sign_px / longest)


def _shrunk(image: Tensor, share: float) -> Tensor:
    """Scale an image down, anti-aliased."""
    if share == 1:
        return image
    size = [max(1, round(side * share)) for side in image.shape[-2:]]
    return F.interpolate(image, size, mode="bilinear", antialias=True)
