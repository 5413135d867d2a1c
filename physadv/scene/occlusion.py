"""Something between the camera and the sign: leaves, a pole."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Seed, Sight, Span
from physadv.scene.dirt import blots, pixel_mm

SHADY = (0.012, 0.03, 0.006)
SUNNY = (0.14, 0.28, 0.05)
STEEL = (0.25, 0.26, 0.27)


@dataclass(frozen=True)
class Occlusion:
    """Leaves that hide `cover_ratio` of the plane in the mean over seeds, and an upright pole.

    Lengths are as they appear on the sign: a leaf or gap measures about `leaf_mm`, the pole is
    `pole_mm` wide, its middle `pole_x_mm` right of the sign's; it hides `pole_mm` / width of the
    frame. `shine_ratio` goes from leaves in the shade (0) to leaves in the standard light (1).
    """

    seed: Seed = Seed()
    cover_ratio: Span = Span(0.0, 0.25, neutral=0.0)
    leaf_mm: Span = Span(60.0, 250.0, neutral=120.0, log=True)
    shine_ratio: Span = Span(0.0, 1.0, neutral=0.0)
    pole_mm: Span = Span.at(0.0, neutral=0.0)
    pole_x_mm: Span = Span(-400.0, 400.0, neutral=0.0)

    @property
    def idle(self) -> bool:
        """Whether there can be nothing before the sign."""
        return self.cover_ratio.idle and self.pole_mm.idle

    def layer(self, sight: Sight, given: Conditions) -> Tensor:
        """Return colour times cover, and cover, (B,4,H,W), in the standard light."""
        leaves, pole = self.leaves(sight, given), self.pole(sight, given)
        green = _green(given["shine_ratio"]) * leaves
        steel = pole.new_tensor(STEEL)[:, None, None] * pole
        return torch.cat([green + (1 - leaves) * steel, leaves + (1 - leaves) * pole], dim=1)

    def leaves(self, sight: Sight, given: Conditions) -> Tensor:
        """Return the share of each pixel behind leaves, (B,1,H,W)."""
        return blots(sight, given["seed"], given["leaf_mm"], given["cover_ratio"], edge_ratio=0.1)

    def pole(self, sight: Sight, given: Conditions) -> Tensor:
        """Return the share of each pixel behind the pole, (B,1,H,W)."""
        reach = pixel_mm(sight)[:, None, None] / 2
        half = given["pole_mm"][:, None, None] / 2
        middle = given["pole_x_mm"][:, None, None] + sight.size_mm[1] / 2
        away = sight.points_mm[..., 0] - middle
        overlap = torch.minimum(away + reach, half) - torch.maximum(away - reach, -half)
        return (overlap / (2 * reach)).clamp(0, 1)[:, None]


def _green(share: Tensor) -> Tensor:
    low, high = (share.new_tensor(tone)[:, None, None] for tone in (SHADY, SUNNY))
    return torch.lerp(low, high, share[:, None, None, None])
