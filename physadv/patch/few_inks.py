"""Few inks: each place of a sticker is one of a palette's, as cut from film or screen printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from PIL import ImageColor
from torch import Tensor

from physadv.core import Encoded, Ink, UserError, check
from physadv.core.device import here
from physadv.patch.controls import rephased, shuffled
from physadv.patch.mask import Mask
from physadv.patch.pixels import Pixels

Colour = tuple[float, float, float]

SHARPNESS = 6.0
"""How decided a theta at its limits is: the chosen ink's odds against each other are e^12."""
DECIDED = 0.8
MOST_OPEN_PCT = 10.0


def read_inks(names: Sequence[str]) -> tuple[Colour, ...]:
    """Return encoded RGB in [0,1] of inks by their CSS names or as #rrggbb.

    Raises `UserError` for less than two different ones and for what is no colour.
    """
    try:
        found = [ImageColor.getrgb(name.strip()) for name in names]
    except ValueError as error:
        expected = "names of colours or #rrggbb, e.g. black,white"
        raise UserError("inks", expected=expected, got=",".join(names)) from error
    colours = tuple((red / 255, green / 255, blue / 255) for red, green, blue, *_ in found)
    different = len(set(colours)) == len(colours) >= 2
    check(different, "inks", expected="at least two, each once", got=",".join(names))
    return colours


@dataclass(frozen=True)
class FewInks:
    """An ink for each place: theta (K,rows,columns) in [-1,1] says how much each is wanted.

    Between the centres of cells of `cell_mm` theta runs linearly. While searching, colour is the
    mixture by softmax of `SHARPNESS` theta; printed hard, each pixel has the nearest pure ink.
    """

    mask: Mask
    inks: tuple[Colour, ...]
    cell_mm: float = 12.5

    @cached_property
    def _grid(self) -> Pixels:
        return Pixels(self.mask, self.cell_mm)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of theta."""
        return len(self.inks), *self._grid.shape[1:]

    def start(self, rng: torch.Generator) -> Tensor:
        """Return a first theta, nearly undecided."""
        return 0.1 * torch.randn(self.shape, generator=rng).clamp(-2, 2)

    def project(self, theta: Tensor) -> Tensor:
        """Return the nearest theta within the limits."""
        return theta.clamp(-1, 1)

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink over the frame at `width_px` columns, to be printed in pure inks."""
        cover = self.mask.cover(width_px)
        size = (cover.shape[-2], cover.shape[-1])
        wanted = F.interpolate(theta[None], size, mode="bilinear", align_corners=False)
        palette = here(torch.tensor(self.inks))
        shares = (SHARPNESS * wanted).softmax(dim=1)
        colour = torch.einsum("bkhw,kc->bchw", shares, palette)
        return Ink(Encoded(colour), cover, palette)

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt cells that are not decided for an ink: printed, they are not what was searched."""
        share = (SHARPNESS * theta[:, self._grid.used()]).softmax(dim=0).amax(dim=0)
        open_pct = 100 * float((share < DECIDED).float().mean())
        told = f"{open_pct:.0f} % of the cells are undecided between inks"
        return (told,) if open_pct > MOST_OPEN_PCT else ()

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return stickers of the same places and inks that a fair attack must beat.

        As for `Pixels`: blank is the lightest ink, mean colour the ink nearest to the mean.
        """
        used, palette = self._grid.used(), torch.tensor(self.inks)
        chosen = theta.argmax(dim=0)
        mean = palette[chosen[used]].mean(dim=0)
        near = int((palette - mean).norm(dim=1).argmin())
        light = int(palette.sum(dim=1).argmax())
        anything = torch.randint(len(self.inks), chosen.shape, generator=rng)
        return {
            "blank": self._pure(torch.full_like(chosen, light)),
            "mean colour": self._pure(torch.full_like(chosen, near)),
            "random noise": self._pure(anything),
            "shuffled": shuffled(theta, used, rng),
            "spectrum-matched": rephased(theta, used, rng),
        }

    def _pure(self, chosen: Tensor) -> Tensor:
        """Return the theta of one ink for each cell, (rows,columns)."""
        one = F.one_hot(chosen, len(self.inks)).permute(2, 0, 1)
        return 2.0 * one - 1
