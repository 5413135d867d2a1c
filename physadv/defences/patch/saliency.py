"""Saliency masking: what the class that is read hangs on most, close together, is painted over.

In the manner of Hayes, "On Visible Adversarial Perturbations & Digital Watermarking", CVPR
workshops 2018, the blind defence: a saliency map of the class read, brought to a mask by a
threshold and by morphology, and inpainting (Telea 2004) of what is masked. Here the map is the
plain gradient; his is guided backpropagation, which needs to reach into the network. It certifies
nothing.
"""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.core.check import at_least_one
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended, straight_through
from physadv.victims import Victim, check_gradients

RADIUS_PX = 3.0
"""Of the neighbourhood that inpainting looks at."""
SMALL = 1e-12


@dataclass(frozen=True)
class SaliencyMasking:
    """Paints over what is salient, from its surroundings; slopes pass what is left, and stop else.

    Needs a victim with gradients, and raises `UserError` for a black box.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("saliency-masking", "input", "Hayes 2018")

    threshold: float = setting(0.25, "share of the highest saliency above which a pixel has much")
    side_px: int = setting(3, "side of the square that joins such pixels and drops lone ones")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        good = 0 < self.threshold < 1
        check(good, "threshold", expected="a share between 0 and 1", got=self.threshold)
        at_least_one(self, "side_px")

    def __call__(self, victim: Victim) -> Defended:
        """Return the victim behind it."""
        check_gradients(victim)

        def change(images: Encoded, _: torch.Generator) -> Encoded:
            return painted_over(images, self.salient(victim, images))

        return Defended(victim, "saliency masking", change=change)

    def salient(self, victim: Victim, images: Tensor) -> Tensor:
        """Return what is masked, (B,1,h,w) bool, of images of the victim's size."""
        with torch.enable_grad():
            point = images.detach().requires_grad_()
            best = victim(Encoded(point)).scores.amax(dim=1)
            (slope,) = torch.autograd.grad(best.sum(), point)
        saliency = slope.abs().amax(dim=1)
        share = saliency / saliency.amax(dim=(1, 2), keepdim=True).clamp_min(SMALL)
        much = (share > self.threshold).to(torch.uint8).cpu().numpy()
        square = np.ones((self.side_px, self.side_px), np.uint8)
        joined = [cv2.morphologyEx(one, cv2.MORPH_CLOSE, square) for one in much]
        dense = [cv2.morphologyEx(one, cv2.MORPH_OPEN, square) for one in joined]
        return torch.from_numpy(np.stack(dense)).to(images.device).bool()[:, None]


def painted_over(images: Tensor, mask: Tensor) -> Encoded:
    """Return images (B,3,h,w) inpainted inside a mask (B,1,h,w), in 8 bits there."""
    levels = (images.detach().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1)
    pairs = zip(levels.cpu().numpy(), mask[:, 0].byte().cpu().numpy(), strict=True)
    made = [cv2.inpaint(np.ascontiguousarray(a), b, RADIUS_PX, cv2.INPAINT_TELEA) for a, b in pairs]
    paint = torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).to(images) / 255
    return Encoded(straight_through(torch.where(mask, paint, images), images * ~mask))
