"""PatchCleanser: two rounds of masks, one of which must hide the patch.

Xiang, Mahloujifar & Mittal, "PatchCleanser: Certifiably Robust Defense against Adversarial Patches
for Any Image Classifier", USENIX Security 2022: masks are laid so that each place of a patch is
hidden by one of them. Where all images with one mask are read alike, so is the image;
else each mask with another class than most is kept and all masks laid beside it (algorithm 1). If
an image is read rightly with any two masks (two-mask correctness), no patch changes what the
defence reads.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.core.check import at_least_one
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import sized, straight_through
from physadv.defences.many import PART, Many, log_mean, votes
from physadv.defences.patch.masked import (
    PatchCertificate,
    check_patch,
    hidden,
    masked_scores,
    patch_side,
)
from physadv.victims import Victim

ON_TOP = 1e-3
"""By how much the class that is decided on leads where the mean would have another."""


@dataclass(frozen=True)
class PatchCleanser:
    """Reads by double masking; scores are mean probabilities over the first round's masks.

    Their logarithms, that is, with the class that is decided on put first, and the slope of the
    mean: an attack on it follows all masks at once. Sizes are of the victim's pixels; `share` is
    that of a square patch. Masks are grey; the paper's are 0 after normalisation.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("patch-cleanser", "smoothing", "Xiang et al. 2022")

    share: float = setting(0.025, "largest patch, as a share of the image")
    patch_px: tuple[int, int] | None = setting(None, "its height and width, instead of a share")
    masks: int = setting(6, "masks along each side, at most")
    fill: float = setting(0.5, "value of hidden pixels")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        good = 0 < self.share < 1
        check(good, "share", expected="a share between 0 and 1", got=self.share)
        at_least_one(self, "masks")

    def __call__(self, victim: Victim) -> Many:
        """Return the victim behind its masks."""
        keep = self.mask_set(victim.size_px)

        def scored(images: Encoded, _: torch.Generator) -> Tensor:
            scores = masked_scores(victim, images, keep.to(images.device), self.fill)
            mean = log_mean(scores, 1)
            with torch.no_grad():
                decided = self._decide(victim, images, scores.argmax(dim=2))
            return straight_through(on_top(mean, decided), mean)

        return Many(victim, f"PatchCleanser, {len(keep)} masks", scored)

    def shown(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return each image (B,3,h,w) of the victim's size behind two masks, drawn: to train on."""
        keep = self.mask_set((images.shape[-2], images.shape[-1]))
        first, second = torch.randint(len(keep), (2, len(images)), generator=rng)
        return hidden(images, (keep[first] & keep[second]).to(images.device), self.fill)

    @torch.no_grad()
    def certify(self, victim: Victim, images: Encoded) -> PatchCertificate:
        """Return what is read of images (B,3,H,W), and where it is under any patch in the budget.

        Asks about every pair of masks: n (n + 1) / 2 copies of each image for n masks.
        """
        seen: Tensor = sized(images, victim.size_px)
        keep = self.mask_set(victim.size_px)
        first, second = torch.triu_indices(len(keep), len(keep))
        pairs = (keep[first] & keep[second]).to(seen.device)
        found = []
        for some in seen.split(PART):
            read = masked_scores(victim, some, pairs, self.fill).argmax(dim=2)
            alike = (read == read[:, :1]).all(dim=1)
            alone = read[:, (first == second).to(read.device)]
            found.append((self._decide(victim, some, alone), alike))
        labels, certified = (torch.cat(part) for part in zip(*found, strict=True))
        return PatchCertificate(labels, certified)

    def budget_px(self, size_px: tuple[int, int]) -> tuple[int, int]:
        """Return the height and width of the largest patch, in images of a size (h,w)."""
        return self.patch_px or (patch_side(self.share, size_px),) * 2

    def mask_set(self, size_px: tuple[int, int]) -> Tensor:
        """Return what each mask leaves to be seen, (n,1,h,w) bool, of images of a size (h,w)."""
        patch = self.budget_px(size_px)
        check_patch(patch, size_px)
        rows, columns = (
            covering(side, one, self.masks) for side, one in zip(size_px, patch, strict=True)
        )
        squares = rows[:, None, :, None] & columns[None, :, None, :]
        return ~squares.flatten(0, 1)[:, None]

    def _decide(self, victim: Victim, images: Tensor, first: Tensor) -> Tensor:
        """Return the classes (B,) of algorithm 1, given those of the first round, (B,n)."""
        keep = self.mask_set(victim.size_px).to(images.device)
        decided = votes(first, len(victim.labels)).argmax(dim=1)
        image, mask = (first != decided[:, None]).nonzero(as_tuple=True)
        settled = torch.zeros(len(images), dtype=torch.bool, device=images.device)
        for begin in range(0, len(image), PART):
            some = slice(begin, begin + PART)
            once = torch.where(keep[mask[some]], images[image[some]], self.fill)
            own = first[image[some], mask[some]]
            second = masked_scores(victim, once, keep, self.fill).argmax(dim=2)
            alike = (second == own[:, None]).all(dim=1)
            for k, label in zip(image[some][alike].tolist(), own[alike].tolist(), strict=True):
                if not settled[k]:
                    decided[k], settled[k] = label, True
        return decided


def covering(side: int, patch: int, masks: int) -> Tensor:
    """Return intervals (n, side) bool, n <= masks, one of which holds any of `patch` pixels.

    Steps of ceil((side - patch + 1) / masks), intervals of patch + step - 1.
    """
    places = side - patch + 1
    step = -(-places // masks)
    long = patch + step - 1
    start = torch.arange(0, places, step).clamp(max=side - long)[:, None]
    pixel = torch.arange(side)[None]
    return (pixel >= start) & (pixel < start + long)


def on_top(scores: Tensor, labels: Tensor) -> Tensor:
    """Return scores (B,K) whose best class is as told (B,), and which are the same where it was."""
    best, first = scores.max(dim=1)
    raised = scores.scatter(1, labels[:, None], (best + ON_TOP)[:, None])
    return torch.where((first == labels)[:, None], scores, raised)
