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


def noise_alike(images: Tensor, made: Tensor, rng: torch.Generator) -> Encoded:
    """Return images (B,C,H,W) with noise as large as a change, where that changed something.

    The sizes of each image's changed values are dealt out among them anew, up or down by a coin;
    the other way where it would lead out of [0,1], and cut where both ways do. So norms are those
    of the change, but for what is cut.
    """
    before, after = quantise(images).cpu(), quantise(made).cpu()
    found = before.clone().flatten(1)
    for row, size in zip(found, (after - before).abs().flatten(1), strict=True):
        places = size.nonzero()[:, 0]
        dealt = size[places][torch.randperm(len(places), generator=rng)]
        coin = torch.randint(0, 2, dealt.shape, generator=rng).to(dealt) * 2 - 1
        value = row[places]
        tried, other = value + coin * dealt, value - coin * dealt
        fits = (tried >= 0) & (tried <= 1)
        row[places] = torch.where(fits, tried, other).clamp(0, 1)
    return Encoded(found.reshape(before.shape).to(images))
