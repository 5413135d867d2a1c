"""How visible a change may be: structural similarity at least, mean CIEDE2000 at most."""

from dataclasses import dataclass

import numpy as np
import torch
from kornia.color import rgb_to_lab
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor

from physadv.core import quantise, ssim

HALVINGS = 7
"""A change is shrunk to the bound within 2^-7 of itself."""
NEAR = 0.1
"""From this share of the budget left on, steps run along the bound."""
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Budget:
    """What images (B,C,H,W) allow: `least` SSIM and `most` mean CIEDE2000, None for no bound.

    What is 0 in a mask stays. Exact on images rounded to 8 bits: SSIM in float64 (Wang et al.
    2004), and the mean over the pixels of CIEDE2000 (Sharma, Wu & Dalal 2005) by scikit-image.
    """

    images: Tensor
    least: float | None
    most: float | None
    mask: Tensor | None = None

    def placed(self, change: Tensor) -> Tensor:
        """Return the images with a change (B,C,H,W) inside the mask, there rounded to 8 bits."""
        made = quantise(self.images + change)
        return made if self.mask is None else torch.where(self.mask != 0, made, self.images)

    def within(self, made: Tensor) -> Tensor:
        """Return images as near to others (B,C,H,W) as the bounds let, on the line to their own.

        The factor of the change is halved in upon, so that at least one image that was looked at
        keeps the bounds: its own does.
        """
        change = made - self.images
        low, high = torch.zeros(len(change)), torch.ones(len(change))
        low[self._fits(self.placed(change))] = 1
        for _ in range(HALVINGS if bool((low < 1).any()) else 0):
            middle = (low + high) / 2
            fits = self._fits(self.placed(_each(middle, change) * change))
            low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
        return self.placed(_each(low, change) * change)

    def _fits(self, made: Tensor) -> Tensor:
        return (self.left(made) >= 0).all(dim=0).cpu()

    def left(self, made: Tensor) -> Tensor:
        """Return the share of each bound that images leave, (bounds, B); below 0: over it."""
        found = []
        if self.least is not None:
            alike = ssim(self.images.double(), made.double())
            found.append((alike - self.least) / (1 - self.least))
        if self.most is not None:
            found.append(1 - colour_difference(self.images, made) / self.most)
        return torch.stack(found)

    def along(self, made: Tensor, way: Tensor) -> Tensor:
        """Return a way (B,C,H,W) inside the mask, without what leads over a bound that is near.

        Rosen's gradient projection (1960). The slope of the colour bound is that of the Euclidean
        distance in CIELAB (CIE 1976), which has one everywhere.
        """
        near = (self.left(made) < NEAR).to(way.device)
        kept = 1.0 if self.mask is None else (self.mask != 0).to(way)
        way = way * kept
        for close, free in zip(near, self._slopes(made), strict=True):
            slope = free * kept
            flat, across = way.flatten(1), slope.flatten(1)
            size = across.square().sum(dim=1).clamp_min(TINY)
            over = ((flat * across).sum(dim=1) / size).clamp_min(0) * close
            way = way - _each(over, way) * slope
        return way

    def _slopes(self, made: Tensor) -> list[Tensor]:
        """Return for each bound the slope (B,C,H,W) of how visible a change is."""
        point, found = made.detach().requires_grad_(), []
        if self.least is not None:
            (slope,) = torch.autograd.grad(-ssim(self.images, point).sum(), point)
            found.append(slope)
        if self.most is not None:
            apart = (rgb_to_lab(point) - rgb_to_lab(self.images)).square().sum(dim=1)
            (slope,) = torch.autograd.grad((apart + TINY).sqrt().mean(dim=(1, 2)).sum(), point)
            found.append(slope)
        return [one.nan_to_num(0.0, 0.0, 0.0) for one in found]


def colour_difference(one: Tensor, other: Tensor) -> Tensor:
    """Return the mean CIEDE2000 (B,) of images (B,3,H,W) in sRGB; no gradient."""
    first, second = (
        rgb2lab(image.detach().double().cpu().permute(0, 2, 3, 1).numpy()) for image in (one, other)
    )
    apart = np.asarray(deltaE_ciede2000(first, second))  # type: ignore[no-untyped-call]  # scikit-image has no types
    return torch.from_numpy(apart.reshape(len(apart), -1).mean(axis=1)).to(one.device)


def _each(factor: Tensor, like: Tensor) -> Tensor:
    return factor.to(like).reshape(-1, 1, 1, 1)
