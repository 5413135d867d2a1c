"""A victim as a torch module, for frameworks that ask modules."""

import torch
from torch import Tensor, nn

from physadv.core import Encoded
from physadv.victims.victim import Victim


class Asked(nn.Module):
    """Any differentiable victim as a module from images (B,3,H,W) in [0,1] to scores (B,K).

    Its weights stay the victim's own and take no gradient. Of dense scores (B,N,K) the best of
    each class is told. An idle parameter says of which type the module is, and where: frameworks
    look for one.
    """

    def __init__(self, victim: Victim) -> None:
        """Hold the victim."""
        super().__init__()
        self.victim = victim
        self.kind = nn.Parameter(torch.zeros(()), requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores."""
        if images.requires_grad:
            images.register_hook(Tensor.contiguous)  # frameworks flatten slopes with view
        scores = self.victim(Encoded(images.to(self.kind.dtype))).scores
        return scores.amax(dim=1) if scores.ndim == 3 else scores
