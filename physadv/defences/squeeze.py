"""Changes of images before they are read: fewer bits, medians, JPEG.

Xu, Evans & Qi, "Feature Squeezing: Detecting Adversarial Examples in Deep Neural Networks", NDSS
2018; Guo, Rana, Cisse & van der Maaten, "Countering Adversarial Images using Input
Transformations", ICLR 2018; Dziugaite, Ghahramani & Roy 2016 (JPEG). All are known not to hold
against attacks that go through them (He et al. 2017, Athalye, Carlini & Wagner 2018).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from kornia.filters import median_blur
from torch import Tensor
from torch.nn.functional import pad

from physadv.attacks.digital.settings import setting
from physadv.camera.jpeg import coded_picture
from physadv.core import Encoded, check
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended, straight_through
from physadv.victims import Victim

BLOCK = 16
"""JPEG's chroma is coded in blocks of so many pixels."""


@dataclass(frozen=True)
class BitDepth:
    """Fewer bits a value; the slope is let straight through the rounding."""

    about: ClassVar[DefenceAbout] = DefenceAbout("bit-depth", "input", "Xu, Evans & Qi 2018")

    bits: int = setting(4, "bits of each value that are kept, 1 to 8")

    def __post_init__(self) -> None:
        """Raise `UserError` for bits that there are not."""
        check(1 <= self.bits <= 8, "bits", expected="1 to 8", got=self.bits)

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it."""
        return _behind(self.squeeze, victim, f"{self.bits} bits")

    def squeeze(self, images: Tensor) -> Encoded:
        """Return images (B,C,H,W) whose values are multiples of 1 / (2^bits - 1)."""
        most = 2**self.bits - 1
        return Encoded(straight_through((images * most).round() / most, images))


@dataclass(frozen=True)
class Median:
    """The median of each pixel's neighbourhood, mirrored at the edge; it has a slope of its own."""

    about: ClassVar[DefenceAbout] = DefenceAbout("median", "input", "Xu, Evans & Qi 2018")

    side_px: int = setting(3, "side of the neighbourhood, odd")

    def __post_init__(self) -> None:
        """Raise `UserError` for a side that has no middle."""
        good = self.side_px >= 1 and self.side_px % 2 == 1
        check(good, "side_px", expected="an odd number", got=self.side_px)

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it."""
        return _behind(self.squeeze, victim, f"median of {self.side_px} px")

    def squeeze(self, images: Tensor) -> Encoded:
        """Return images (B,C,H,W) filtered."""
        edge = self.side_px // 2
        wide = pad(images, (edge,) * 4, mode="reflect") if edge else images
        filtered = median_blur(wide, self.side_px)
        return Encoded(filtered[..., edge : edge + images.shape[2], edge : edge + images.shape[3]])


@dataclass(frozen=True)
class Jpeg:
    """JPEG as a decoder shows it, chroma at half resolution; the slope is its own but for rounding.

    It goes straight through the rounding of coefficients, but for those that become 0, whose slope
    is the greater the nearer they are to not doing so: none at 0, whole at half a step.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("jpeg", "input", "Dziugaite et al. 2016")

    quality: int = setting(75, "libjpeg's quality, 1 to 100")

    def __post_init__(self) -> None:
        """Raise `UserError` for a quality that there is not."""
        check(1 <= self.quality <= 100, "quality", expected="1 to 100", got=self.quality)

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it."""
        return _behind(self.squeeze, victim, f"JPEG {self.quality}")

    def squeeze(self, images: Tensor) -> Encoded:
        """Return images (B,3,H,W) coded and decoded, padded to whole blocks meanwhile."""
        height, width = images.shape[-2:]
        fill = (0, -width % BLOCK, 0, -height % BLOCK)
        whole = pad(images, fill, mode="replicate") if any(fill) else images
        quality = torch.full((len(whole),), float(self.quality), device=images.device)
        coded = coded_picture(whole, quality, quality.new_ones(1), _Rounded.apply)
        return Encoded(coded[..., :height, :width])


class _Rounded(torch.autograd.Function):
    """Whole numbers; those that become 0 have the slope of x |x|, others that of x."""

    @staticmethod
    def forward(ctx: Any, numbers: Tensor) -> Tensor:
        """Return them rounded."""
        ctx.save_for_backward(numbers)
        return numbers.round()

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        """Return the slope, less where they are near 0."""
        (numbers,) = ctx.saved_tensors
        back: Tensor = slope * (2 * numbers.abs()).clamp(max=1)
        return back


def _behind(squeeze: Callable[[Tensor], Encoded], victim: Victim, name: str) -> Defended:
    return Defended(victim, name, change=lambda images, _: squeeze(images))
