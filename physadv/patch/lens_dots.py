"""Translucent dots stuck on the lens (Li, Schmidt & Kolter 2019)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Encoded, Film, Window, check, decode
from physadv.patch.patch import at_limits

COLUMNS = 6
"""Numbers a dot: x, y, radius, red, green, blue."""


@dataclass(frozen=True)
class LensDots:
    """Dots so near to the lens that they are blurs: alpha_max exp(-(r / radius)^(2 exponent)).

    theta (dots, 6) has in [0,1] each dot's centre (x, y) in shares of the sensor, its radius
    between the two ends of `radius_ratio` (in shares of the sensor's width), and its encoded
    colour. A dot lets 1 - alpha of the light through and adds alpha of its own colour, in linear
    light (equations 3 and 4 of "Adversarial camera stickers", ICML 2019, which blends encoded
    values); dots lie over one another in their order. They keep their places in the frame: they
    can only work where the sign is seen near one place.
    """

    dots: int = 8
    alpha_max: float = 0.4
    exponent: float = 1.5
    radius_ratio: tuple[float, float] = (0.05, 0.18)

    def __post_init__(self) -> None:
        """Refuse what is no dot."""
        check(self.dots >= 1, "dots", expected="at least 1", got=self.dots)
        alpha, least = self.alpha_max, self.radius_ratio[0]
        check(0 <= alpha <= 1, "alpha_max", expected="from 0 to 1", got=alpha)
        check(self.exponent > 0, "exponent", expected="above 0", got=self.exponent)
        check(least > 0, "radius_ratio", expected="above 0", got=least)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of theta."""
        return self.dots, COLUMNS

    def start(self, rng: torch.Generator) -> Tensor:
        """Return dots of any colour, anywhere on the lens."""
        return torch.rand(self.shape, generator=rng)

    def project(self, theta: Tensor) -> Tensor:
        """Return the nearest dots within the frame and the ends."""
        return theta.clamp(0, 1)

    def told(self, theta: Tensor) -> dict[str, Tensor]:
        """Return what theta says of each dot (dots,): its place and radius in shares of the sensor.

        x and the radius in widths, y in heights, from the top left corner.
        """
        x, y, radius = theta[:, :3].unbind(dim=1)
        return {"x_ratio": x, "y_ratio": y, "radius_ratio": self._radius(radius)}

    def touch(self, theta: Tensor, width_px: int = 512) -> Film:  # noqa: ARG002  # no raster
        """Return the dots as a function of the place on the sensor; needs no raster."""
        return Film(lambda window: self._layer(theta, window))

    def _layer(self, theta: Tensor, window: Window) -> Tensor:
        """Lay the dots over one another: colour times opacity, and opacity, (B,4,H,W)."""
        sensor = window.sensor
        place = window.pixels().to(theta) / sensor.width_px
        aspect = theta.new_tensor([1.0, sensor.height_px / sensor.width_px])
        whole = place.new_zeros(len(place), 4, *place.shape[1:3])
        for dot in theta:
            alpha = self.alpha(place, dot[:2] * aspect, self._radius(dot[2]))[:, None]
            colour = decode(Encoded(dot[3:, None, None].expand(3, 1, 1)[None]))
            own = torch.cat([colour, torch.ones_like(colour[:, :1])], dim=1)
            whole = whole * (1 - alpha) + own * alpha
        return whole

    def alpha(self, place: Tensor, centre: Tensor, radius: Tensor) -> Tensor:
        """Return a dot's opacity (...) at places (...,2), all in widths of the sensor."""
        squared = (place - centre).square().sum(dim=-1) / radius**2
        return self.alpha_max * torch.exp(-(squared.clamp_min(1e-9) ** self.exponent))

    def _radius(self, share: Tensor) -> Tensor:
        low, high = self.radius_ratio
        return low + (high - low) * share

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt a theta that is nearly all at its ends."""
        return at_limits("dots' numbers", (theta <= 0) | (theta >= 1))

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return dots of the same sizes, so that they take as much light in all.

        The same anywhere, of any colour where they are, both, and all grey.
        """
        drawn = torch.rand(self.shape, generator=rng)
        places, colours, grey = theta.clone(), theta.clone(), theta.clone()
        places[:, :2] = drawn[:, :2]
        colours[:, 3:] = drawn[:, 3:]
        grey[:, 3:] = theta[:, 3:].mean()
        both = torch.cat([drawn[:, :2], theta[:, 2:3], drawn[:, 3:]], dim=1)
        return {
            "random places": places,
            "random colours": colours,
            "random dots": both,
            "grey dots": grey,
        }
