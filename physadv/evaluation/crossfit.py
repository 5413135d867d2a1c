"""One patch for many photos, judged on photos it never saw: a patch a fold, each photo once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from physadv.attacks.digital import Patch
from physadv.core import (
    Encoded,
    Paired,
    Rate,
    check,
    generator,
    paired,
    quantise,
    spawn,
)
from physadv.evaluation.boxed import Boxed, Spot
from physadv.evaluation.zoom import zoomed
from physadv.judge import rate
from physadv.objectives import Objective
from physadv.patch import controls
from physadv.victims import Victim

PART = 8
"""How many photos a victim is asked about at once."""

REPORTED = "is the thing reported at all? see the class, the score and the order of the channels"

Tick = Callable[[str], None]


@dataclass(frozen=True)
class CrossFit:
    """How patches are made: one a fold, by `attack` (shared), at `spot` of each box.

    Photos are searched on as they are and in `zooms` other framings each (see `zoomed`).
    """

    attack: Patch
    spot: Spot
    folds: int = 5
    zooms: int = 0

    def __post_init__(self) -> None:
        """Raise `UserError` for what gives no patches."""
        check(self.folds >= 2, "folds", expected="at least 2", got=self.folds)
        check(self.zooms >= 0, "zooms", expected="a number from 0 on", got=self.zooms)
        got = "shared=False"
        check(self.attack.shared, "attack", expected="one patch for all photos", got=got)
        left, top, right, bottom = self.spot
        good = left < right and top < bottom
        check(good, "spot", expected="x1 < x2 and y1 < y2, as shares of the box", got=self.spot)

    @property
    def area_pct(self) -> float:
        """How much of each box the patch covers, in per cent."""
        left, top, right, bottom = self.spot
        return 100 * (right - left) * (bottom - top)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Patches (1,3,h,w), one a fold; `fold` (n,) says which of them never saw a photo."""

    patches: tuple[Tensor, ...]
    fold: Tensor
    seconds: float


@dataclass(frozen=True, eq=False)
class Crossed:
    """In which of n photos the objective is met: bare, by the patch, by controls of it.

    Each (n,) bool, with the photo's group (n,). Rates and differences are of the photos in which
    the bare thing does not meet it.
    """

    clean: Tensor
    success: Tensor
    controls: dict[str, Tensor]
    groups: Tensor
    seed: int

    def rate(self, control: str | None = None) -> Rate:
        """Return how often the patch, or a control, succeeds; bootstrapped over groups."""
        hits = self.success if control is None else self.controls[control]
        return self._rate(hits, ~self.clean)

    def beyond(self, *names: str) -> Rate | None:
        """Return how often the patch succeeds where these controls do not; None for no photo."""
        left = ~self.clean
        for name in names:
            left = left & ~self.controls[name]
        return self._rate(self.success, left) if bool(left.any()) else None

    def against(self, control: str) -> Paired:
        """Compare the patch with a control, photo by photo."""
        left, rng = ~self.clean, generator(spawn(self.seed, "paired", control))
        one, other = self.success[left], self.controls[control][left]
        return paired(one, other, self.groups[left], rng)

    def _rate(self, hits: Tensor, rows: Tensor) -> Rate:
        return rate(hits[rows], {"group": self.groups[rows]}, self.seed, by="group")


def folds_of(groups: Tensor, folds: int, seed: int) -> Tensor:
    """Return the fold (n,) of each photo: groups stay whole, and folds get about as many photos.

    Groups go, large ones first and equal ones in random order, to the fold with the fewest photos.
    """
    ids, index = groups.unique(return_inverse=True)
    check(len(ids) >= folds, "folds", expected=f"at most one a group ({len(ids)})", got=folds)
    count, held, of = index.bincount(), [0] * folds, torch.zeros(len(ids), dtype=torch.long)
    order = torch.randperm(len(ids), generator=generator(spawn(seed, "folds")))
    for group in sorted(order.tolist(), key=lambda one: -int(count[one])):
        fold = held.index(min(held))
        of[group] = fold
        held[fold] += int(count[group])
    return of[index]


