"""Presets: drawn within their spans, read by the bundled recogniser, and bounded where they end."""

from dataclasses import replace
from functools import lru_cache
from math import inf, isinf

import pytest
import torch
from torch import Tensor

from physadv.core import Choice, Span, draw, generator, widened, with_value
from physadv.evaluation import success_grid, sweep
from physadv.objectives import untargeted
from physadv.patch import Mask, Pixels
from physadv.presets import ANY, BOUNDS, NAMES, PRESETS, settings, world
from physadv.problem import Problem
from physadv.scene import Fog, StreetScene, sign
from physadv.victims import Victim, load_victim
from physadv.world import World
from tests.victims import LinearVictim
from tests.worlds import CALM, plain_street, two_bars

SIZE, STOP, ROWS = (24, 24), 14, 40
SETTINGS = settings(PRESETS["drive_by"])
FREE = [name for name in BOUNDS if name.startswith(("scene.", "camera."))]


@lru_cache
def victim() -> Victim:
    return load_victim("bundled")


def made(name: str) -> World:
    return world(name, StreetScene(sign("stop")), label=STOP)


def problem(where: World, seen_by: LinearVictim) -> Problem:
    return Problem(seen_by, untargeted(), Pixels(Mask((900.0, 900.0), ())), where)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_drawn_is_within_its_span(name: str) -> None:
    trial = made(name)
    given = trial.draw(200, generator(3))
    for one, varying in trial.declared().items():
        values = given[one]
        assert values.shape == (200,)
        if isinstance(varying, Span):  # members of a union may rest where the others vary
            free = values[values != varying.neutral]
            slack = 1e-6 * max(abs(varying.low), abs(varying.high)) if varying.high < inf else 0
            assert bool((free >= varying.low - slack).all())
            assert bool((free <= varying.high + slack).all())
        elif isinstance(varying, Choice):
            assert set(values.tolist()) <= set(varying.options)


@pytest.mark.parametrize("name", NAMES)
def test_photographs_are_finite_and_have_gradients(name: str) -> None:
    trial, patch = made(name), Pixels(two_bars(), 50.0)
    theta = patch.start(generator(0)).requires_grad_()
    photo = trial.photograph(patch.touch(theta), trial.draw(4, generator(1)), SIZE)
    (slope,) = torch.autograd.grad(photo.pixels.sum(), theta)
    assert bool(photo.pixels.isfinite().all())
    assert bool(slope.isfinite().all())
    assert float(slope.abs().sum()) > 0


@pytest.mark.parametrize("name", PRESETS)
def test_the_bare_sign_is_read(name: str) -> None:
    """At least 80 % of judged photos: a world in which nothing is read says nothing of stickers."""
    trial = made(name)
    with torch.no_grad():
        given = trial.draw(ROWS, generator(5))
        photo = trial.photograph(None, given, victim().size_px, hardly=True)
        answer = victim()(photo.pixels).best
    assert float((answer == STOP).float().mean()) >= 0.8


def test_a_union_draws_from_all_its_members() -> None:
    """Each row is one member's: a member's own share of rows fits it alone, about 1 in 7."""
    given = made(ANY).draw(700, generator(0))
    signs = {
        "night": given["scene.headlamps.level_ratio"] > 0,
        "rain": given["camera.rain.rate_ratio"] > 0,
        "phone": given["camera.shake.path_px"] > 0,
        "dashcam": given["camera.mosaic.which"] >= 0,
        "drive_by or dashcam": given["camera.rolling_shutter.row_time_s"] > 0,
        "lab": given["camera.framing.margin_ratio"] > 0,
    }
    counts = {name: int(rows.sum()) for name, rows in signs.items()}
    for name in ("night", "rain", "phone", "dashcam"):
        assert 60 < counts[name] < 145, counts
    assert 150 < counts["drive_by or dashcam"] < 250
    together = signs["night"].int() + signs["rain"].int() + signs["phone"].int()
    assert int((together + signs["dashcam"].int()).max()) == 1


def test_every_setting_has_bounds_that_hold_the_presets() -> None:
    numbers = {name for name, value in SETTINGS.items() if not isinstance(value, bool | str)}
    assert set(BOUNDS) == numbers
    for preset in PRESETS.values():
        for name, value in settings(preset).items():
            if name in BOUNDS:
                low, high = BOUNDS[name]
                held = ends(value)
                assert low <= min(held), name
                assert max(held) <= high, name


