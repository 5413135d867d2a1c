"""The contract of a camera's where-effects: what any effect that moves points must keep."""

import torch
from torch import Tensor

from physadv.core import Conditions, Sensor, Span, draw, generator, neutral, take
from physadv.core.warp import Shift, Warp
from physadv.testing.contract import hold, near, no_chance_from_outside
from physadv.testing.effect import ROWS, check_declaration, ends

SENSOR = Sensor()
ROUND_TRIP_PX = 0.05


def check_shift(effect: Shift) -> None:
    """Raise `ContractError` at the first clause of the contract that `effect` breaks.

    The declaration says all that varies, units in names; at neutral nothing moves; the same
    conditions give the same shifts and no global generator is used; a batch is its rows one by
    one; shifts are finite all over the picture and at the ends of every span, and what is moved
    can be moved back.
    """
    names = check_declaration(effect)
    hold(all(isinstance(one, Span) for one in names.values()), "where-effects vary by spans")
    still = float(effect.shift(_points(), neutral(names, ROWS), SENSOR).abs().max())
    hold(still == 0, "at neutral a where-effect moves nothing", still)
    given = draw(names, ROWS, generator(1))
    _check_pure(effect, given)
    for conditions in (given, *ends(names)):
        _check_way_back(effect, conditions)


def _check_pure(effect: Shift, given: Conditions) -> None:
    points, before = _points(), _points()
    with no_chance_from_outside("chance comes from conditions, not from a global generator"):
        one = effect.shift(points, given, SENSOR)
    hold(torch.equal(points, before), "the points are not written to")
    hold(one.shape == points.shape, "there is one shift a point", tuple(one.shape))
    rows = [slice(k, k + 1) for k in range(ROWS)]
    alone = [effect.shift(points[row], take(given, row), SENSOR) for row in rows]
    near(one, torch.cat(alone), "a batch is its rows one by one", 1e-4)


def _check_way_back(effect: Shift, given: Conditions) -> None:
    warp, points = Warp([(effect, given)], SENSOR), _points()
    found = warp.photo(warp.ideal(points))
    hold(bool(found.isfinite().all()), "shifts are finite")
    near(found, points, "what is moved can be moved back", ROUND_TRIP_PX)


def _points() -> Tensor:
    line = torch.linspace(0.02, 0.98, 9)
    y, x = torch.meshgrid(line * SENSOR.height_px, line * SENSOR.width_px, indexing="ij")
    return torch.stack([x, y], dim=-1).reshape(1, -1, 2).repeat(ROWS, 1, 1)
