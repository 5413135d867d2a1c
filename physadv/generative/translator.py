"""A network from a picture to a picture of the same size, as for perturbations."""

from torch import Tensor, nn

from physadv.generative.networks import padded


class Translator(nn.Module):
    """Pictures (B,colours,H,W) in [0,1], 8 px or more, to maps of the same shape in [-1,1].

    A 3x3 convolution, two that halve, `blocks` residual blocks, two that double, one to colours
    and tanh, with instance normalisation and ReLU between: Johnson, Alahi & Fei-Fei 2016, as
    Xiao et al. 2018 use it, who have 8 channels at first. Odd sizes are padded by reflection.
    """

    def __init__(self, channels: int = 8, *, colours: int = 3, blocks: int = 4) -> None:
        """Build it with `channels` at full size, twice and four times that below."""
        super().__init__()
        self.sizes = {"channels": channels, "colours": colours, "blocks": blocks}
        wide = 4 * channels
        self.body = nn.Sequential(
            *_layer(nn.Conv2d(colours, channels, 3, 1, 1)),
            *_layer(nn.Conv2d(channels, wide // 2, 3, 2, 1)),
            *_layer(nn.Conv2d(wide // 2, wide, 3, 2, 1)),
            *(_Block(wide) for _ in range(blocks)),
            *_layer(nn.ConvTranspose2d(wide, wide // 2, 4, 2, 1)),
            *_layer(nn.ConvTranspose2d(wide // 2, channels, 4, 2, 1)),
            nn.Conv2d(channels, colours, 3, 1, 1),
            nn.Tanh(),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the maps."""
        height, width = pictures.shape[-2:]
        made: Tensor = self.body(padded(pictures, 4, "reflect"))
        return made[..., :height, :width]


class _Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_layer(nn.Conv2d(channels, channels, 3, 1, 1)),
            nn.Conv2d(channels, channels, 3, 1, 1),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, maps: Tensor) -> Tensor:
        made: Tensor = maps + self.body(maps)
        return made


def _layer(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, nn.InstanceNorm2d(convolution.out_channels, affine=True), nn.ReLU()]
