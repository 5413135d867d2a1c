"""A line of laser light on the sign: place, width, colour, strength (Duan et al. 2021)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Lighting, check
from physadv.core.pixels import pixel_grid
from physadv.patch.patch import at_limits
from physadv.patch.spectrum import lumens

NAMES = ("angle_deg", "offset_mm", "width_mm", "wavelength_nm", "power_mw")


@dataclass(frozen=True)
class LaserLine:
    """A laser spread to straight lines on a frame of `size_mm` (height, width), by Duan's numbers.

    theta (lines, 5) has in [0,1] each line's angle (0 to 180 degrees from upright), offset from
    the frame's middle, full width (to 1/e^2, of a Gaussian beam), wavelength and power, between
    the ends given here; `told` says them in units. The power is spread evenly over `length_mm`
    (0: the frame's diagonal) of the line. The sign reflects the light by its reflectance of that
    colour, beside `ambient_lux` of white light on it; a sheeting's own gloss is left out.
    """

    size_mm: tuple[float, float]
    lines: int = 1
    ambient_lux: float = 20.0
    width_mm: tuple[float, float] = (10.0, 120.0)
    wavelength_nm: tuple[float, float] = (400.0, 680.0)
    power_mw: tuple[float, float] = (0.0, 5.0)
    length_mm: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no light."""
        check(self.lines >= 1, "lines", expected="at least 1", got=self.lines)
        dark, wide = self.ambient_lux, self.width_mm[0]
        check(dark > 0, "ambient_lux", expected="above 0", got=dark)
        check(wide > 0, "width_mm", expected="above 0", got=wide)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of theta."""
        return self.lines, len(NAMES)

    def start(self, rng: torch.Generator) -> Tensor:
        """Return lines drawn evenly over all they may be, in the upper half of the power."""
        theta = torch.rand(self.shape, generator=rng)
        theta[:, 4] = (1 + theta[:, 4]) / 2
        return theta

    def project(self, theta: Tensor) -> Tensor:
        """Return the nearest lines within the ends."""
        return theta.clamp(0, 1)

    def told(self, theta: Tensor) -> dict[str, Tensor]:
        """Return what theta says of each line (lines,), by name with units."""
        reach = math.hypot(*self.size_mm) / 2
        ends = ((0.0, 180.0), (-reach, reach), self.width_mm, self.wavelength_nm, self.power_mw)
        columns = zip(NAMES, ends, theta.unbind(dim=1), strict=True)
        return {name: low + (high - low) * share for name, (low, high), share in columns}

    def touch(self, theta: Tensor, width_px: int = 512) -> Lighting:
        """Return 1 + the lines' irradiance in shares of the ambient light's."""
        told = self.told(theta)
        colour = lumens(told["wavelength_nm"]) * told["power_mw"][:, None] / 1000
        across = self.profile(told, width_px)
        length_m = (self.length_mm or math.hypot(*self.size_mm)) / 1000
        lux = torch.einsum("lc,lhw->chw", colour / length_m, across * 1000)
        return Lighting(1 + lux[None] / self.ambient_lux)

    def profile(self, told: dict[str, Tensor], width_px: int) -> Tensor:
        """Return the share of each line's power (lines,h,w) for each mm across it.

        A Gaussian, no narrower than half a pixel of the raster in standard deviation: below that
        its samples would not add up to 1 across a line.
        """
        high_mm, wide_mm = self.size_mm
        height_px, step = round(width_px * high_mm / wide_mm), wide_mm / width_px
        width = told["width_mm"][:, None, None]
        points = (pixel_grid(height_px, width_px).to(width) * step).unbind(-1)
        x, y = points[0] - wide_mm / 2, points[1] - high_mm / 2
        angle = torch.deg2rad(told["angle_deg"])[:, None, None]
        away = x * angle.cos() + y * angle.sin() - told["offset_mm"][:, None, None]
        spread = (width**2 / 16 + step**2 / 4).sqrt()
        return torch.exp(-0.5 * (away / spread) ** 2) / (spread * math.sqrt(2 * math.pi))

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt a theta that is nearly all at its ends."""
        return at_limits("lines' numbers", (theta <= 0) | (theta >= 1))

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return lines as wide and strong: at a random place, of a random colour, and both."""
        drawn = torch.rand(self.shape, generator=rng)
        place, colour, both = theta.clone(), theta.clone(), theta.clone()
        place[:, :2] = both[:, :2] = drawn[:, :2]
        colour[:, 3] = both[:, 3] = drawn[:, 3]
        return {"random place": place, "random colour": colour, "random line": both}
