"""Control stickers: same place, same size, none of the optimisation."""

import torch
from torch import Tensor


def controls(theta: Tensor, used: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
    """Return the controls of a colour grid theta (3,h,w) whose cells `used` (h,w) show.

    blank: white film; mean colour: its average; random noise: uniform colours; shuffled: its own
    cells in random order; spectrum-matched: its amplitude spectrum with random phases, so the
    same coarseness without the picture.
    """
    mean = theta[:, used].mean(dim=1)[:, None, None].expand_as(theta)
    return {
        "blank": torch.ones_like(theta),
        "mean colour": mean.clone(),
        "random noise": torch.rand(theta.shape, generator=rng),
        "shuffled": _shuffled(theta, used, rng),
        "spectrum-matched": _rephased(theta, used, rng),
    }


def _shuffled(theta: Tensor, used: Tensor, rng: torch.Generator) -> Tensor:
    order = torch.randperm(int(used.sum()), generator=rng)
    mixed = theta.clone()
    mixed[:, used] = theta[:, used][:, order]
    return mixed


def _rephased(theta: Tensor, used: Tensor, rng: torch.Generator) -> Tensor:
    """Turn all phases by those of a noise picture, then restore mean and spread where it shows."""
    inside = theta[:, used]
    mean, spread = inside.mean(dim=1)[:, None, None], inside.std(dim=1)[:, None, None]
    centred = (theta - mean) * used
    turn = torch.fft.fft2(torch.randn(used.shape, generator=rng)).angle()
    spun = torch.fft.ifft2(torch.fft.fft2(centred) * torch.exp(1j * turn)).real
    seen = spun[:, used]
    scale = spread / seen.std(dim=1)[:, None, None].clamp_min(1e-6)
    return torch.clamp((spun - seen.mean(dim=1)[:, None, None]) * scale + mean, 0, 1)
