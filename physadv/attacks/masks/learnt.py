"""Learnt rectangles: place, size and turn of k one-coloured rectangles by gradient, then a mask."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.attacks.gradient import BLACK_BOX, Gradient
from physadv.attacks.masks.saliency import saliency, white_succeeds
from physadv.attacks.masks.settle import SAFE, Rectangle, settled
from physadv.core import Answer, Face, Ink, Photo, UserError, check, generator, spawn
from physadv.core.check import at_least_one
from physadv.objectives import Objective
from physadv.patch import Bars, FewInks, Limits, Mask, apart_mm, on_cells, pack
from physadv.problem import Problem
from physadv.victims import check_gradients

COVERED = 50.0
"""The loss of covering all of the letters beyond what is allowed."""
PACKED = 24
"""Photos that the first start is packed by."""
FIELD = 0.5
FILLED = 0.995
"""Of the area allowed, what rectangles may fill."""


@dataclass(frozen=True)
class Learning:
    """How rectangles are learnt: from `starts` places, `steps` steps each by `Gradient`.

    The first start is what is packed by the victim's gradient, the others are drawn; the one of
    the least loss on `held_out` conditions, once its rectangles are settled, is kept. Those whose
    rectangles fail in plain white come first: a success that a control shares is none.
    """

    starts: int = 3
    steps: int = 60
    batch: int = 12
    held_out: int = 36
    rate: float = 0.03

    def __post_init__(self) -> None:
        """Refuse a budget of nothing."""
        at_least_one(self, "starts", "steps", "batch", "held_out")


Tick = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Learnt:
    """The rectangles, their loss with one colour each, that of every start, and the pictures."""

    mask: Mask
    loss: float
    losses: tuple[float, ...]
    queries: int


def learn(
    problem: Problem, face: Face, limits: Limits, *, seed: int, how: Learning = Learning()
) -> Learnt:
    """Learn rectangles for `problem`, whose patch tells the kind alone, within the limits.

    They may be turned, and lie in the largest circle about the frame's middle that the field
    holds; then they are moved apart, into the field and off the letters as far as they have to
    be (`settled`). With inks they are learnt black and white. Raises `UserError` for a black box
    and where not one rectangle of the least size fits.
    """
    check_gradients(problem.victim, BLACK_BOX)
    movable = _movable(problem, face, limits)
    wanted = replace(problem, objective=problem.objective + COVERED * _off_letters(face, limits))
    first = _first(movable, problem, face, limits, seed)
    held = problem.draw(how.held_out, generator(spawn(seed, "masks", "held out")))
    found: list[tuple[bool, float, Mask]] = []
    for start in range(how.starts):
        begun = replace(movable, begin=first if start == 0 else None)
        trial = replace(wanted, patch=begun)
        settings = Gradient(how.steps, how.batch, how.rate)
        walk = settings.walk(trial, generator(spawn(seed, "masks", "learnt", start)))
        for _ in range(how.steps):
            walk.advance()
        theta, mask = movable.settled(movable.project(walk.mean), face, limits)
        loss, alone = torch.inf, True
        if len(theta):
            with torch.no_grad():
                loss = float(replace(problem, patch=movable).evaluate(theta, held).loss.mean())
            alone = white_succeeds(problem, mask, held)
        found.append((alone, loss, mask))
    _, loss, mask = min(found, key=lambda one: one[:2])
    check(
        bool(mask.pieces_mm), "min-mm", expected=f"rectangles that fit on {face.name}", got="none"
    )
    took = PACKED + how.starts * (how.steps * how.batch + 2 * how.held_out)
    return Learnt(mask, loss, tuple(one for _, one, _ in found), took)


@dataclass(frozen=True, eq=False)
class _Movable(Bars):
    """Bars that begin where they are told; with `mirror` each has its image beside it."""

    mirror: bool = False
    begin: Tensor | None = None

    def start(self, rng: torch.Generator) -> Tensor:
        """Return the given beginning, or bars anywhere."""
        return super().start(rng) if self.begin is None else self.project(self.begin)

    def project(self, theta: Tensor) -> Tensor:
        """Return bars that keep the limits, those to be mirrored in the left half."""
        theta = super().project(theta)
        left = theta[:, :1].clamp_max(0.5)
        return torch.cat([left, theta[:, 1:]], dim=1) if self.mirror else theta

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink of the bars and, where they are wanted, of their images."""
        return super().touch(torch.cat([theta, _image(theta)]) if self.mirror else theta, width_px)

    def rectangles(self, theta: Tensor) -> list[Rectangle]:
        """Return where the bars lie on the frame."""
        middle, half, turn, _ = self._parts(theta.double())
        middle = middle + torch.tensor([self.size_mm[1] / 2, self.size_mm[0] / 2])
        rows = torch.cat([middle, 2 * half, turn[:, None]], dim=1).tolist()
        return [Rectangle(*row) for row in rows]

    def settled(self, theta: Tensor, face: Face, limits: Limits) -> tuple[Tensor, Mask]:
        """Return the bars (j,8) that found a free place, and their contours."""
        places = settled(self.rectangles(theta), face, limits)
        kept = [k for k, one in enumerate(places) if one is not None]
        shapes = [one for one in places if one is not None]
        both = [one.mirrored(face.size_mm[1]) for one in shapes] if self.mirror else []
        mask = Mask(face.size_mm, tuple(one.contour for one in (*shapes, *both)))
        numbers = self.numbers(shapes)
        return torch.cat([numbers, theta[kept][:, 4:]], dim=1), mask

    def numbers(self, shapes: list[Rectangle]) -> Tensor:
        """Return the first four of theta's numbers for rectangles, (k,4)."""
        rows = [(one.x_mm, one.y_mm, one.long_mm, one.wide_mm) for one in shapes]
        x, y, long, wide = torch.tensor(rows).reshape(-1, 4).unbind(1)
        middle = [(x - self.size_mm[1] / 2, y - self.size_mm[0] / 2)]
        place = [one / (2 * self.reach_mm) + 0.5 for one in middle[0]]
        size = [(one - self.min_mm) / (self.most_mm - self.min_mm) for one in (long, wide)]
        return torch.stack([*place, *size], dim=1)


