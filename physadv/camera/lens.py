"""The lens: radial and decentring distortion."""

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from physadv.core import Conditions, Sensor, Span, check

ROUNDS = 12
CORNER_PX = 0.05
NAMES = ("k1_ratio", "k2_ratio", "p1_ratio", "p2_ratio")


@dataclass(frozen=True)
class Lens:
    """Distortion as Brown (1966) and Conrady (1919) state it and OpenCV has it.

    In units of the focal length, an ideal point (x, y) at radius r is seen at
    x (1 + k1 r^2 + k2 r^4) + 2 p1 x y + p2 (r^2 + 2 x^2), and y alike.
    """

    k1_ratio: Span = Span(-0.15, 0.1, neutral=0.0)
    k2_ratio: Span = Span(-0.02, 0.05, neutral=0.0)
    p1_ratio: Span = Span(-0.002, 0.002, neutral=0.0)
    p2_ratio: Span = Span(-0.002, 0.002, neutral=0.0)

    def shift(self, points_px: Tensor, given: Conditions, sensor: Sensor) -> Tensor:
        """Return how far photo points (B,N,2) are from the ideal ones (fixed-point iteration)."""
        middle = torch.tensor([sensor.width_px / 2, sensor.height_px / 2]).to(points_px)
        seen = (points_px - middle) / sensor.focal_px
        ideal = seen
        for _ in range(ROUNDS):
            ideal = ideal + seen - distort(ideal, given)
        return (ideal - seen) * sensor.focal_px


def check_lens(lens: Lens, sensor: Sensor) -> None:
    """Raise `UserError` where a lens folds the picture over inside the sensor's corners."""
    ends = [(getattr(lens, name).low, getattr(lens, name).high) for name in NAMES]
    rows = torch.tensor(list(product(*ends)), dtype=torch.float32)
    given = dict(zip(NAMES, rows.T, strict=True))
    size = torch.tensor([sensor.width_px, sensor.height_px])
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]) * size
    points = corners.expand(len(rows), -1, -1)
    ideal = (points + lens.shift(points, given, sensor) - size / 2) / sensor.focal_px
    off = (distort(ideal, given) * sensor.focal_px + size / 2 - points).abs()
    reached = bool((off < CORNER_PX).all())
    check(
        reached,
        "lens",
        expected=f"a distortion that reaches the corners at {sensor.fov_deg:g} degrees of view",
        got=", ".join(
            f"{name}={low:g}..{high:g}" for name, (low, high) in zip(NAMES, ends, strict=True)
        ),
        fix="bring k1_ratio and k2_ratio nearer to 0",
    )


def distort(points: Tensor, given: Conditions) -> Tensor:
    """Return where a lens shows ideal points (B,N,2), both in focal lengths from the axis."""
    k1, k2, p1, p2 = (given[name][:, None] for name in NAMES)
    x, y = points.unbind(-1)
    square = x**2 + y**2
    radial = 1 + square * (k1 + square * k2)
    far_x = x * radial + 2 * p1 * x * y + p2 * (square + 2 * x**2)
    far_y = y * radial + 2 * p2 * x * y + p1 * (square + 2 * y**2)
    return torch.stack([far_x, far_y], dim=-1)
