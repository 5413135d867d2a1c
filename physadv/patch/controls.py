"""Control stickers: same place, same size, none of the optimisation."""

import torch
from torch import Tensor

ROUNDS = 8


def controls(theta: Tensor, used: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
    """Return the controls of a colour grid theta (3,h,w) whose cells `used` (h,w) show.

    blank: white film; mean colour: its average; random noise: uniform colours; shuffled: its own
    cells in random order; spectrum-matched: its values in another order that has its amplitude
    spectrum, so the same contrast and coarseness without the picture.
    """
    mean = theta[:, used].mean(dim=1)[:, None, None].expand_as(theta)
    return {
        "blank": torch.ones_like(theta),
        "mean colour": mean.clone(),
        "random noise": torch.rand(theta.shape, generator=rng),
        "shuffled": shuffled(theta, used, rng),
        "spectrum-matched": rephased(theta, used, rng),
    }


def shuffled(theta: Tensor, used: Tensor, rng: torch.Generator) -> Tensor:
    """Return theta (C,h,w) with the cells `used` (h,w) in random order."""
    order = torch.randperm(int(used.sum()), generator=rng)
    return _inside(theta[:, used][:, order], used)


def rephased(theta: Tensor, used: Tensor, rng: torch.Generator) -> Tensor:
    """Return a surrogate of theta (C,h,w): its values in the cells `used`, in another order.

    Impose in turn the spectrum and where it lies (Schreiber & Schmitz 1996). It begins with all
    phases turned by those of one noise picture, the same in all channels; in the second half of
    the rounds the values are imposed too, in the order found.
    """
    inside = theta[:, used]
    ranked, mean = inside.sort(dim=1).values, inside.mean(dim=1)[:, None, None]
    own = torch.fft.fft2((theta - mean) * used)
    spectrum = own * torch.exp(1j * torch.fft.fft2(torch.randn(used.shape, generator=rng)).angle())
    result = theta
    for turn in range(ROUNDS):
        seen = torch.fft.ifft2(spectrum).real
        if turn >= ROUNDS // 2:
            rank = seen[:, used].argsort(dim=1).argsort(dim=1)
            result = _inside(ranked.gather(1, rank), used)
            seen = result - mean
        found = torch.fft.fft2(seen * used)
        spectrum = own.abs() * found / found.abs().clamp_min(1e-9)
    return result


def _inside(values: Tensor, used: Tensor) -> Tensor:
    """Lay values (3,n) in the cells that show; the others are their mean."""
    grid = values.mean(dim=1)[:, None, None].repeat(1, *used.shape)
    grid[:, used] = values
    return grid
