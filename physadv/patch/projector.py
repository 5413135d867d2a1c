"""A picture projected on the sign, added to the light there (SLAP, Lovisotto et al. 2021)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Encoded, Lighting, check, decode
from physadv.patch.controls import controls
from physadv.patch.patch import at_limits


@dataclass(frozen=True)
class Projection:
    """What a projector adds to `ambient_lux` of white light on a frame of `size_mm`.

    theta (3, rows, columns) is the picture that it is given, encoded colour in [0,1], a value for
    each `cell_mm`; between cell centres it runs linearly. White is `projector_lux` on the sign,
    black that divided by `contrast_ratio` (its lamp leaks); in between the projector follows
    sRGB's curve. `response` is each channel's share of that, for a lamp that is not white.
    Lovisotto et al. (USENIX Security 2021, section 4) fit a camera-projector model to photos; here
    it follows from the light itself: the sign reflects the sum by its reflectance.
    """

    size_mm: tuple[float, float]
    cell_mm: float = 75.0
    ambient_lux: float = 120.0
    projector_lux: float = 800.0
    contrast_ratio: float = 500.0
    response: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        """Refuse what is no light."""
        ambient, lamp, contrast = self.ambient_lux, self.projector_lux, self.contrast_ratio
        check(ambient > 0, "ambient_lux", expected="above 0", got=ambient)
        check(lamp >= 0, "projector_lux", expected="at least 0", got=lamp)
        check(contrast >= 1, "contrast_ratio", expected="at least 1", got=contrast)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of theta."""
        high, wide = self.size_mm
        return 3, max(2, round(high / self.cell_mm)), max(2, round(wide / self.cell_mm))

    def start(self, rng: torch.Generator) -> Tensor:
        """Return a first picture: greys and colours near the middle."""
        return 0.5 + 0.1 * torch.randn(self.shape, generator=rng).clamp(-2, 2)

    def project(self, theta: Tensor) -> Tensor:
        """Return the nearest picture that a projector takes."""
        return theta.clamp(0, 1)

    def touch(self, theta: Tensor, width_px: int = 512) -> Lighting:
        """Return 1 + the projector's light in shares of the ambient light."""
        black = 1 / self.contrast_ratio
        shown = black + (1 - black) * decode(self.picture(theta, width_px))
        lamp = theta.new_tensor(self.response)[:, None, None] * self.projector_lux
        return Lighting(1 + lamp / self.ambient_lux * shown)

    def picture(self, theta: Tensor, width_px: int = 512) -> Encoded:
        """Return the picture (1,3,h,w) that the projector is given, over the whole frame."""
        size = (round(width_px * self.size_mm[0] / self.size_mm[1]), width_px)
        return Encoded(F.interpolate(theta[None], size, mode="bilinear", align_corners=False))

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt a theta that is nearly all at its ends."""
        return at_limits("projected values", (theta <= 0) | (theta >= 1))

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return pictures that a fair attack must beat, white and black light among them."""
        everywhere = torch.ones(self.shape[1:], dtype=torch.bool)
        return controls(theta, everywhere, rng) | {"black": torch.zeros_like(theta)}
