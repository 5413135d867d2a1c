"""Stickers laid by hand: moved, turned, and bent like a thin plate."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Conditions, Seed, Span, generator
from physadv.core.device import kept

CONTROLS = 4
"""Control points along each side of the frame."""
NODES = 49
"""Nodes along each side at which the spline is evaluated; between them it is linear."""
BANK = 2**18

Size = tuple[float, float]


@dataclass(frozen=True)
class Bend:
    """How far stickers are from where they should be, and how they are bent.

    They move by `offset_x_mm`, `offset_y_mm` in the sign's plane and turn clockwise about its
    middle; control points on a grid over the frame are then off by `bend_mm` in the mean square,
    and what lies between follows the thin-plate spline through them (Bookstein, PAMI 1989). The
    bend itself holds no shift, turn, scale or shear: what an affine map explains is taken out.
    """

    offset_x_mm: Span = Span(-5.0, 5.0, neutral=0.0)
    offset_y_mm: Span = Span(-5.0, 5.0, neutral=0.0)
    turn_deg: Span = Span(-1.0, 1.0, neutral=0.0)
    bend_mm: Span = Span(0.0, 4.0, neutral=0.0)
    seed: Seed = Seed()

    def move(self, points_mm: Tensor, given: Conditions, size_mm: Size) -> Tensor:
        """Return which points of the flat stickers lie at points (B,H,W,2) of the sign, in mm.

        `size_mm` is the frame's (height, width). Exactly the identity at neutral.
        """
        moved = points_mm
        if not (self.offset_x_mm.idle and self.offset_y_mm.idle and self.turn_deg.idle):
            moved = moved + _undone(points_mm, given, size_mm)
        return moved if self.bend_mm.idle else moved + bent(points_mm, given, size_mm)

    def matrix(self, given: Conditions, size_mm: Size) -> Tensor:
        """Return the misplacement alone as maps (B,3,3) from the flat stickers to the sign."""
        turn, middle = _turn(given), _middle(given, size_mm)
        matrix = torch.eye(3, device=turn.device).repeat(len(turn), 1, 1)
        matrix[:, :2, :2] = turn
        matrix[:, :2, 2] = middle + _offset(given) - turn @ middle
        return matrix


def bent(points_mm: Tensor, given: Conditions, size_mm: Size) -> Tensor:
    """Return the bend's displacements in mm, as large as `points_mm` (B,H,W,2)."""
    pulls = pulls_mm(given, size_mm)
    spline = spline_weights(size_mm).to(pulls)
    field = (spline @ pulls).mT.reshape(-1, 2, NODES, NODES)
    size = points_mm.new_tensor([size_mm[1], size_mm[0]])
    places = points_mm * (2 / size) - 1
    read = F.grid_sample(field, places, padding_mode="border", align_corners=True)
    return read.permute(0, 2, 3, 1)


def pulls_mm(given: Conditions, size_mm: Size) -> Tensor:
    """Return how far the control points are displaced, (B,K,2), `bend_mm` in the mean square."""
    seed, bend = given["seed"], given["bend_mm"]
    strips = _chance().to(bend).unfold(0, 2 * CONTROLS**2, 1)
    chance = strips[(seed.long() * 7919) % len(strips)].reshape(-1, CONTROLS**2, 2)
    left = _without_affine(size_mm).to(bend) @ chance
    size = left.square().sum(dim=2).mean(dim=1).sqrt()
    return left * (bend / size)[:, None, None]


def grid_points(size_mm: Size, count: int) -> Tensor:
    """Return count x count points (N,2) in mm that span the frame, row by row."""
    y, x = (torch.linspace(0, side, count, dtype=torch.float64) for side in size_mm)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)


@kept
def spline_weights(size_mm: Size) -> Tensor:
    """Return the spline's value at each node for a unit pull at each control point, (N,K).

    The spline is linear in its pulls, so that one solution serves all rows.
    """
    controls, nodes = grid_points(size_mm, CONTROLS), grid_points(size_mm, NODES)
    affine, count = _affine(controls), len(controls)
    upper = torch.cat([_kernel(controls, controls), affine], dim=1)
    lower = torch.cat([affine.mT, affine.new_zeros(3, 3)], dim=1)
    unit = torch.eye(count + 3, count, dtype=torch.float64)
    weights = torch.linalg.solve(torch.cat([upper, lower]), unit)
    basis: Tensor = torch.cat([_kernel(nodes, controls), _affine(nodes)], dim=1) @ weights
    return basis


def _kernel(points: Tensor, controls: Tensor) -> Tensor:
    """Return r^2 log r between points (N,2) and (K,2) in metres."""
    squared = torch.cdist(points / 1000, controls / 1000).square()
    return torch.xlogy(squared, squared) / 2


def _affine(points: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(points[:, :1]), points / 1000], dim=1)


@kept
def _without_affine(size_mm: Size) -> Tensor:
    """Return the projection (K,K) that takes out what an affine map explains."""
    affine = _affine(grid_points(size_mm, CONTROLS))
    explained: Tensor = affine @ torch.linalg.pinv(affine)
    return torch.eye(len(affine), dtype=torch.float64) - explained


@kept
def _chance() -> Tensor:
    return torch.randn(BANK, generator=generator(0))


def _undone(points_mm: Tensor, given: Conditions, size_mm: Size) -> Tensor:
    """Return the step (B,H,W,2) from points on the sign to where they lie on the stickers."""
    back = _turn(given).mT
    change = back - torch.eye(2, device=back.device)
    from_middle = points_mm - _middle(given, size_mm)
    shift = (back @ _offset(given)[:, :, None])[:, None, None, :, 0]
    return (from_middle.flatten(1, 2) @ change.mT).reshape(points_mm.shape) - shift


def _turn(given: Conditions) -> Tensor:
    angle = torch.deg2rad(given["turn_deg"])
    flat = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1)
    return flat.reshape(-1, 2, 2)


def _offset(given: Conditions) -> Tensor:
    return torch.stack([given["offset_x_mm"], given["offset_y_mm"]], dim=1)


def _middle(given: Conditions, size_mm: Size) -> Tensor:
    return given["turn_deg"].new_tensor([size_mm[1] / 2, size_mm[0] / 2])
