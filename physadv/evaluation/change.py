"""How far attacked images are from what they were, and noise that is as far."""

import torch
from torch import Tensor

from physadv.core import Encoded, quantise, ssim


def measure(images: Tensor, made: Tensor) -> dict[str, Tensor]:
    """Return norms inf, 2, 1 and 0 and the structural similarity, each (B,), of 8-bit images.

    Values are in [0,1]; norm 0 is the number of pixels of which any channel changed.
    """
    before, after = quantise(images).double(), quantise(made).double()
    change = (after - before).flatten(1)
    return {
        "inf": change.abs().amax(dim=1),
        "2": change.norm(dim=1),
        "1": change.abs().sum(dim=1),
        "0": (after != before).any(dim=1).flatten(1).sum(dim=1).double(),
        "ssim": ssim(before, after),
    }


def resigned(images: Tensor, made: Tensor, rng: torch.Generator) -> Encoded:
    """Return images whose change has the sizes of another, each value's sign by a coin.

    All norms are those of the change that was made, and pixels that it left alone stay. Where a
    sign would lead out of [0,1] the other, which the change had, is taken.
    """
    before, after = quantise(images), quantise(made)
    size = (after - before).abs()
    coin = torch.randint(0, 2, size.shape, generator=rng).to(size) * 2 - 1
    tried = before + coin * size
    inside = (tried >= -1e-6) & (tried <= 1 + 1e-6)
    return Encoded(torch.where(inside, tried, before - coin * size).clamp(0, 1))
