"""What became of photos: one by one, and all together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physadv.core import Rate, wilson
from physadv.scoring.light import Lit
from physadv.scoring.pose import Seen

STICKERS, BARE = "stickers", "bare sign"
BINS = 5


@dataclass(frozen=True, eq=False)
class Scored:
    """What became of one photo.

    `found` says by what the sign was found ("corners", "sign", or "sheet" where the printed sheet
    itself is seen), empty where it was not: then `reason` says why. `shows` is "stickers" or "bare
    sign", `label` the victim's answer, `hit` whether the objective is met. `beyond` names what of
    the pose the design was not judged for. `shown` is the photo reduced, with the sign's outline,
    `crop` what the victim was given, both (h,w,3) uint8.
    """

    name: str
    found: str = ""
    reason: str = ""
    shows: str = ""
    correlation: float | None = None
    lens: str = ""
    pose: Seen | None = None
    light: Lit | None = None
    label: str = ""
    hit: bool | None = None
    correct: bool | None = None
    predicted: Rate | None = None
    beyond: tuple[str, ...] = ()
    shown: NDArray[np.uint8] | None = None
    crop: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Bin:
    """Photos of similar prediction: their mean prediction, and the share of hits that was seen."""

    predicted: float
    seen: Rate


@dataclass(frozen=True)
class Tally:
    """All photos together; a rate is None where no photo counts for it.

    `success` is over photos with stickers, `clean` and `correct` over those of the bare sign.
    `expected` hits and their `spread` (one standard deviation) are what the simulation says of the
    photos with a prediction, of which there are `n`; they had `hits`. The spread leaves out that
    predictions come from few simulated photos. `brier` is the mean squared difference (Brier 1950).
    """

    success: Rate | None
    clean: Rate | None
    correct: Rate | None
    n: int
    hits: int
    expected: float
    spread: float
    brier: float | None
    bins: tuple[Bin, ...]


def tally(photos: Sequence[Scored]) -> Tally:
    """Count. Intervals are Wilson's: each photo is taken as independent of the others."""
    with_stickers = [one.hit for one in photos if one.shows == STICKERS]
    bare = [one for one in photos if one.shows == BARE]
    pairs = [(one.predicted.share, bool(one.hit)) for one in photos if one.predicted is not None]
    return Tally(
        success=_rate(with_stickers),
        clean=_rate([one.hit for one in bare]),
        correct=_rate([one.correct for one in bare if one.correct is not None]),
        n=len(pairs),
        hits=sum(hit for _, hit in pairs),
        expected=sum(share for share, _ in pairs),
        spread=math.sqrt(sum(share * (1 - share) for share, _ in pairs)),
        brier=sum((share - hit) ** 2 for share, hit in pairs) / len(pairs) if pairs else None,
        bins=_bins(pairs),
    )


def _rate(hits: Sequence[bool | None]) -> Rate | None:
    return wilson(sum(bool(hit) for hit in hits), len(hits)) if hits else None


def _bins(pairs: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    """Sort predictions into equal intervals of 0 to 1, empty ones left out."""
    found = []
    for k in range(BINS):
        inside = [pair for pair in pairs if min(BINS - 1, int(pair[0] * BINS)) == k]
        if inside:
            mean = sum(share for share, _ in inside) / len(inside)
            found.append(Bin(mean, wilson(sum(hit for _, hit in inside), len(inside))))
    return tuple(found)
