"""Draw a sign design as a face of any resolution."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from physadv.core import Face, Linear, check
from physadv.core.coverage import Shape, coverage
from physadv.core.device import kept
from physadv.scene.signs.colours import reflectance
from physadv.scene.signs.design import SignDesign

FINE_PX = 1024
"""Faces are painted at least this wide and averaged down, so that thin lines mix rightly."""


@kept
def render(design: SignDesign, width_px: int) -> Face:
    """Draw the face `width_px` columns wide; rows follow the frame's shape.

    Masks are area coverage. The texture is linear reflectance; outside the silhouette it goes on
    in the plate's colour, so that it may be resampled before it is multiplied by `cover`.
    The result is cached: do not write into its tensors. Raises `UserError` for a width below 1.
    """
    check(width_px >= 1, "width_px", expected="at least 1", got=width_px)
    factor = math.ceil(FINE_PX / width_px)
    rows = max(1, round(width_px * design.size_mm[0] / design.size_mm[1]))
    fine = rows * factor, width_px * factor

    def mask(shapes: tuple[Shape, ...]) -> Tensor:
        return avg_pool2d(_cover(shapes, design.size_mm, fine)[None, None], factor)

    return Face(
        name=design.name,
        size_mm=design.size_mm,
        texture=Linear(avg_pool2d(_paint(design, fine)[None], factor)),
        cover=mask(design.layers[0].shapes),
        legend=mask(design.shapes("legend")),
        field=mask(design.field),
        outline_mm=design.outline_mm,
    )


def _paint(design: SignDesign, size: tuple[int, int]) -> Tensor:
    plate, *layers = design.layers
    texture = reflectance(plate.colour)[:, None, None].expand(3, *size)
    for layer in layers:
        colour = reflectance(layer.colour)[:, None, None]
        texture = torch.lerp(texture, colour, _cover(layer.shapes, design.size_mm, size))
    return texture


def _cover(
    shapes: tuple[Shape, ...], size_mm: tuple[float, float], size: tuple[int, int]
) -> Tensor:
    return torch.from_numpy(coverage(shapes, size_mm, size).astype(np.float32))
