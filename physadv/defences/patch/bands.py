"""De-randomized smoothing: a vote of all bands of an image, of which a patch touches only some.

Levine & Feizi, "(De)Randomized Smoothing for Certifiable Defense against Patch Attacks", NeurIPS
2020: the network sees one band of columns, all else hidden, for each place of the band, cyclically
over the edge. It votes for each class of a probability above a threshold. A patch of a width m
touches m + s - 1 bands of a width s, each of which takes one vote from the first class and gives
one to another at most.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.core.check import at_least_one, one_of
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import sized, straight_through
from physadv.defences.many import Many, log_mean, log_shares
from physadv.defences.patch.masked import PatchCertificate, check_patch, hidden, masked_scores
from physadv.victims import Victim


@dataclass(frozen=True)
class DerandomizedSmoothing:
    """Scores are the logarithms of the shares of votes, with the slope of mean probabilities.

    The paper trains a network on bands, and shows it six channels so that it can tell what is
    hidden: `fill=None`, for victims that take them. Any other victim is shown the grey `fill`.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout(
        "derandomized-smoothing", "smoothing", "Levine & Feizi 2020"
    )

    band_px: int = setting(4, "width of the band, at the victim's size")
    threshold: float = setting(0.3, "probability above which a class gets a band's vote")
    axis: str = setting("columns", "what bands are made of: columns or rows")
    fill: float | None = setting(0.5, "value of hidden pixels; None for six channels")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        at_least_one(self, "band_px")
        good = 0 <= self.threshold < 1
        check(good, "threshold", expected="0 or more, below 1", got=self.threshold)
        one_of("axis", self.axis, ("columns", "rows"))

    def __call__(self, victim: Victim) -> Many:
        """Return the victim behind the vote."""

        def scored(images: Encoded, _: torch.Generator) -> Tensor:
            scores = masked_scores(victim, images, self._bands(images), self.fill)
            shares = log_shares(self._counted(scores), scores.shape[1])
            return straight_through(shares, log_mean(scores, 1))

        return Many(victim, f"a vote of bands of {self.band_px} px", scored)

    def shown(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return one band of each image (B,3,h,w) of the victim's size, drawn: to train on."""
        bands = self._bands(images)
        drawn = torch.randint(len(bands), (len(images),), generator=rng)
        return hidden(images, bands[drawn.to(images.device)], self.fill)

    @torch.no_grad()
    def votes(self, victim: Victim, images: Encoded) -> Tensor:
        """Return how many bands vote for each class, (B,K)."""
        seen = sized(images, victim.size_px)
        return self._counted(masked_scores(victim, seen, self._bands(seen), self.fill))

    def certify(
        self, victim: Victim, images: Encoded, patch_px: int | tuple[int, int]
    ) -> PatchCertificate:
        """Return what holds under any patch, a side or (height, width), of the victim's pixels.

        The paper's theorem: the first class leads each other one by 2 (m + s - 1) votes, and by one
        more those of a lower index, which win ties.
        """
        patch = (patch_px, patch_px) if isinstance(patch_px, int) else patch_px
        check_patch(patch, victim.size_px)
        touched = patch[int(self.axis == "columns")] + self.band_px - 1
        return self.certificate(self.votes(victim, images), touched)

    @staticmethod
    def certificate(counts: Tensor, touched: int) -> PatchCertificate:
        """Return what votes (B,K) certify where a patch touches so many bands."""
        best = counts.argmax(dim=1, keepdim=True)
        wins_ties = torch.arange(counts.shape[1], device=counts.device) < best
        rivals = (counts + wins_ties.to(counts)).scatter(1, best, -1)
        lead = counts.gather(1, best)[:, 0] - rivals.amax(dim=1)
        return PatchCertificate(best[:, 0], lead >= 2 * touched)

    def _counted(self, scores: Tensor) -> Tensor:
        return (scores.softmax(dim=2) > self.threshold).sum(dim=1)

    def _bands(self, images: Tensor) -> Tensor:
        """Return what each band keeps, (M,1,h,w)."""
        height, width = images.shape[2:]
        side = width if self.axis == "columns" else height
        least = f"at most {side}, the image's {self.axis}"
        check(self.band_px <= side, "band_px", expected=least, got=self.band_px)
        place = torch.arange(side, device=images.device)
        inside = (place[None] - place[:, None]) % side < self.band_px
        lying = inside[:, None, None, :] if self.axis == "columns" else inside[:, None, :, None]
        return lying.expand(side, 1, height, width)
