"""Reasons to distrust a generator: modes that are missing, and a game that did not settle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from physadv.generative.quality import Quality, expected_coverage

COVERED = 0.25
"""Least share of the coverage that further real pictures would have."""
SPREAD = 0.6
"""Least mean distance between made pictures, as a share of that between real ones."""
SATURATED = 0.05
"""The log loss below which a discriminator is all but certain of every picture."""
BEATEN = 3.0
"""The log loss from which on it is mostly wrong; one that only guesses has 2 log 2."""
WORSE = 1.3
"""How many times the least Frechet distance the last one may be."""
FALLING = 0.9
"""A Frechet distance below this share of the last but one is falling still."""


@dataclass(frozen=True)
class Measured:
    """What was measured after an epoch: the quality, and the training's own figures."""

    epoch: int
    quality: Quality
    figures: Mapping[str, float]


def doubts(history: Sequence[Measured], kind: str = "dcgan") -> tuple[str, ...]:
    """Return what speaks against the generator at the end of a history; empty for none."""
    return (*collapsed(history[-1].quality), *unsettled(history, kind))


def collapsed(quality: Quality) -> tuple[str, ...]:
    """Doubt a generator that makes less than there is: low coverage, or pictures much alike."""
    found = []
    expected = expected_coverage(quality.n, quality.n)
    if quality.coverage < COVERED * expected:
        found.append(
            f"the generator misses most of the data: it covers {100 * quality.coverage:.0f} % of "
            f"them (further real pictures {100 * expected:.0f} %), n={quality.n}"
        )
    ratio = quality.spread / max(quality.spread_real, 1e-12)
    if ratio < SPREAD:
        found.append(
            f"the generator has collapsed: its pictures are {ratio:.2f} times as far from one "
            f"another as real ones, n={quality.n}"
        )
    return tuple(found)


def unsettled(history: Sequence[Measured], kind: str = "dcgan") -> tuple[str, ...]:
    """Doubt a training that failed, went back, still gets better, or whose players parted."""
    last, found = history[-1], []
    if not all(isfinite(value) for value in last.figures.values()):
        return ("the training came apart: a loss is no number",)
    # a critic under a gradient penalty may tell all apart and teach on
    loss = last.figures.get("discriminator_loss", 1.0)
    if kind == "dcgan" and loss < SATURATED:
        found.append(f"the discriminator is saturated: its loss is {loss:.3f}, it teaches little")
    if kind == "dcgan" and loss > BEATEN:
        found.append(f"the discriminator is beaten: its loss is {loss:.1f}, guessing has 1.4")
    distances = [one.quality.frechet for one in history]
    if distances[-1] > WORSE * min(distances):
        found.append(
            f"the training did not converge: the Frechet distance was {min(distances):.1f} and "
            f"is {distances[-1]:.1f}"
        )
    elif len(distances) > 1 and distances[-1] < FALLING * distances[-2]:
        found.append("the Frechet distance is falling still: train longer")
    return tuple(found)
