"""A denoising autoencoder: a network from a picture to the nearest one of those it has learnt."""

import torch.nn.functional as F
from torch import Tensor, nn


class Autoencoder(nn.Module):
    """Pictures (B,colours,H,W) in [0,1] to pictures of the same shape.

    3x3 convolutions with a sigmoid after each, two wide ones and one to colours; with `halved`
    the mean of 2x2 pixels lies between, and one more convolution after doubling again (Meng & Chen
    2017, the autoencoders of MagNet). Odd sizes are padded by repetition.
    """

    def __init__(self, channels: int = 16, *, colours: int = 3, halved: bool = False) -> None:
        """Build it with `channels` in the wide convolutions."""
        super().__init__()
        self.sizes = {"channels": channels, "colours": colours, "halved": halved}
        narrower = [nn.AvgPool2d(2)] if halved else []
        wider = [nn.Upsample(scale_factor=2), *_layer(channels, channels)] if halved else []
        self.halved = halved
        self.body = nn.Sequential(
            *_layer(colours, channels),
            *narrower,
            *_layer(channels, channels),
            *wider,
            *_layer(channels, colours),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the pictures as they are made out of what was learnt."""
        height, width = pictures.shape[-2:]
        if self.halved:
            pictures = F.pad(pictures, (0, width % 2, 0, height % 2), mode="replicate")
        made: Tensor = self.body(pictures)
        return made[..., :height, :width]


def _layer(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, 1, 1), nn.Sigmoid()]
