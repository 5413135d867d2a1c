"""Hill climbing on flipping distances: what EvadeHC does with any sample, tester and detector.

Dang, Huang & Chang, "Evading Classifiers by Morphing in the Dark", CCS 2017. A sample is morphed
again and again along a path. Sooner or later it is no more what it was (the tester's answer flips)
and the detector no more rejects it (the detector's answer flips). Both flips are found by binary
search, since answers are taken not to flip back. Where the detector's comes first, a sample
evades. Else paths on which it comes least late beside the tester's lead on.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Morph = Callable[[Tensor, Sequence[int]], Tensor]
"""Morphs samples (N,...) at random, each the same way for the same sample and seed (of N)."""
Score = Callable[[Tensor, Tensor], Tensor]
"""Takes flipping distances (P,) of tester and detector; grows with one, falls with the other."""


PATIENCE = 2
"""How many rounds a climb may not rise."""


def gap(malice: Tensor, reject: Tensor) -> Tensor:
    """Return how much earlier the detector flips than the tester."""
    return malice - reject


class Boxes(NamedTuple):
    """What is known of the world: three black boxes.

    `morph` changes a sample. `tester` says of samples (N,...) whether they still are what they
    were, (N,) bool; `detector` whether they are accepted. `left()` tells how many samples the
    detector may still be asked about.
    """

    morph: Morph
    tester: Callable[[Tensor], Tensor]
    detector: Callable[[Tensor], Tensor]
    left: Callable[[], int]


class Ways(NamedTuple):
    """How a climb goes: `paths` of `length` morphs from each of the `kept` best samples.

    A sample that leads on is taken at the share `jump` of the way to where the tester flips.
    """

    paths: int
    kept: int
    length: int
    jump: float
    score: Score = gap


class Found(NamedTuple):
    """A sample that passes the tester, whether it evades, and how many rounds there were."""

    sample: Tensor
    evades: bool
    rounds: int


def climb(start: Tensor, boxes: Boxes, ways: Ways, rng: torch.Generator) -> Found:
    """Morph a sample (...) that the tester passes and the detector rejects until it evades.

    Where the detector may not be asked any more, the last sample before the flip of the path that
    scored best is returned, which it was asked about. A climb whose scores have not risen for
    `PATIENCE` rounds begins again at the start.
    """
    leading, rounds, height, idle, nearest = start[None], 0, -torch.inf, 0, start
    while boxes.left() > 0:
        rounds += 1
        paths = torch.cat([walked(one, boxes.morph, ways, rng) for one in leading])
        paths = paths[: boxes.left()]
        malice = flips(lambda samples: ~boxes.tester(samples), paths)
        evading = boxes.detector(paths[torch.arange(len(paths)), malice - 1])
        if evading.any():
            first = int(evading.nonzero()[0])
            return Found(paths[first, int(malice[first]) - 1], True, rounds)
        best, score = best_paths(paths, malice, boxes, ways)
        leading = moved(paths[best], malice[best], boxes, ways)
        idle = 0 if score > height else idle + 1
        height = max(score, height)
        nearest = paths[best[0], malice[best[0]] - 1]
        if idle == PATIENCE and boxes.left() > 0:
            leading, height, idle = start[None], -torch.inf, 0
    return Found(nearest, False, rounds)


def moved(paths: Tensor, malice: Tensor, boxes: Boxes, ways: Ways) -> Tensor:
    """Return a sample of each path (P,L+1,...) that is `jump` of the way to where it flips.

    One that the tester does not pass all the same gives way to the last before the flip.
    """
    rows, last = torch.arange(len(paths)), malice - 1
    at = (last * ways.jump).long()
    return paths[rows, torch.where(boxes.tester(paths[rows, at]), at, last)]


def walked(start: Tensor, morph: Morph, ways: Ways, rng: torch.Generator) -> Tensor:
    """Return random paths (P,length+1,...) of samples from a start, which is their first."""
    steps = [start.expand(ways.paths, *start.shape)]
    for seeds in torch.randint(2**62, (ways.length, ways.paths), generator=rng).tolist():
        steps.append(morph(steps[-1], seeds))
    return torch.stack(steps, dim=1)


def flips(flipped: Callable[[Tensor], Tensor], paths: Tensor) -> Tensor:
    """Return where each path (P,L+1,...) flips, (P,) from 1 to L+1, the latter where it does not.

    `flipped` says of samples (N,...) whether they are beyond it, (N,) bool. By binary search, on
    all paths at once; of the sample before the flip, if not the first, it has said that it is not.
    """
    low = torch.ones(len(paths), dtype=torch.long)
    high = torch.full_like(low, paths.shape[1])
    while len(rows := (low < high).nonzero()[:, 0]):
        at = (low[rows] + high[rows]) // 2
        beyond = flipped(paths[rows, at])
        high[rows[beyond]] = at[beyond]
        low[rows[~beyond]] = at[~beyond] + 1
    return low


def best_paths(paths: Tensor, malice: Tensor, boxes: Boxes, ways: Ways) -> tuple[Tensor, float]:
    """Return the numbers of the paths of highest score, `kept` at most, and what one has for sure.

    The detector rejects what comes before a path's `malice` (P,). Its flips are searched by halves
    on all paths at once; one whose best possible score is below what enough others have for sure
    is asked about no more, so that the same paths are found for fewer answers. Ends early where
    the detector may not be asked any more.
    """
    low, high = malice.clone(), torch.full_like(malice, paths.shape[1])
    kept = min(ways.kept, len(paths))
    while True:
        sure, most = ways.score(malice, high), ways.score(malice, low)
        bar = sure.topk(kept).values[-1]
        rows = ((low < high) & (most > bar)).nonzero()[:, 0]
        if not len(rows) or boxes.left() < len(rows):
            order = sure.sort(descending=True, stable=True)
            return order.indices[:kept], float(order.values[0])
        at = (low[rows] + high[rows]) // 2
        beyond = boxes.detector(paths[rows, at])
        high[rows[beyond]] = at[beyond]
        low[rows[~beyond]] = at[~beyond] + 1
