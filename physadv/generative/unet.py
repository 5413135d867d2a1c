"""A U-Net: a network from a picture to a number for each of its pixels."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from physadv.generative.networks import padded


class UNet(nn.Module):
    """Pictures (B,colours,H,W) in [0,1] to logits (B,1,H,W).

    Two 3x3 convolutions with batch normalisation and ReLU at each size, the mean of 2x2 pixels
    between, and on the way up what was seen at that size beside what comes from below, doubled
    bilinearly (Ronneberger, Fischer & Brox 2015). Sizes that cannot be halved are padded by
    repetition.
    """

    def __init__(self, channels: int = 16, *, colours: int = 3, halvings: int = 3) -> None:
        """Build it with `channels` at full size, doubled with each of the halvings."""
        super().__init__()
        self.sizes = {"channels": channels, "colours": colours, "halvings": halvings}
        wide = [channels * 2**k for k in range(halvings + 1)]
        self.first = _block(colours, channels)
        self.down = nn.ModuleList(_block(one, other) for one, other in pairwise(wide))
        self.up = nn.ModuleList(_block(one + other, one) for one, other in pairwise(wide))
        self.last = nn.Conv2d(channels, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logits."""
        height, width = pictures.shape[-2:]
        whole = 2 ** len(self.down)
        seen = [self.first(padded(pictures, whole, "replicate"))]
        for block in self.down:
            seen.append(block(F.avg_pool2d(seen[-1], 2)))
        maps = seen.pop()
        for block in reversed(self.up):
            larger = F.interpolate(maps, scale_factor=2, mode="bilinear")
            maps = block(torch.cat([seen.pop(), larger], dim=1))
        made: Tensor = self.last(maps)
        return made[..., :height, :width]


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(*_layer(inputs, outputs), *_layer(outputs, outputs))


def _layer(inputs: int, outputs: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
