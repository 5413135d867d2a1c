"""Shapes that a search moves: from distances to their edges to ink and contours."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from physadv.core import Encoded, Ink
from physadv.core.device import device_now
from physadv.patch.mask import Mask

EDGE_MM = 12.0
"""How wide an edge is while searching, so that moving it changes what is near; printed, none is."""
ACCURATE_MM = 0.2
"""How far contours to cut are off, at most."""


def points_mm(size_mm: tuple[float, float], width_px: int) -> Tensor:
    """Return the middles (h,w,2) of a raster's pixels, (x, y) mm from the frame's corner."""
    height_px = round(width_px * size_mm[0] / size_mm[1])
    x = (torch.arange(width_px, device=device_now()) + 0.5) * (size_mm[1] / width_px)
    y = (torch.arange(height_px, device=device_now()) + 0.5) * (size_mm[0] / height_px)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def laid(inside_mm: Tensor, colours: Tensor) -> Ink:
    """Return the ink of shapes, later ones over earlier ones.

    `inside_mm` (k,h,w) is how far inside its edge each pixel is, negative outside; `colours` (k,3)
    are encoded. Cover falls from 1 to 0 over `EDGE_MM`; it is 0.5 on the edge, where print ends.
    """
    covers = (inside_mm / EDGE_MM + 0.5).clamp(0, 1)
    left = torch.cumprod((1 - covers).flip(0), dim=0).flip(0)
    above = torch.cat([left[1:], torch.ones_like(left[:1])])
    shares, cover = covers * above, 1 - left[0]
    colour = torch.einsum("khw,kc->chw", shares, colours) / cover.clamp_min(1e-6)
    shown = torch.where(cover > 0, colour, 1.0)
    return Ink(Encoded(shown[None].clamp(0, 1)), cover[None, None])


def traced(cover: Tensor, size_mm: tuple[float, float]) -> Mask:
    """Return the contours of where a cover (1,1,h,w) is at least a half: what is cut out.

    They run between pixels (marching squares, Lorensen & Cline 1987), without those of holes.
    """
    from skimage.measure import approximate_polygon, find_contours  # here, as it loads scipy.stats

    field = np.pad(cover[0, 0].detach().cpu().double().numpy(), 1)
    scale = np.array([size_mm[1] / (field.shape[1] - 2), size_mm[0] / (field.shape[0] - 2)])
    lines = [line[:, ::-1] for line in find_contours(field, 0.5)]  # type: ignore[no-untyped-call]  # scikit-image has no types
    outer = [(line - 0.5) * scale for line in lines if _turn(line) > 0]
    drawn = [approximate_polygon(line, ACCURATE_MM)[:-1] for line in outer]  # type: ignore[no-untyped-call]  # as above
    pieces = [tuple((float(x), float(y)) for x, y in line) for line in drawn if len(line) > 2]
    return Mask(size_mm, tuple(sorted(pieces)))


def _turn(line: NDArray[np.float64]) -> float:
    """Return twice the area that a closed line encloses, positive where it runs clockwise."""
    x, y = line.T
    return float(np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:]))
