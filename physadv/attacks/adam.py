"""Adam's step (Kingma & Ba 2015), for searches that keep their moments among their tensors."""

import torch
from torch import Tensor

BETAS = (0.9, 0.99)


def adam(slope: Tensor, first: Tensor, second: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the direction of step `step` (from 0) up a slope, and the moments after it."""
    first = torch.lerp(slope, first, BETAS[0])
    second = torch.lerp(slope**2, second, BETAS[1])
    size = torch.sqrt(second / (1 - BETAS[1] ** (step + 1)))
    return first / (1 - BETAS[0] ** (step + 1)) / (size + 1e-8), first, second
