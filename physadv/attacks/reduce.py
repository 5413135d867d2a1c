"""Where stickers lie, found by answers alone: GRAPHITE's heat map and mask reduction."""

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.attacks.asked import Asked, Budget
from physadv.attacks.graphite import sign_pictures
from physadv.attacks.placement import Placement, Tick
from physadv.core import Conditions, Face, UserError, check, generator, spawn
from physadv.patch import Limits, Mask, Pixels, check_mask, measure, rectangle
from physadv.patch.layouts import SAFE
from physadv.problem import Problem

MASK_BUDGET = Budget(queries=3500)
TILE_MM = 75.0
ACCEPT = 0.5
"""Coarse: the hottest tiles that together still fail in at most this share of the conditions."""
WEIGHT = 5.0
"""Fine: what the share of the face weighs beside failing; raised by itself until limits hold."""


@dataclass(frozen=True, eq=False)
class _Ground:
    """The tiles of a face: their boxes (x, y, w, h) in mm, areas and legend in per cent."""

    boxes: list[tuple[float, float, float, float]]
    cells: list[tuple[int, int]]
    area: Tensor
    legend: Tensor


def graphite_mask(
    problem: Problem,
    face: Face,
    limits: Limits,
    *,
    seed: int,
    budget: Budget = MASK_BUDGET,
    tick: Tick = lambda *_: None,
) -> Placement:
    """Choose tiles within the limits for `problem`, whose own patch does not matter.

    Covers the face with the sign's picture that fools the victim most, and measures how much is
    lost without each tile (the heat map). Keeps the shortest list of the hottest tiles that still
    succeeds in half of the conditions (coarse, by bisection), then takes tiles off, the coolest
    first, where loss and area together fall (fine), until the limits hold; where the queries run
    out, the coolest go unasked. `tick` is told each stage and its loss. Costs at most
    `budget.queries`, told in the placement.

    Raises `UserError` where no tile fits the limits, or the budget is smaller than a heat map.
    """
    search = _Reduction(problem, face, limits, budget, seed)
    search.begin()
    tick("heat map", search.loss)
    kept = search.coarse()
    tick("coarse", search.loss)
    kept = search.fine(kept)
    tick("fine", search.loss)
    mask = search.outlined(kept)
    check_mask(mask, face, limits)
    losses = {f"with {search.picture}": round(search.loss, 3)}
    return Placement(mask, "graphite", losses, search.asked.spent)