def ends(value: object) -> list[float]:
    if isinstance(value, Span):
        return [value.low, value.high]
    return list(value.options) if isinstance(value, Choice) else [float(str(value))]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_signs_level_with_the_camera(name: str) -> None:
    """They were frozen without a height: it takes no chance, so all else is drawn as before."""
    names = made(name).declared()
    assert names["scene.pose.height_m"].idle
    rest = {one: varying for one, varying in names.items() if one != "scene.pose.height_m"}
    given, without = made(name).draw(5, generator(4)), draw(rest, 5, generator(4))
    assert all(torch.equal(given[one], without[one]) for one in rest)


def set_to(trial: World, name: str, end: float) -> World:
    value = SETTINGS[name]
    if name == "scene.pose.height_m":  # a pose checks that it is less than the distance
        trial = with_value(trial, "scene.pose.distance_m", Span(25.0, 30.0))
    if isinstance(value, Span):
        return with_value(trial, name, Span.at(end, value.neutral))
    fixed = Choice((end,), value.neutral) if isinstance(value, Choice) else end
    return with_value(trial, name, fixed)


BENT = {name for name in FREE if name.startswith(("camera.lens.", "camera.sensor."))}
"""What a camera checks itself, both together."""


@pytest.mark.parametrize("name", sorted(set(FREE) - BENT))
def test_effects_bear_what_the_bounds_allow(name: str) -> None:
    """At both ends, in a calm world in which the effect alone is as it is by itself."""
    part, effect, _ = name.split(".")
    calm = World(plain_street(), camera=CALM)
    own = type(getattr(getattr(calm, part), effect))()
    base = with_value(calm, f"{part}.{effect}", own)
    patch = Pixels(two_bars(), 50.0)
    theta = patch.start(generator(0)).requires_grad_()
    for end in (one for one in BOUNDS[name] if not isinf(one)):
        trial = set_to(base, name, end)
        photo = trial.photograph(patch.touch(theta), trial.draw(2, generator(2)), (16, 16))
        (slope,) = torch.autograd.grad(photo.pixels.sum(), theta)
        assert bool(photo.pixels.isfinite().all())
        assert bool(slope.isfinite().all())


def lightness(level: float) -> LinearVictim:
    """Return a victim that answers 1 where the mean of a picture is above a level, else 0."""
    weight = torch.stack([torch.zeros(3, 1, 1), torch.full((3, 1, 1), 1 / 3)])
    return LinearVictim(weight, torch.tensor([0.0, -level]))


def test_a_grid_shows_fog_where_the_world_has_none() -> None:
    """Koschmieder by hand: at 4 m and a visibility of 1 m a share 0.05 ** 4 of the sign is left.

    What is seen is then the airlight, 0.8 of white, encoded 0.906; through 1 km the sign's own.
    """
    near = replace(plain_street().pose, distance_m=Span.at(4.0))
    trial = World(replace(plain_street(), pose=near), camera=CALM, label=0)
    assert trial.declared()["scene.fog.visibility_m"].idle
    seen_by = lightness(0.85)
    found = success_grid(
        problem(trial, seen_by), None, {"scene.fog.visibility_m": (1.0, 1000.0)}, each=6, seed=0
    )
    assert [rate.hits for rate in found.rates] == [6, 0]
    by_hand = with_value(trial, "scene.fog", Fog(Span.at(6.0), STILL_AIR, Span.at(60.0)))
    swept = sweep(problem(trial, seen_by), None, "scene.fog.visibility_m", (6.0,))
    wanted = sweep(problem(by_hand, seen_by), None, "scene.fog.visibility_m", (6.0,))
    assert torch.equal(swept.pictures, wanted.pictures)


STILL_AIR = Span.at(0.8, 0.8)
IDLE_SOMEWHERE = {
    "scene.fog.visibility_m": (3.0, 1000.0),
    "camera.rain.rate_ratio": (0.0, 1.0),
    "camera.shake.path_px": (0.0, 30.0),
    "scene.occlusion.cover_ratio": (0.0, 0.9),
    "scene.headlamps.ambient_ev": (-9.0, 0.0),
}


@pytest.mark.parametrize("name", IDLE_SOMEWHERE)
def test_a_column_over_a_union_acts_in_every_row(name: str) -> None:
    """Effects idle in some members, or in all, act on each row once a value is set for it."""
    values = IDLE_SOMEWHERE[name]
    trial = widened(made(ANY), name, values)
    given = trial.draw(12, generator(2))
    low, high = (look(trial, given | {name: torch.full((12,), value)}) for value in values)
    assert float((low - high).abs().amax(dim=(1, 2, 3)).min()) > SEEN
    swept = sweep(problem(made(ANY), lightness(0.5)), None, name, values).pictures
    assert float((swept[0] - swept[1]).abs().max()) > SEEN


SEEN = 1 / 255
"""More than this is seen; all else being equal, what does not act changes nothing at all."""


def look(trial: World, given: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        return trial.photograph(None, given, SIZE).pixels
