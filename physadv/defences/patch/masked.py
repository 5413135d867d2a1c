"""What defences against patches share: images with parts hidden, and what is certified of them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Encoded, check
from physadv.defences.many import PART
from physadv.victims import Victim


@dataclass(frozen=True, eq=False)
class PatchCertificate:
    """The class (B,) that is read of each image, and whether (B,) it is under any such patch."""

    labels: Tensor
    certified: Tensor

    def holds(self, labels: Tensor) -> Tensor:
        """Return (B,) whether these classes are read wherever and whatever the patch is."""
        return self.certified & (self.labels == labels.to(self.labels))


def masked_scores(victim: Victim, images: Tensor, keep: Tensor, fill: float | None) -> Tensor:
    """Return scores (B,M,K) for each image (B,3,h,w) with all but `keep` (M,1,h,w) hidden."""
    found = []
    for some in keep.split(max(1, PART // len(images))):
        copies = hidden(images[:, None], some, fill)
        scores = victim(Encoded(copies.flatten(0, 1))).scores
        found.append(scores.unflatten(0, (len(images), len(some))))
    return torch.cat(found, dim=1)


def hidden(images: Tensor, keep: Tensor, fill: float | None) -> Tensor:
    """Return images (…,3,h,w) with all but `keep` (…,1,h,w) hidden.

    Hidden pixels are of the value `fill`; with None there are six channels, (x, 1 - x), that all
    are 0 where they are hidden (Levine & Feizi 2020), so that a victim can tell them.
    """
    if fill is None:
        return torch.cat([images, 1 - images], dim=-3) * keep
    return torch.where(keep, images, fill)


def patch_side(share: float, size_px: tuple[int, int]) -> int:
    """Return the side of the least square patch of whole pixels with that share of an image."""
    return math.ceil(math.sqrt(share * size_px[0] * size_px[1]) - 1e-9)


def check_patch(patch_px: tuple[int, int], size_px: tuple[int, int]) -> None:
    """Raise `UserError` unless a patch (height, width) is inside an image."""
    good = all(1 <= one <= side for one, side in zip(patch_px, size_px, strict=True))
    check(good, "patch_px", expected=f"1 px to {size_px[0]}x{size_px[1]} px", got=patch_px)
