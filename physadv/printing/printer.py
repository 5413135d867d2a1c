"""What a printer makes of ink: reflectance between its black and its white, on its raster."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Conditions, Encoded, Ink, Linear, Printed, below, check, decode, quantise
from physadv.printing.drift import Drift
from physadv.printing.halftone import MOST_INK_PCT, gain_dots, limit_ink, reflect
from physadv.printing.profile import Profile

MM_PER_INCH = 25.4
MOST_GAIN_PCT = 25.0


@dataclass(frozen=True)
class Printer:
    """An sRGB printer on white film, by a model of its ink or by a measured profile.

    Paper white reflects `white_ratio` times `tint_ratio` (R, G, B), full ink `black_ratio`; between
    them reflectance is proportional to the decoded sRGB value (ISO 12642 style black and white
    points), but for a tone value increase of `dot_gain_pct` at 50 % (ISO 12647-2), Yule and
    Nielsen's n, and a limit to the sum of the three inks. A `profile` says all of that instead.

    A laminate reflects `laminate_ratio` of the light from its surface, which veils the ink. `dpi`
    are the places a dot can be set at: where they are coarser than the ink's raster, the colour is
    averaged over each. At 150 dpi and more that never happens to a sign (a place is 0.17 mm, a
    texel over 0.5 mm). `drift` is how prints scatter from photo to photo.
    """

    black_ratio: float = 0.04
    white_ratio: float = 0.88
    tint_ratio: tuple[float, float, float] = (1.0, 1.0, 1.0)
    dot_gain_pct: float = 0.0
    yule_nielsen_ratio: float = 1.0
    ink_limit_pct: float = MOST_INK_PCT
    laminate_ratio: float = 0.0
    dpi: float | None = None
    profile: Profile | None = None
    drift: Drift = Drift()

    def __post_init__(self) -> None:
        """Refuse what no printer can be."""
        whites = [self.white_ratio * tint for tint in self.tint_ratio]
        ends = 0 <= self.black_ratio < min(whites) and max(whites) <= 1
        rule = "0 <= black_ratio < white_ratio * tint_ratio <= 1"
        check(ends, "Printer", expected=rule, got=(self.black_ratio, self.white_ratio))
        bounds = {
            "dot_gain_pct": (-MOST_GAIN_PCT, MOST_GAIN_PCT),
            "yule_nielsen_ratio": (1.0, 10.0),
            "ink_limit_pct": (100.0, MOST_INK_PCT),
            "laminate_ratio": (0.0, 0.5),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            check(low <= value <= high, name, expected=f"from {low:g} to {high:g}", got=value)
        check(self.dpi is None or self.dpi > 0, "dpi", expected="above 0", got=self.dpi)

    @classmethod
    def of(cls, profile: Profile) -> "Printer":
        """Return the printer of a profile, with its black, its white and its uncertainty."""
        black, white = profile.ends_ratio
        drift = Drift.of(profile.gain_std_ratio, profile.offset_std_ratio)
        return cls(black, white, profile=profile, drift=drift)

    def __call__(self, ink: Ink, *, width_mm: float | None = None) -> Printed:
        """Print ink (1,3,h,w), differentiably; `width_mm` is what its columns span, for `dpi`."""
        colour = self._dots(ink.colour, width_mm)
        light = self._inked(colour) if self.profile is None else self.profile(colour)
        if self.laminate_ratio:
            light = Linear(light + self.laminate_ratio * (1 - light))
        return Printed(light, ink.cover)

    def vary(self, given: Conditions) -> tuple[Tensor, Tensor] | None:
        """Return gain (B,3) and offset (B,3) of each photo's printed reflectance.

        A photo shows gain R + offset where this printer printed R. `given` are the conditions
        below the printer's name; None where nothing varies.
        """
        return self.drift(below(given, "drift"))

    def _inked(self, colour: Encoded) -> Linear:
        whites = [self.white_ratio * tint for tint in self.tint_ratio]
        bare = decode(colour)
        if self.dot_gain_pct or self.ink_limit_pct < MOST_INK_PCT:
            bare = Linear(1 - gain_dots(limit_ink(1 - bare, self.ink_limit_pct), self.dot_gain_pct))
        if self.yule_nielsen_ratio == 1:
            spans = [white - self.black_ratio for white in whites]
            return Linear(self.black_ratio + _channels(bare, spans) * bare)
        white = _channels(bare, whites)
        return Linear(reflect(1 - bare, self.black_ratio, white, self.yule_nielsen_ratio))

    def _dots(self, colour: Encoded, width_mm: float | None) -> Encoded:
        """Average the colour over the printer's dots, where they are larger than its pixels."""
        if self.dpi is None or width_mm is None:
            return colour
        height, width = colour.shape[-2:]
        across = round(width_mm * self.dpi / MM_PER_INCH)
        if across >= width:
            return colour
        dots = max(1, round(height * across / width)), max(1, across)
        return Encoded(F.interpolate(F.interpolate(colour, dots, mode="area"), (height, width)))


def _channels(like: Tensor, values: list[float]) -> Tensor:
    return like.new_tensor(values)[:, None, None]


def hard(ink: Ink) -> Ink:
    """Return the ink as a file for a printer holds it: 8-bit colours, whole pixels of cover.

    Where there is a palette, each pixel is the nearest of its inks.
    """
    whole = (ink.cover.detach() >= 0.5).float()
    colour = ink.colour if ink.palette is None else _pure(ink.colour, ink.palette)
    return Ink(Encoded(torch.where(whole > 0, quantise(colour), 1.0)), whole, ink.palette)


def _pure(colour: Encoded, palette: Tensor) -> Encoded:
    """Return the nearest ink (K,3) of each pixel, (1,3,h,w)."""
    apart = torch.cdist(colour.flatten(2).mT, palette.to(colour)[None])
    return Encoded(palette.to(colour)[apart.argmin(dim=2)].mT.reshape(colour.shape))