def cross_fit(
    victim: Victim,
    photos: Boxed,
    objective: Objective,
    fit: CrossFit,
    *,
    seed: int = 0,
    tick: Tick = lambda _: None,
) -> Fitted:
    """Search a patch for each fold on the photos of the others; of these, where something is to do.

    `victim` may be an ensemble, and need not be the one that the patches are judged on. Raises
    `UserError` where every photo of a fold's others meets the objective without a patch.
    """
    begun, fold = perf_counter(), folds_of(photos.groups, fit.folds, seed)
    clean = met(victim, photos, photos.images, objective)
    got = f"{int((~clean).sum())} of {len(photos)}"
    expected = f"photos on which {victim.name} does not meet the objective anyway, in every fold"
    patches = []
    for one in range(fit.folds):
        tick(f"fold {one + 1} of {fit.folds}")
        known = photos.take(((fold != one) & ~clean).nonzero()[:, 0])
        check(len(known) > 0, "photos", expected=expected, got=got, fix=REPORTED)
        patches.append(_patch(victim, known, objective, fit, spawn(seed, "fold", one)))
    return Fitted(tuple(patches), fold, perf_counter() - begun)


def judge_crossed(
    victim: Victim,
    photos: Boxed,
    objective: Objective,
    fit: CrossFit,
    fitted: Fitted,
    *,
    seed: int = 0,
) -> Crossed:
    """Judge every photo once, in 8 bits, under the patch that never saw it and under controls.

    The photos are those of `cross_fit`, in this victim's size if need be; one realisation of each
    control a fold (see `physadv.patch.controls`).
    """
    clean = met(victim, photos, photos.images, objective)
    expected = f"a photo on which {victim.name} does not meet the objective anyway"
    got = f"{int((~clean).sum())} of {len(photos)}"
    check(not bool(clean.all()), "photos", expected=expected, got=got, fix=REPORTED)
    rng = generator(spawn(seed, "controls"))
    every = [controls(p[0], torch.ones(p.shape[2:], dtype=torch.bool), rng) for p in fitted.patches]
    shown = {"patch": list(fitted.patches)}
    shown |= {name: [found[name][None] for found in every] for name in every[0]}
    hits = {
        name: _judged(victim, photos, objective, (fit, fitted.fold, patches))
        for name, patches in shown.items()
    }
    return Crossed(clean, hits.pop("patch"), hits, photos.groups, seed)


@torch.no_grad()
def met(victim: Victim, photos: Boxed, images: Tensor, objective: Objective) -> Tensor:
    """Return in which images (n,3,h,w) of the photos the objective is met, in 8 bits, (n,)."""
    found = []
    for rows in torch.arange(len(photos)).split(PART):
        photo = photos.take(rows).photo(quantise(images[rows]))
        found.append(objective.success(victim(photo.pixels), photo).cpu())
    return torch.cat(found)


def _patch(victim: Victim, known: Boxed, objective: Objective, fit: CrossFit, seed: int) -> Tensor:
    """Return a patch (1,3,h,w) for known photos, in several framings of each."""
    framed = [known]
    for k in range(fit.zooms):
        one = zoomed(known, spawn(seed, "zoom", k))
        framed.append(one.take((~met(victim, one, one.images, objective)).nonzero()[:, 0]))
    every = Boxed(
        Encoded(torch.cat([one.images for one in framed])),
        torch.cat([one.boxes for one in framed]),
        torch.cat([one.groups for one in framed]),
    )
    rows = every.rows(fit.spot)
    return fit.attack.search(victim, every.images, objective, rows=rows, seed=seed)


def _judged(
    victim: Victim,
    photos: Boxed,
    objective: Objective,
    laid: tuple[CrossFit, Tensor, Sequence[Tensor]],
) -> Tensor:
    """Return in which photos the objective is met with a patch of each fold, (n,) bool."""
    fit, fold, patches = laid
    rows, images = photos.rows(fit.spot), photos.images.clone()
    for one, patch in enumerate(patches):
        mine = fold == one
        images[mine] = fit.attack.laid(Encoded(photos.images[mine]), patch, rows.take(mine))
    return met(victim, photos, images, objective)
