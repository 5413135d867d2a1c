"""Printable ink: the non-printability score against a palette, and a printer's gamut."""

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from physadv.core import Answer, Encoded, Linear, Photo, UserError, encode
from physadv.objectives.objective import Objective


def printable(palette: Tensor) -> Objective:
    """Want every inked pixel near a colour of `palette` (P,3), encoded RGB in [0,1].

    The score of a pixel is the product of its distances to all colours (Sharif et al. 2016,
    eq. 5; RP2, Eykholt et al. 2018, eq. 3); here it is averaged over the cover.
    """
    return Objective(((1.0, partial(_score, palette)),))


def in_gamut(black_ratio: float, white_ratio: float) -> Objective:
    """Want every inked pixel between a printer's black and white reflectance.

    The score is the mean distance to the gamut, in encoded values.
    """
    ends = encode(
        Linear(torch.tensor([black_ratio, white_ratio]).reshape(2, 1, 1, 1).repeat(1, 3, 1, 1))
    )
    low, high = ends[:, 0, 0, 0].tolist()
    return Objective(((1.0, partial(_outside, low, high)),))


def read_palette(path: str | Path) -> Tensor:
    """Read a palette (P,3): one `r,g,b` a line, each in 0..1. Raises `UserError` otherwise."""
    lines = Path(path).read_text().split()
    try:
        colours = torch.tensor([[float(value) for value in line.split(",")] for line in lines])
    except ValueError:
        colours = torch.empty(0)
    if colours.ndim != 2 or colours.shape[1] != 3 or colours.min() < 0 or colours.max() > 1:
        raise UserError("palette", expected="lines of r,g,b in 0..1", got=str(path))
    return colours


def non_printability(colour: Encoded, palette: Tensor) -> Tensor:
    """Return the score of every pixel of (B,3,H,W): (B,1,H,W)."""
    apart = colour[:, None] - palette[None, :, :, None, None]
    distance = torch.sqrt((apart**2).sum(dim=2) + 1e-12)
    return distance.prod(dim=1, keepdim=True)


def _score(palette: Tensor, _answer: Answer, photo: Photo) -> Tensor:
    if photo.ink is None:
        return photo.pixels.new_zeros(())
    score = non_printability(photo.ink.colour, palette) * photo.ink.cover
    return score.sum() / photo.ink.cover.sum()


def _outside(low: float, high: float, _answer: Answer, photo: Photo) -> Tensor:
    if photo.ink is None:
        return photo.pixels.new_zeros(())
    colour, cover = photo.ink.colour, photo.ink.cover
    distance = (low - colour).clamp_min(0) + (colour - high).clamp_min(0)
    return (distance * cover).sum() / (3 * cover.sum())
