"""Small images turned, scaled, sheared and shifted a little, each in its own way."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate

from physadv.core import check
from physadv.core.check import at_least_one


@dataclass(frozen=True)
class Jitter:
    """How far at most; each is drawn evenly between its negative and itself, for each image.

    `turn_deg` degrees, `scale_ratio` and `shear_ratio` shares of the size, `shift_px` pixels; the
    image is sampled `finer` times as finely, bicubically, and what comes from outside is 0.
    """

    turn_deg: float = 4.0
    scale_ratio: float = 0.04
    shear_ratio: float = 0.04
    shift_px: float = 0.25
    finer: int = 4

    def __post_init__(self) -> None:
        """Raise `UserError` for what cannot be."""
        at_least_one(self, "finer")
        for name in ("turn_deg", "scale_ratio", "shear_ratio", "shift_px"):
            value = getattr(self, name)
            check(value >= 0, name, expected="0 or above", got=value)

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return images (B,C,h,w) in [0,1], changed."""
        size = (self.finer * images.shape[2], self.finer * images.shape[3])
        fine = interpolate(images, size, mode="bicubic", align_corners=False)
        grid = affine_grid(self._maps(images, rng), list(fine.shape), align_corners=False)
        moved = grid_sample(fine, grid, mode="bilinear", align_corners=False)
        return avg_pool2d(moved, self.finer).clamp(0, 1)

    def _maps(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Draw where each image is sampled, (B,2,3), in shares of half its sides."""
        drawn = 2 * torch.rand(6, len(images), generator=rng).to(images) - 1
        turn = drawn[0] * math.radians(self.turn_deg)
        wide, high = 1 + self.scale_ratio * drawn[1:3]
        shear = self.shear_ratio * drawn[3]
        x, y = (2 * self.shift_px * drawn[4 + k] / images.shape[3 - k] for k in (0, 1))
        first = torch.stack([wide * turn.cos(), shear - turn.sin(), x], dim=1)
        return torch.stack([first, torch.stack([turn.sin(), high * turn.cos(), y], dim=1)], dim=1)
