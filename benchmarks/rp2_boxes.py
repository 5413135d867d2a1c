"""Rectangles learnt with the colours in them: where stickers lie, as the table of RP2 has them."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.core import Encoded, Ink, generator
from physadv.patch import Mask, rectangle
from physadv.patch.patch import at_limits
from physadv.problem import Problem

GRID = 30
EDGE, DIAGONAL = 0.04, 0.655
"""What is inside an octagon's rim, in shares of its width: from the frame, and |x| + |y|."""
RATES = (0.012, 0.06)
SOFT_MM = (52.0, 12.0)
"""How wide the edges of rectangles are at the first and the last step, so that they have slopes."""
GAP_MM, OVER, BATCH = 10.0, 60.0, 32


@dataclass(frozen=True)
class Boxes:
    """`count` rectangles (x, y, width, height in shares of the frame), then colours of cells.

    theta is flat: 4 numbers a rectangle, then (3, GRID, GRID) of encoded colour.
    """

    size_mm: tuple[float, float]
    count: int
    least_mm: float
    soft_mm: float = SOFT_MM[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of theta."""
        return (4 * self.count + 3 * GRID * GRID,)

    def start(self, rng: torch.Generator) -> Tensor:
        """Return rectangles anywhere, and greys."""
        places = 0.15 + 0.6 * torch.rand(self.count, 2, generator=rng)
        sizes = 0.08 + 0.10 * torch.rand(self.count, 2, generator=rng)
        colours = 0.5 + 0.1 * torch.randn(3 * GRID * GRID, generator=rng).clamp(-2, 2)
        return self.project(torch.cat([torch.cat([places, sizes], dim=1).flatten(), colours]))

    def split(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return rectangles (count,4) and colours (3,GRID,GRID)."""
        boxes = theta[: 4 * self.count].reshape(-1, 4)
        return boxes, theta[4 * self.count :].reshape(3, GRID, GRID)

    def project(self, theta: Tensor) -> Tensor:
        """Return rectangles moved inside the octagon's rim, and colours in [0,1]."""
        boxes, colours = self.split(theta)
        size = boxes[:, 2:].clamp(self.least_mm / self.size_mm[1], 0.5)
        middle = boxes[:, :2] + size / 2 - 0.5
        room = 0.5 - EDGE - size / 2
        middle = torch.minimum(torch.maximum(middle, -room), room)
        over = (middle.abs() + size / 2).sum(dim=1) - DIAGONAL
        middle = middle - middle.sign() * over.clamp_min(0)[:, None] / 2
        inside = torch.cat([middle + 0.5 - size / 2, size], dim=1)
        return torch.cat([inside.flatten(), colours.clamp(0, 1).flatten()])

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink: the rectangles' union with soft edges."""
        boxes, colours = self.split(theta)
        spots = (torch.arange(width_px) + 0.5) / width_px
        soft = self.soft_mm / self.size_mm[1]
        low, high = boxes[:, :2, None], (boxes[:, :2] + boxes[:, 2:])[..., None]
        share = ((spots - low) / soft + 0.5).clamp(0, 1) * ((high - spots) / soft + 0.5).clamp(0, 1)
        bare = 1 - share[:, 1, :, None] * share[:, 0, None, :]
        size = (width_px, width_px)
        colour = interpolate(colours[None], size, mode="bilinear", align_corners=False)
        return Ink(Encoded(colour), (1 - bare.prod(dim=0))[None, None])

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt colours that are nearly all 0 or 1."""
        colours = self.split(theta)[1]
        return at_limits("colours", (colours < 0.01) | (colours > 0.99))

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return random colours in the same rectangles."""
        boxes, colours = self.split(theta)
        noise = torch.rand(colours.shape, generator=rng)
        return {"random noise": torch.cat([boxes.flatten(), noise.flatten()])}

    def excess(self, theta: Tensor, area: float) -> Tensor:
        """Return by how much the rectangles are too large or lie over one another, in frames."""
        boxes = self.split(theta)[0]
        low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
        gap = GAP_MM / self.size_mm[1]
        across = torch.minimum(high[:, None], high) - torch.maximum(low[:, None], low) + gap
        shared = across.clamp_min(0).prod(dim=2)
        over = shared.sum() - shared.diagonal().sum()
        return (boxes[:, 2:].prod(dim=1).sum() - area).clamp_min(0) + over / 2

    def mask(self, theta: Tensor) -> Mask:
        """Return the rectangles with sharp edges, to whole 5 mm."""
        boxes = self.split(theta)[0] * self.size_mm[1]
        whole = [[5.0 * round(float(value) / 5) for value in box] for box in boxes]
        return Mask(self.size_mm, tuple(rectangle(x, y, w, h) for x, y, w, h in whole))


def learn(problem: Problem, boxes: Boxes, area: float, *, steps: int, seed: int) -> Mask:
    """Return where rectangles of at most `area` (a share of the frame) came to lie.

    Adam on places, sizes and colours at once over `BATCH` photographs a step; edges sharpen.
    """
    rng = generator(seed)
    theta = boxes.start(rng)
    first, second = torch.zeros_like(theta), torch.zeros_like(theta)
    rate = torch.full_like(theta, RATES[1])
    rate[: 4 * boxes.count] = RATES[0]
    for step in range(steps):
        soft = SOFT_MM[0] + (SOFT_MM[1] - SOFT_MM[0]) * step / steps
        now = replace(problem, patch=replace(boxes, soft_mm=soft))
        asked = theta.clone().requires_grad_()
        loss = now.evaluate(asked, now.draw(BATCH, rng)).loss.mean()
        (slope,) = torch.autograd.grad(loss + OVER * boxes.excess(asked, area), asked)
        first, second = torch.lerp(slope, first, 0.9), torch.lerp(slope**2, second, 0.99)
        size = (second / (1 - 0.99 ** (step + 1))).sqrt() + 1e-8
        fall = 0.05 + 0.475 * (1 + float(torch.cos(torch.tensor(torch.pi * step / steps))))
        theta = theta - rate * fall * first / (1 - 0.9 ** (step + 1)) / size
        theta = boxes.project(theta)
    return boxes.mask(theta)
