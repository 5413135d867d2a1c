"""A network from attacked pictures to clean ones."""

from torch import Tensor, nn

from physadv.generative.networks import LEAK, padded


class Restorer(nn.Module):
    """Pictures (B,colours,H,W) in [0,1], 4 px or more, to maps of the same shape in [-1,1].

    Two convolutions of 4x4 that halve and two transposed ones that double, leaky ReLU after batch
    normalisation between, and tanh: the generator of APE-GAN (Shen et al. 2017) as public
    implementations have it. Sides that are no multiples of 4 are padded by repetition.
    """

    def __init__(self, channels: int = 64, *, colours: int = 3) -> None:
        """Build it with `channels` at half the size, twice that at a quarter."""
        super().__init__()
        self.sizes = {"channels": channels, "colours": colours}
        self.body = nn.Sequential(
            *_layer(nn.Conv2d(colours, channels, 4, 2, 1)),
            *_layer(nn.Conv2d(channels, 2 * channels, 4, 2, 1)),
            *_layer(nn.ConvTranspose2d(2 * channels, channels, 4, 2, 1)),
            nn.ConvTranspose2d(channels, colours, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the maps."""
        height, width = pictures.shape[-2:]
        made: Tensor = self.body(padded(pictures, 4, "replicate"))
        return made[..., :height, :width]


def _layer(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(LEAK)]
