"""Sweeps: light doubles with each stop, what rests rests, ranges are read, pictures are kept."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from physadv.core import Choice, Linear, Seed, Span, UserError, encode, with_value
from physadv.evaluation import said, shots, success_grid, sweep, sweep_values
from physadv.evaluation.sweep import middle, spread
from physadv.objectives import untargeted
from physadv.output import Strip, contact_sheet_image
from physadv.patch import Mask, Pixels
from physadv.presets import world
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from physadv.world import World
from tests.victims import linear_victim
from tests.worlds import CALM, plain_street


@dataclass(frozen=True)
class Fixed:
    """An effect that allows one value only."""

    gamma_ratio: Span = Span.at(1.0)


def problem(where: World) -> Problem:
    return Problem(linear_victim(), untargeted(), Pixels(Mask((900.0, 900.0), ())), where)


def calm() -> Problem:
    """Return an even street before a camera that does nothing."""
    return problem(World(plain_street(), camera=CALM))


def street() -> Problem:
    return problem(world("street", StreetScene(sign("stop"))))


def resting(trial: Problem) -> dict[str, Tensor]:
    return {name: torch.tensor([middle(one)]) for name, one in trial.declared().items()}


def test_a_sweep_of_exposure_is_exposure() -> None:
    """On an even grey: light doubles with each stop (sRGB of IEC 61966-2-1), other things rest."""
    sheet = sweep(calm(), None, "camera.exposure.gain_ev", (-2.0, -1.0, 0.0, 1.0))
    grey = sheet.pictures[:, :, :6, :6].mean(dim=(1, 2, 3))
    light = torch.tensor([0.3 / 4, 0.3 / 2, 0.3, 0.6])
    wanted = encode(Linear(light[:, None, None, None].expand(-1, 3, 1, 1)))[:, 0, 0, 0]
    torch.testing.assert_close(grey, wanted, atol=0.01, rtol=0)
    assert sheet.captions == ("\N{MINUS SIGN}2 EV", "\N{MINUS SIGN}1 EV", "0 EV", "+1 EV")


def test_an_effect_that_rests_in_the_world_can_be_swept() -> None:
    trial = calm()
    name, values = sweep_values(trial, "camera.defocus.blur_px", 3)
    assert (name, values) == ("camera.defocus.blur_px", (0.0, 0.75, 1.5))
    sheet = sweep(trial, None, name, (0.0, 6.0))
    still = shots(trial, None, resting(trial), ("",))
    assert torch.equal(sheet.pictures[0], still.pictures[0])
    assert float((sheet.pictures[1] - sheet.pictures[0]).abs().max()) > 0.2


def test_what_is_held_is_held() -> None:
    free = sweep(calm(), None, "camera.exposure.gain_ev", (0.0,))
    near = sweep(calm(), None, "camera.exposure.gain_ev", (0.0,), at={"scene.pose.yaw_deg": 60.0})
    alone = sweep(calm(), None, "scene.pose.yaw_deg", (60.0,))
    assert torch.equal(near.pictures, alone.pictures)
    assert not torch.equal(near.pictures, free.pictures)


RANGES = {
    "scene.pose.yaw_deg=-60..60": (-60.0, 0.0, 60.0),
    "scene.pose.yaw_deg": (-40.0, 0.0, 40.0),
    "scene.pose.yaw_deg=5": (5.0,),
    "scene.pose.yaw_deg=5,-7": (5.0, -7.0),
    "scene.background.which": (0.0, 1.0, 2.0),
    "camera.noise.seed": (0.0, 1.0, 2.0),
}


def test_ranges_are_read() -> None:
    assert {text: sweep_values(street(), text, 3)[1] for text in RANGES} == RANGES


HEIGHT = "scene.pose.height_m"


def test_height_rests_by_itself_and_can_be_swept() -> None:
    trial = street()
    assert sweep_values(trial, HEIGHT, 3) == (HEIGHT, (0.0, 2.5, 5.0))
    swept = sweep(trial, None, HEIGHT, (0.0, -3.0, 3.0)).pictures
    still = shots(trial, None, resting(trial), ("",))
    assert torch.equal(swept[0], still.pictures[0])
    tilt = math.degrees(math.asin(3 / 11.5))
    turned = sweep(trial, None, "scene.pose.pitch_deg", (tilt, -tilt)).pictures
    torch.testing.assert_close(swept[1:], turned, atol=2 / 255, rtol=0)


def test_a_sweep_asks_the_distance_of_each_picture_not_of_the_world() -> None:
    near, far = {"scene.pose.distance_m": 4.0}, {"scene.pose.distance_m": 9.0}
    assert len(sweep(street(), None, HEIGHT, (0.0, 5.0), at=far).pictures) == 2
    with pytest.raises(UserError, match="got 5 m at a distance of 4 m"):
        sweep(street(), None, HEIGHT, (0.0, 5.0), at=near)


def test_a_grid_of_heights_is_refused_before_any_work() -> None:
    trial = problem(replace(street().world, label=0))
    axes = {HEIGHT: (-5.0, 0.0), "scene.pose.distance_m": (6.0, 9.0)}
    assert len(success_grid(trial, None, axes, each=2, seed=0).rates) == 4
    with pytest.raises(
        UserError, match=r"^grid scene.pose.height_m: .*got -5 m at a distance of 3"
    ):
        success_grid(trial, None, {HEIGHT: (-5.0, 0.0)}, each=2, seed=0)


def test_a_fixed_condition_wants_a_range() -> None:
    trial = calm()
    fixed = replace(trial, world=with_value(trial.world, "camera.tone", Fixed()))
    with pytest.raises(UserError, match="give a range: camera"):
        sweep_values(fixed, "camera.tone.gamma_ratio", 3)
    name = "camera.tone.gamma_ratio"
    assert sweep_values(fixed, name + "=1..2", 3) == (name, (1.0, 1.5, 2.0))


def test_values_spread_evenly_also_in_the_logarithm() -> None:
    assert spread(Span(1.0, 100.0, log=True), 3) == pytest.approx((1.0, 10.0, 100.0))
    assert spread(Span(-1.0, 1.0), 5) == pytest.approx((-1.0, -0.5, 0.0, 0.5, 1.0))
    assert spread(Choice((3.0, 1.0, 2.0)), 2) == (3.0, 1.0)
    assert middle(Span(1.0, 100.0, log=True)) == pytest.approx(10.0)
    assert middle(Span(2.0, 4.0, neutral=0.0)) == 3.0
    assert middle(Span(-2.0, 4.0, neutral=0.0)) == 0.0
    assert middle(Seed()) == middle(Choice((0.0, 1.0))) == 0.0


def test_values_are_said_with_their_units() -> None:
    told = {
        "a.gain_ev": "+0.3 EV",
        "a.yaw_deg": "+0.3°",
        "a.distance_m": "0.3 m",
        "a.speed_m_per_s": "0.3 m/s",
        "a.bend_mm": "0.3 mm",
        "a.share_ratio": "0.3",
    }
    assert {name: said(name, 0.3) for name in told} == told
    assert said("a.temperature_k", 6500.0) == "6,500 K"
    assert said("a.visibility_m", float("inf")) == "\N{INFINITY} m"


def test_pictures_are_pasted_as_they_are() -> None:
    pictures = torch.rand(9, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    strip = Strip("x", pictures, [str(i) for i in range(9)], ["a long answer indeed"] * 9)
    sheet = np.asarray(contact_sheet_image("", [strip])).astype(int)
    whole = (pictures * 255).round().permute(0, 2, 3, 1).numpy().astype(int)[:, 1:-1, 1:-1]
    for picture in whole:
        rows, columns = np.nonzero((sheet == picture[0, 0]).all(axis=2))
        places = [
            (y, x)
            for y, x in zip(rows, columns, strict=True)
            if np.array_equal(sheet[y : y + 18, x : x + 28], picture)
        ]
        assert len(places) == 1