class _Reduction:
    """The tiles, their heat, and the conditions that all are judged under."""

    def __init__(
        self, problem: Problem, face: Face, limits: Limits, budget: Budget, seed: int
    ) -> None:
        self.face, self.limits = face, limits
        self.asked = Asked(problem, budget)
        self.ground = _tiles(face, limits)
        self.batch = min(8, budget.queries // (2 * (len(self.ground.boxes) + 20)))
        least = 2 * (len(self.ground.boxes) + 20)
        expected = f"at least {least}: two pictures for each tile"
        check(self.batch >= 1, "queries", expected=expected, got=budget.queries)
        rng = generator(spawn(seed, "placement", "graphite"))
        self.given: Conditions = problem.draw(self.batch, rng)
        self.picture, self.loss = "", float("inf")
        self.heat = torch.zeros(len(self.ground.boxes))
        self.theta, self.worst = torch.zeros(0), 0.0

    @property
    def _everything(self) -> list[int]:
        return list(range(len(self.ground.boxes)))

    def begin(self) -> None:
        """Choose the picture, then measure each tile's heat."""
        size = Pixels(Mask(self.face.size_mm, ())).shape[1:]
        for name, picture in sign_pictures().items():
            theta = F.adaptive_avg_pool2d(picture[None], size)[0]
            loss, _ = self._seen(self._everything, theta)
            self.worst = max(self.worst, loss)
            if loss < self.loss:
                self.loss, self.theta, self.picture = loss, theta, name
        for k in self._everything:
            self.heat[k] = self._seen([j for j in self._everything if j != k])[0] - self.loss

    def coarse(self) -> list[int]:
        """Return the shortest list of the hottest tiles that still succeeds often enough."""
        order = self.heat.argsort(descending=True).tolist()
        low, high = 1, len(order)
        while low < high:
            middle = (low + high) // 2
            _, failing = self._seen(order[:middle])
            low, high = (low, middle) if failing <= ACCEPT else (middle + 1, high)
        self.loss = self._seen(order[:low])[0]
        kept: list[int] = order[:low]
        return kept

    def fine(self, kept: list[int]) -> list[int]:
        """Take tiles off while that pays, ever more readily until the area fits."""
        weight = WEIGHT
        while not self._fits(kept):
            for tile in sorted(kept, key=lambda k: float(self.heat[k])):
                if self._fits(kept) or self.asked.budget.queries - self.asked.spent < self.batch:
                    return self._coolest_off(kept)
                fewer = [k for k in kept if k != tile]
                loss = self._seen(fewer)[0]
                gain = weight * float(self.ground.area[tile]) / 100
                if (loss - self.loss) / self._scale() < gain:
                    kept, self.loss = fewer, loss
            weight += WEIGHT
        return kept

    def _coolest_off(self, kept: list[int]) -> list[int]:
        kept = sorted(kept, key=lambda k: -float(self.heat[k]))
        while not self._fits(kept):
            kept = kept[:-1]
        return kept

    def _fits(self, kept: list[int]) -> bool:
        return float(self.ground.area[kept].sum()) <= self.limits.area_pct

    def _scale(self) -> float:
        """Return how far losses reach from the best picture to the worst: failing, so to speak."""
        return max(1e-6, self.worst - min(self.loss, self.worst))

    def trimmed(self, kept: list[int]) -> list[int]:
        """Take off what breaks the limits of legend and pieces, the coolest for what it costs."""
        legend = 100.0 if self.limits.allow_legend else SAFE * self.limits.legend_pct
        while float(self.ground.legend[kept].sum()) > legend:
            strokes = [k for k in kept if self.ground.legend[k] > 0]
            off = min(strokes, key=lambda k: float(self.heat[k] / self.ground.legend[k]))
            kept = [k for k in kept if k != off]
        pieces = _pieces([self.ground.cells[k] for k in kept])
        while len(pieces) > self.limits.pieces:
            cool = min(pieces, key=lambda one: sum(float(self.heat[kept[k]]) for k in one))
            kept = [k for j, k in enumerate(kept) if j not in cool]
            pieces = _pieces([self.ground.cells[k] for k in kept])
        if not kept:
            raise UserError(
                "area", expected="limits that leave a tile", got=f"{self.limits.area_pct:g} %"
            )
        return kept

    def outlined(self, kept: list[int]) -> Mask:
        """Return the tiles within all limits, those that touch as one piece: its outer contour.

        Where a hole inside a contour is filled by that, and the area too large, the coolest go.
        """
        kept = self.trimmed(kept)
        mask = self._drawn(kept)
        while measure(mask, self.face).area_pct > self.limits.area_pct and len(kept) > 1:
            kept = self.trimmed(sorted(kept, key=lambda k: float(self.heat[k]))[1:])
            mask = self._drawn(kept)
        return mask

    def _drawn(self, kept: list[int]) -> Mask:
        cells = [self.ground.cells[k] for k in kept]
        side = self.ground.boxes[0][2], self.ground.boxes[0][3]
        pieces = [_contour([cells[k] for k in one], side) for one in _pieces(cells)]
        return Mask(self.face.size_mm, tuple(sorted(pieces)))

    def _seen(self, kept: list[int], theta: Tensor | None = None) -> tuple[float, float]:
        """Return mean loss and share of failures with ink on some tiles alone."""
        mask = Mask(self.face.size_mm, tuple(rectangle(*self.ground.boxes[k]) for k in kept))
        asked = self.asked
        asked.problem = replace(asked.problem, patch=Pixels(mask))
        losses, success = asked.seen(self.theta if theta is None else theta, self.given)
        return float(losses.mean()), 1 - float(success.float().mean())


def _tiles(face: Face, limits: Limits) -> _Ground:
    """Cut the face into tiles that lie in the field."""
    height, width = face.size_mm
    side = max(TILE_MM, limits.min_mm)
    rows, columns = int(height // side), int(width // side)
    high, wide = height / rows, width / columns
    free = (F.adaptive_max_pool2d(1 - face.field, (rows, columns))[0, 0] <= 0.02).nonzero().tolist()
    strokes = F.adaptive_avg_pool2d(face.legend, (rows, columns))[0, 0]
    whole = face.area_mm2
    cells = [(int(y), int(x)) for y, x in free]
    if not cells:
        raise UserError("min-mm", expected="tiles that lie on the face", got=f"{side:g} mm")
    legend = torch.tensor([float(strokes[y, x]) for y, x in cells])
    return _Ground(
        [(x * wide, y * high, wide, high) for y, x in cells],
        cells,
        torch.full((len(cells),), 100 * high * wide / whole),
        100 * legend / max(float(strokes.sum()), 1e-12),
    )


def _pieces(cells: list[tuple[int, int]]) -> list[set[int]]:
    """Group the cells that share a side."""
    left, found = set(range(len(cells))), list[set[int]]()
    while left:
        one, edge = set[int](), [min(left)]
        while edge:
            k = edge.pop()
            if k in left:
                left.discard(k)
                one.add(k)
                y, x = cells[k]
                edge += [j for j in left if abs(cells[j][0] - y) + abs(cells[j][1] - x) == 1]
        found.append(one)
    return found


def _contour(
    cells: list[tuple[int, int]], side_mm: tuple[float, float]
) -> tuple[tuple[float, float], ...]:
    """Return the outer contour of cells that touch, corners (x, y) mm clockwise; holes are filled.

    Follows the sides that only one cell has, and turns right where two cells meet at a corner.
    """
    sides = set[tuple[tuple[int, int], tuple[int, int]]]()
    for y, x in cells:
        ring = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y)]
        sides |= set(pairwise(ring))
    sides = {(a, b) for a, b in sides if (b, a) not in sides}
    a, b = min(sides)  # leftmost, then uppermost: a side of the outer contour
    first, corners = (a, b), list[tuple[int, int]]()
    while True:
        (ax, ay), (bx, by) = a, b
        dx, dy = bx - ax, by - ay
        ahead = ((bx - dy, by + dx), (bx + dx, by + dy), (bx + dy, by - dx))  # right, on, left
        following = next(one for one in ahead if (b, one) in sides)
        if following != ahead[1]:
            corners.append(b)
        a, b = b, following
        if (a, b) == first:
            break
    return tuple((x * side_mm[0], y * side_mm[1]) for x, y in corners)
