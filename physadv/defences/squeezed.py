"""Feature squeezing as a detector: an answer that a little squeezing changes is suspicious.

Xu, Evans & Qi, "Feature Squeezing: Detecting Adversarial Examples in Deep Neural Networks", NDSS
2018: the largest distance, in the norm 1, between the probabilities for an image and for it
squeezed, over several squeezers; suspicious above a threshold that clean images seldom reach. Shown
to be evaded by attacks that know it (He, Wei, Chen, Carlini & Song 2017).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended, sized, with_rejected
from physadv.defences.squeeze import BitDepth, Median
from physadv.victims import Victim

Squeeze = Callable[[Tensor], Encoded]
PARTS = 64


@dataclass(frozen=True)
class FeatureSqueezing:
    """Rejects what moves by more than `threshold`, which `fitted` finds on clean images."""

    about: ClassVar[DefenceAbout] = DefenceAbout("feature-squeezing", "detector", "Xu et al. 2018")

    bits: int = setting(4, "bits of the squeezer that keeps fewer; 8 for none")
    side_px: int = setting(3, "side of the median; 1 for none")
    threshold: float = setting(1.0, "distance of probabilities that is suspicious, 0 to 2")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be, or squeeze nothing."""
        good = 0 < self.threshold < 2
        check(good, "threshold", expected="above 0, below 2", got=self.threshold)
        expected, got = "fewer than 8 bits, a median above 1 px, or both", "neither"
        check(len(self.squeezers) > 0, "bits", expected=expected, got=got)

    @property
    def squeezers(self) -> tuple[Squeeze, ...]:
        """What is tried."""
        bits, median = BitDepth(self.bits), Median(self.side_px)
        found = [(bits.squeeze, self.bits < 8), (median.squeeze, self.side_px > 1)]
        return tuple(one for one, wanted in found if wanted)

    def __call__(self, victim: Victim) -> Defended:
        """Return a victim with the further class `rejected`."""

        def told(scores: Tensor, images: Encoded, _: torch.Generator) -> Tensor:
            moved = self.moved(victim, images, scores)
            return with_rejected(scores, moved - self.threshold)

        return Defended(victim, "feature squeezing", told=told, refuses=True)

    def moved(self, victim: Victim, images: Encoded, scores: Tensor) -> Tensor:
        """Return by how much the probabilities move, (B,), from 0 to 2."""
        own = scores.softmax(dim=1)
        each = [
            (own - victim(squeeze(images)).scores.softmax(dim=1)).abs().sum(dim=1)
            for squeeze in self.squeezers
        ]
        return torch.stack(each).amax(dim=0)

    @torch.no_grad()
    def fitted(
        self, victim: Victim, images: Encoded, false_alarms: float = 0.05
    ) -> "FeatureSqueezing":
        """Return one whose threshold a share of these clean images is above."""
        good = 0 < false_alarms < 1
        check(good, "false_alarms", expected="a share between 0 and 1", got=false_alarms)
        seen: Tensor = sized(images, victim.size_px)
        parts = [Encoded(part) for part in seen.split(PARTS)]
        moved = torch.cat([self.moved(victim, part, victim(part).scores) for part in parts])
        threshold = float(moved.double().quantile(1 - false_alarms, interpolation="higher"))
        return replace(self, threshold=min(max(threshold, 1e-6), 2 - 1e-6))
