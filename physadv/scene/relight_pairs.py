"""What a photo and the sign's design show at the same places of the sign."""

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Linear, PlaneMap
from physadv.core.pixels import pixel_grid
from physadv.scene.layers import look, surface
from physadv.scene.signs import SignDesign, render

GRID_PX = 160
FACE_PX = 512
SHRINK_RATIO = 0.88
"""The part of the sign that is compared, about its middle: its rim may be marked badly."""
MOST_FRONT = 0.1
"""A pixel of which more is before the sign is not compared."""
MOST_PAIRS = 2**13
FLAT = 0.05
"""Reflectances that differ by less are of one colour."""
LEAST_SHARE = 0.02

Pairs = tuple[Tensor, Tensor]


def spread(design: SignDesign, light: Linear, plane: Tensor, front: Tensor | None = None) -> Pairs:
    """Return what photo (1,3,h,w) and design show at the points of a grid on the sign, (N,3)."""
    face = render(design, GRID_PX)
    grid, places = _grid(design, plane, light)
    kept = _inner(face.cover, grid)[0] & (places.abs() <= 1).all(dim=-1)
    if front is not None:
        kept &= F.grid_sample(front, places[None], align_corners=False)[0, 0] <= MOST_FRONT
    seen = F.grid_sample(light, places[None], align_corners=False)[0, :, kept]
    return seen.T, face.texture[0, :, kept].T


def free_ratio(design: SignDesign, plane: Tensor, front: Tensor) -> float:
    """Return the share of the sign in the photo that is not behind `front` (1,1,h,w)."""
    grid, places = _grid(design, plane, front)
    shown = _inner(render(design, GRID_PX).cover, grid)[0] & (places.abs() <= 1).all(dim=-1)
    hidden = F.grid_sample(front, places[None], align_corners=False)[0, 0, shown]
    return float((hidden <= MOST_FRONT).float().mean()) if len(hidden) else 1.0


def registered(
    design: SignDesign, light: Linear, plane: Tensor, front: Tensor | None = None
) -> Pairs:
    """Return pixels of the photo (1,3,h,w) and the design as each would show it, (N,3).

    The design is averaged over each pixel's footprint. Pixels next to an edge of it are left out,
    where blur or corners a little off would show, as far as enough of each colour stays; at most
    `MOST_PAIRS` pixels are taken.
    """
    points = _pixels(design, light, plane)
    face = surface(render(design, FACE_PX), None, moved=False, fine=True)
    parts, place = look(face, PlaneMap(plane[None]), points, design.size_mm)
    kept = _inner(render(design, FACE_PX).cover, place)[0] & (parts.cover[0, 0] > 0.99)
    x, y = points[0].long().unbind(-1)
    if front is not None:
        kept &= front[0, 0, y, x] <= MOST_FRONT
    standard = parts.sign / parts.cover.clamp_min(0.5)
    kept = _away_from_edges(standard, kept)
    seen, shown = light[0, :, y, x][:, kept].T, standard[0, :, kept].T
    step = 1 + len(seen) // MOST_PAIRS
    return seen[::step], shown[::step]


def _away_from_edges(standard: Tensor, kept: Tensor) -> Tensor:
    """Return those of the pixels `kept` (H,W) about which a picture (1,3,H,W) is of one colour."""
    for reach in (2, 1):
        side = 2 * reach + 1
        most, least = (
            sign * F.max_pool2d(sign * standard, side, stride=1, padding=reach) for sign in (1, -1)
        )
        flat = kept & ((most - least).amax(dim=1)[0] < FLAT)
        if bool(kept.any()) and _tells_as_much(standard[0, :, flat], standard[0, :, kept]):
            return flat
    return kept


def _tells_as_much(some: Tensor, all_: Tensor) -> bool:
    """Whether in some colours (3,N) enough are light, and enough dark, as among all (3,M)."""
    middle = (all_.amin(dim=1) + all_.amax(dim=1))[:, None] / 2
    light = (some > middle).float().mean(dim=1)
    return bool(((light > LEAST_SHARE) & (light < 1 - LEAST_SHARE)).all())


def _grid(design: SignDesign, plane: Tensor, image: Tensor) -> Pairs:
    """Return a grid (1,H,W,2) on the sign's frame, -1..1, and where it is in the photo, -1..1."""
    height, width = render(design, GRID_PX).cover.shape[-2:]
    grid = pixel_grid(height, width) / torch.tensor([width, height])
    extent = torch.tensor([design.size_mm[1], design.size_mm[0]])
    pixels = PlaneMap(plane)((grid * extent).reshape(-1, 2)).reshape(height, width, 2)
    places = pixels / torch.tensor([image.shape[-1], image.shape[-2]]) * 2 - 1
    return (grid * 2 - 1)[None], places


def _inner(cover: Tensor, place: Tensor) -> Tensor:
    """Say which places (B,H,W,2), -1..1 of the frame, lie on the sign's inner part."""
    return F.grid_sample(cover, place / SHRINK_RATIO, align_corners=False)[:, 0] > 0.99


def _pixels(design: SignDesign, light: Linear, plane: Tensor) -> Tensor:
    """Return the photo's pixels (1,H,W,2) in the sign's box."""
    outline = PlaneMap(plane)(torch.tensor(design.outline_mm)).reshape(-1, 2)
    extent = torch.tensor([light.shape[-1], light.shape[-2]])
    low = outline.amin(dim=0).floor().clamp_min(0).minimum(extent - 2)
    high = outline.amax(dim=0).ceil().minimum(extent).maximum(low + 2)
    width, height = (high - low).long().tolist()
    return pixel_grid(height, width)[None] + low
