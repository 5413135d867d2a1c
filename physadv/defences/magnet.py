"""MagNet: rejects what autoencoders do not know, and answers for what one makes of the rest.

Meng & Chen, "MagNet: a Two-Pronged Defense against Adversarial Examples", CCS 2017. Detectors look
at how far an image is from its reconstruction, or how far apart the victim's probabilities are for
the two; the reformer's reconstruction is what the victim reads. Shown to be evaded by attacks that
know it (Carlini & Wagner 2017, arXiv 1711.08478). The paper's random choice among several
autoencoders, meant against attackers who know all but the choice, is not part of this.
"""

from dataclasses import dataclass, replace
from math import inf, log
from typing import ClassVar

import torch
from torch import Tensor, nn

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.core.check import above_zero, one_of
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended, sized, with_rejected
from physadv.defences.networks import ask, check_images_kept, digests
from physadv.victims import Victim

MEASURES = ("l1", "l2", "jsd")
PARTS = 64


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """One detector: an image is suspicious whose distance to its reconstruction is too large.

    `measure` is "l1" or "l2", the mean absolute or root mean square difference of values, or
    "jsd", the Jensen-Shannon divergence (in nats) of the victim's softmax at `temperature`.
    """

    autoencoder: nn.Module
    measure: str = setting("l2", "l1, l2 or jsd")
    temperature: float = setting(10.0, "what scores are divided by for jsd")
    threshold: float = setting(inf, "the distance above which an image is rejected")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        one_of("measure", self.measure, MEASURES)
        above_zero(self, "temperature", "threshold")

    def distance(self, victim: Victim, images: Encoded) -> Tensor:
        """Return the distances (B,) of images (B,3,h,w) of the victim's size."""
        made = Encoded(ask(self.autoencoder, images))
        if self.measure == "jsd":
            pair = (victim(one).scores / self.temperature for one in (images, made))
            return divergence(*pair)
        apart = (images - made).flatten(1)
        if self.measure == "l1":
            return apart.abs().mean(dim=1)
        return apart.square().mean(dim=1).clamp_min(1e-12).sqrt()


@dataclass(frozen=True, eq=False)
class MagNet:
    """Rejects what any detector finds suspicious, else answers for the reformed image.

    Thresholds are found by `fitted`. The autoencoders (see `physadv.training.train_autoencoder`)
    take and give images (B,3,h,w) of the victim's size. Slopes are exact, through all of it.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("magnet", "detector", "Meng & Chen 2017")

    reformer: nn.Module
    detectors: tuple[Reconstruction, ...]

    def __call__(self, victim: Victim) -> Defended:
        """Return a victim with the further class `rejected`.

        Raises `UserError` where an autoencoder makes images of another size.
        """

        def told(scores: Tensor, images: Encoded, _: torch.Generator) -> Tensor:
            return with_rejected(scores, self.suspicion(victim, images))

        made = Defended(victim, "MagNet", change=self._reformed, told=told, refuses=True)
        networks = (self.reformer, *(one.autoencoder for one in self.detectors))
        for network, argument in zip(networks, self._arguments(), strict=True):
            check_images_kept(network, victim, argument)
        settings = [(one.measure, one.temperature, one.threshold) for one in self.detectors]
        made.weights = f"{digests(*networks)} {settings}"
        return made

    def suspicion(self, victim: Victim, images: Encoded) -> Tensor:
        """Return the largest distance relative to its threshold, less 1; (B,), -1 for no detector.

        The relation lets detectors of different units compete for the slope.
        """
        each = [one.distance(victim, images) / one.threshold - 1 for one in self.detectors]
        nothing = images.new_full((len(images),), -1.0)
        return torch.stack([nothing, *each]).amax(dim=0)

    @torch.no_grad()
    def fitted(self, victim: Victim, images: Encoded, false_alarms: float = 0.01) -> "MagNet":
        """Return one each of whose detectors is set off by at most a share of clean images.

        The share is a detector's, as in the paper: several together reject up to their sum. Images
        (N,3,H,W) should not be those that the autoencoders learnt from.
        """
        good = 0 < false_alarms < 1
        check(good, "false_alarms", expected="a share between 0 and 1", got=false_alarms)
        seen: Tensor = sized(images, victim.size_px)
        parts = [Encoded(part) for part in seen.split(PARTS)]
        found = []
        for one in self.detectors:
            distances = torch.cat([one.distance(victim, part) for part in parts]).double()
            bound = float(distances.quantile(1 - false_alarms, interpolation="higher"))
            found.append(replace(one, threshold=max(bound, 1e-9)))
        return replace(self, detectors=tuple(found))

    def _reformed(self, images: Encoded, _: torch.Generator) -> Encoded:
        return Encoded(ask(self.reformer, images).clamp(0, 1))

    def _arguments(self) -> list[str]:
        return ["reformer", *(f"detectors[{k}]" for k in range(len(self.detectors)))]


def divergence(scores: Tensor, others: Tensor) -> Tensor:
    """Return the Jensen-Shannon divergence, in nats, of the softmax of scores (B,K) each, (B,)."""
    p, q = scores.log_softmax(dim=1), others.log_softmax(dim=1)
    middle = torch.logaddexp(p, q) - log(2)
    return (p.exp() * (p - middle) + q.exp() * (q - middle)).sum(dim=1) / 2
