"""APE-GAN: a network that was taught to turn attacked images into clean ones, before the victim.

Shen, Jin, Gao & Zhang, "APE-GAN: Adversarial Perturbation Elimination with GAN", 2017 (arXiv
1707.05474). Carlini & Wagner 2017 (arXiv 1711.08478) attack through it.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from physadv.core import Encoded
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended
from physadv.defences.networks import ask, check_images_kept, digests
from physadv.victims import Victim


@dataclass(frozen=True, eq=False)
class APEGAN:
    """The victim reads what `translator` makes of images; the slope is exact.

    A `physadv.generative.Restorer`, or any network from images (B,3,h,w) in [0,1] to maps of the
    same shape in [-1,1], which stand for images in [0,1]; see `physadv.training.train_ape_gan`.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("ape-gan", "input", "Shen et al. 2017")

    translator: nn.Module

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it; raises `UserError` for a network of another size."""
        made = Defended(victim, "APE-GAN", change=self._change)
        check_images_kept(self.translator, victim, "translator")
        made.weights = digests(self.translator)
        return made

    def _change(self, images: Encoded, _: torch.Generator) -> Encoded:
        return Encoded(as_images(ask(self.translator, images)).clamp(0, 1))


def as_images(maps: Tensor) -> Tensor:
    """Return maps in [-1,1] as images in [0,1]."""
    return (maps + 1) / 2