def _image(theta: Tensor) -> Tensor:
    """Return bars in the mirror: x and the turn the other way round."""
    other = 1 - theta[:, [0, 4]]
    return torch.cat([other[:, :1], theta[:, 1:4], other[:, 1:], theta[:, 5:]], dim=1)


def _movable(problem: Problem, face: Face, limits: Limits) -> _Movable:
    """Return as many bars as the limits' area holds at their least size."""
    area = FILLED * face.area_mm2 * limits.area_pct / 100
    share = 2 if limits.symmetric else 1
    least = limits.min_mm**2
    count = min(limits.pieces // share, int(area / share / least))
    wanted = f"room for {share} of {limits.min_mm:g} mm in {limits.area_pct:g} %"
    fix = "allow a larger area, smaller pieces or more of them"
    check(count >= 1, "pieces", expected=wanted, got=limits.pieces, fix=fix)
    reach, grey = _reach_mm(face), isinstance(problem.patch, FewInks)
    most = max(0.9 * reach, 1.01 * limits.min_mm)
    return _Movable(
        face.size_mm, reach, area / share, count, limits.min_mm, most, grey, limits.symmetric
    )


def _reach_mm(face: Face) -> float:
    """Return the radius of the largest circle about the frame's middle inside the field."""
    closed = (face.field[0, 0] < FIELD).nonzero()
    (height, width), shape = face.size_mm, face.field.shape[-2:]
    pixel = torch.tensor([height / shape[0], width / shape[1]])
    apart = (closed + 0.5) * pixel - torch.tensor(face.size_mm) / 2
    nearest = float(apart.norm(dim=1).min()) if len(closed) else float("inf")
    return min(nearest, height / 2, width / 2)


def _first(movable: _Movable, problem: Problem, face: Face, limits: Limits, seed: int) -> Tensor:
    """Return bars where the gradient's packing has pieces (of the left half, where mirrored)."""
    seen = on_cells(face, limits, saliency(problem, face, seed, PACKED))
    boxes = [np.array(piece) for piece in pack(face, seen, limits, on_legend=True).pieces_mm]
    shapes = [_standing(box) for box in boxes]
    if movable.mirror:
        shapes = [one for one in shapes if one.x_mm < face.size_mm[1] / 2]
    drawn = movable.start(generator(spawn(seed, "masks", "first")))
    shapes = shapes[: movable.count]
    drawn[: len(shapes), :4] = movable.numbers(shapes)
    drawn[: len(shapes), 4] = 0.5
    return drawn


def _standing(box: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Rectangle:
    """Return an upright box as a rectangle turned by a right angle, from where both ways go on."""
    (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
    x, y, turn = (left + right) / 2, (top + bottom) / 2, np.pi / 2
    return Rectangle(*map(float, (x, y, bottom - top, right - left, turn)))


def _off_letters(face: Face, limits: Limits) -> Objective:
    """Return the loss of covering more of the letters, and of what is near them, than allowed."""
    zone, allowed = face.legend, SAFE * limits.legend_pct / 100
    if limits.away_mm > 0:
        zone, allowed = (apart_mm(face) < limits.away_mm).float(), 0.0
    if limits.allow_legend:
        allowed = 1.0
    return Objective(((1.0, partial(_beyond, zone / zone.sum().clamp_min(1e-12), allowed)),))


def _beyond(zone: Tensor, allowed: float, answer: Answer, photo: Photo) -> Tensor:
    if photo.ink is None:
        raise UserError("world", expected="one whose photos tell their ink", got="none")
    cover = F.interpolate(photo.ink.cover, zone.shape[-2:], mode="bilinear", align_corners=False)
    return ((cover * zone.to(cover)).sum() - allowed).clamp_min(0).expand(len(answer.scores))
