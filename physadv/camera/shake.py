"""Camera shake: the hand that holds the camera wanders while the shutter is open."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.camera.blur import convolve, offsets
from physadv.camera.noise import field
from physadv.core import Conditions, Linear, Seed, Span, Window

STEPS = 32
WAVES = 4


@dataclass(frozen=True)
class Shake:
    """A point spreads along a smooth random path, centred, that reaches `path_px` / 2 away.

    The path is a random walk's first four Karhunen-Loeve waves (Loeve, Probability Theory, 37.5):
    a hand's inertia lets nothing faster through. The row's seed names it.
    """

    seed: Seed = Seed()
    path_px: Span = Span(0.0, 3.0, neutral=0.0)

    def path(self, given: Conditions) -> Tensor:
        """Return where the point is at even steps of the exposure, (B,T,2) in pixels."""
        time = (torch.arange(STEPS) + 0.5) / STEPS
        rate = (torch.arange(WAVES) + 0.5) * math.pi
        chance = field(given["seed"], torch.Size((WAVES, 2)))
        walk: Tensor = (torch.sin(time[:, None] * rate) / rate) @ chance
        centred = walk - walk.mean(dim=1, keepdim=True)
        reach = torch.linalg.vector_norm(centred, dim=2).amax(dim=1)
        path: Tensor = centred * (given["path_px"] / 2 / reach)[:, None, None]
        return path

    def kernel(self, given: Conditions) -> Tensor:
        """Return the path's kernels (B,k,k), each of its points shared among four pixels."""
        line = offsets(math.ceil(self.path_px.high / 2))[0][0]
        tent = (1 - (self.path(given)[..., None] - line).abs()).clamp_min(0)
        return tent[:, :, 1].mT @ tent[:, :, 0] / STEPS

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Blur light (B,3,H,W)."""
        return convolve(light, self.kernel(given))
