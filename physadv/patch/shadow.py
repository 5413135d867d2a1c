"""A shadow cast on the sign: a polygon in which the direct sun is gone (Zhong et al. 2022)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Lighting, check
from physadv.core.pixels import pixel_grid
from physadv.core.types import Point
from physadv.patch.patch import at_limits

SHADE = 0.18
"""The share of linear light left where CIE L* falls to 0.43 of its value, at middle grey.

0.43 is the mean of the SBU shadow data set (Zhong et al. 2022, section 3.2); L* 50 becomes 21.5 and
18.4 % of luminance 3.4. It is 13 % for white and 25 % for L* 30: a shadow has one factor for all.
"""
LIKE, LIKE_PX = 100, 48
"""Random polygons that a control is chosen from, and the raster on which areas are compared."""
PARTLY = (0.03, 0.9)
"""The shares of the frame that a shadow may begin with."""


@dataclass(frozen=True)
class ShadowPolygon:
    """The shadow of a flat thing with `corners` corners on a frame of `size_mm` (height, width).

    theta (corners, 2) is where they are, (x, y) in shares of the frame, up to `reach_ratio` beyond
    its edges (the published code's reach). Where the shadow is full `shade_ratio` of the light is
    left, in colour `tint` (the sky's, beside the standard light; of luminance 1): the direct sun
    is gone, the sky's light stays. Over `penumbra_mm` the sun's disc is cut by the edge; it is
    9.3 mm wide for each metre from the thing to the sign.
    """

    size_mm: tuple[float, float]
    corners: int = 3
    shade_ratio: float = SHADE
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    penumbra_mm: float = 20.0
    reach_ratio: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what casts no shadow."""
        check(self.corners >= 3, "corners", expected="at least 3", got=self.corners)
        shade, soft = self.shade_ratio, self.penumbra_mm
        check(0 <= shade <= 1, "shade_ratio", expected="from 0 to 1", got=shade)
        check(soft >= 0, "penumbra_mm", expected="at least 0", got=soft)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of theta."""
        return self.corners, 2

    def start(self, rng: torch.Generator) -> Tensor:
        """Return corners drawn evenly over their reach, such that the frame is partly lit."""
        low, high = self._ends
        while True:
            theta = low + (high - low) * torch.rand(self.shape, generator=rng)
            if PARTLY[0] < float(self.hidden(theta, LIKE_PX).mean()) < PARTLY[1]:
                return theta

    def project(self, theta: Tensor) -> Tensor:
        """Return the nearest corners within reach."""
        return theta.clamp(*self._ends)

    def touch(self, theta: Tensor, width_px: int = 512) -> Lighting:
        """Return the light that the shadow leaves."""
        left = self.shade_ratio * theta.new_tensor(self.tint)[:, None, None]
        return Lighting(1 - self.hidden(theta, width_px) * (1 - left))

    def hidden(self, theta: Tensor, width_px: int) -> Tensor:
        """Return the share (1,1,h,w) of the sun's disc that is hidden.

        The polygon, its edges a pixel of the raster wide, blurred by the disc's picture: a thing
        narrower than the penumbra has no full shadow.
        """
        high_mm, wide_mm = self.size_mm
        height_px = round(width_px * high_mm / wide_mm)
        scale = theta.new_tensor([wide_mm, high_mm])
        step = scale / theta.new_tensor([width_px, height_px])
        kernel = disc(self.penumbra_mm / 2 / float(step[0])).to(theta)
        room = kernel.shape[-1] // 2
        points = (pixel_grid(height_px + 2 * room, width_px + 2 * room).to(theta) - room) * step
        depth = depth_mm(theta * scale, points) / float(step[0])
        return F.conv2d((0.5 + depth).clamp(0, 1)[None, None], kernel)

    def outline_mm(self, theta: Tensor) -> tuple[Point, ...]:
        """Return the corners in mm from the frame's top left corner, to cut or to aim by."""
        high, wide = self.size_mm
        return tuple((x * wide, y * high) for x, y in theta.tolist())

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt corners that are nearly all as far out as they may be."""
        low, high = self._ends
        return at_limits("shadow's corners", (theta <= low) | (theta >= high))

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return shadows as strong: a random polygon of about the same area, and the same moved.

        Areas are those inside the frame. The other is the polygon itself, mirrored by chance and
        somewhere else within reach.
        """
        area = float(self.hidden(theta, LIKE_PX).mean())
        others = [self.start(rng) for _ in range(LIKE)]
        off = [abs(float(self.hidden(one, LIKE_PX).mean()) - area) for one in others]
        like = others[off.index(min(off))]
        return {"random polygon": like, "moved": self._moved(theta, rng)}

    def _moved(self, theta: Tensor, rng: torch.Generator) -> Tensor:
        flip = torch.rand(2, generator=rng) < 0.5
        turned = torch.where(flip, 1 - theta, theta)
        low, high = self._ends
        least, most = low - turned.amin(dim=0), high - turned.amax(dim=0)
        return self.project(turned + least + (most - least) * torch.rand(2, generator=rng))

    @property
    def _ends(self) -> tuple[float, float]:
        return -self.reach_ratio, 1 + self.reach_ratio


def depth_mm(corners: Tensor, points: Tensor) -> Tensor:
    """Return how deep points (...,2) are inside a polygon (n,2), negative outside, (...).

    Where edges cross, inside is what an odd number of edges lies beside (even-odd rule).
    """
    x, y = points.unbind(-1)
    nearest, inside = torch.full_like(x, torch.inf), torch.zeros_like(x, dtype=torch.bool)
    for start, end in zip(corners, corners.roll(-1, dims=0), strict=True):
        along, away = end - start, points - start
        share = (away @ along / (along @ along).clamp_min(1e-9)).clamp(0, 1)
        gap = away - share[..., None] * along
        nearest = torch.minimum(nearest, gap.square().sum(dim=-1))
        spans = (start[1] > y) != (end[1] > y)
        cross = along[0] * away[..., 1] - along[1] * away[..., 0]
        inside = inside ^ (spans & ((cross > 0) == (along[1] > 0)))
    distance = (nearest + 1e-6).sqrt()
    return torch.where(inside, distance, -distance)


def disc(radius_px: float) -> Tensor:
    """Return an even disc's kernel (1,1,k,k), k odd, of sum 1; its rim is soft over a pixel."""
    reach = int(radius_px + 0.5)
    side = torch.arange(-reach, reach + 1).double()
    away = torch.hypot(side[:, None], side[None])
    kernel = (radius_px + 0.5 - away).clamp(0, 1) if reach else torch.ones_like(away)
    return (kernel / kernel.sum())[None, None]
