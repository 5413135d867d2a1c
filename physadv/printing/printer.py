"""What a printer makes of ink: reflectance between its black and its white, on its raster."""

from dataclasses import dataclass

import torch

from physadv.core import Encoded, Ink, Linear, Printed, decode, quantise


@dataclass(frozen=True)
class Printer:
    """An sRGB printer on white film.

    Paper white reflects `white_ratio`, full ink `black_ratio`; between them reflectance is
    proportional to the decoded sRGB value (ISO 12642 style black and white points).
    """

    black_ratio: float = 0.04
    white_ratio: float = 0.88

    def __call__(self, ink: Ink) -> Printed:
        """Print ink (1,3,h,w), differentiably."""
        light = self.black_ratio + (self.white_ratio - self.black_ratio) * decode(ink.colour)
        return Printed(Linear(light), ink.cover)


def hard(ink: Ink) -> Ink:
    """Return the ink as a file for a printer holds it: 8-bit colours, whole pixels of cover."""
    whole = (ink.cover.detach() >= 0.5).float()
    return Ink(Encoded(torch.where(whole > 0, quantise(ink.colour), 1.0)), whole)
