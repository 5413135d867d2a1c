"""Draw a sign design as a face of any resolution."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from physadv.core import Face, Linear, check
from physadv.scene.signs.colours import reflectance
from physadv.scene.signs.coverage import coverage
from physadv.scene.signs.design import SignDesign
from physadv.scene.signs.shapes import Shape

FINE_PX = 1024
"""Faces are painted at least this wide and averaged down, so that thin lines mix rightly."""


@lru_cache(maxsize=32)
def render(design: SignDesign, width_px: int) -> Face:
    """Draw the face `width_px` columns wide; rows follow the frame's shape.

    Masks are area coverage. The texture is linear reflectance; outside the silhouette it goes on
    in the plate's colour, so that it may be resampled before it is multiplied by `cover`.
    The result is cached: do not write into its tensors. Raises `UserError` for a width below 1.
    """
    check(width_px >= 1, "width_px", expected="at least 1", got=width_px)
    size = max(1, round(width_px * design.size_mm[0] / design.size_mm[1])), width_px
    factor = -(-FINE_PX // width_px)

    def cover(shapes: tuple[Shape, ...], factor: int) -> Tensor:
        fine = size[0] * factor, size[1] * factor
        return torch.from_numpy(coverage(shapes, design.size_mm, fine).astype(np.float32))

    texture = torch.zeros(3, size[0] * factor, size[1] * factor)
    texture += reflectance(design.layers[0].colour)[:, None, None]
    for layer in design.layers[1:]:
        colour = reflectance(layer.colour)[:, None, None]
        texture = torch.lerp(texture, colour, cover(layer.shapes, factor))
    texture = torch.nn.functional.avg_pool2d(texture[None], factor)

    return Face(
        name=design.name,
        size_mm=design.size_mm,
        texture=Linear(texture),
        cover=cover(design.layers[0].shapes, 1)[None, None],
        legend=cover(design.shapes("legend"), 1)[None, None],
        field=cover(design.field, 1)[None, None],
        outline_mm=design.outline_mm,
    )
