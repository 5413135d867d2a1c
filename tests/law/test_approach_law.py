"""A drive: equal steps, OpenCV's camera on a straight road, blur by motion, what stays stays."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from physadv.approach import FRESH, Approach, reaching
from physadv.camera import MotionBlur
from physadv.core import Sensor, Span, UserError, below, generator, take, with_value
from physadv.presets import photo_world, world
from physadv.scene import StreetScene, photo_scene, read_photos, sign
from physadv.scene.pose import plane_map
from physadv.world import World

STILL = Span.at(0.0, neutral=0.0)
CORNERS = torch.tensor([[0.0, 0.0], [900.0, 0.0], [900.0, 900.0], [0.0, 900.0]])

Array = NDArray[np.float64]

STREET = world("street", StreetScene(sign("stop")))

ROADS = st.fixed_dictionaries(
    {
        "speed_m_per_s": st.floats(3, 20),
        "frames_per_s": st.floats(3, 30),
        "exposure_s": st.floats(0.0005, 0.01),
        "offset_m": st.floats(-4, 5),
        "height_m": st.floats(-1, 3),
        "yaw_deg": st.floats(-30, 30),
        "roll_deg": st.floats(-10, 10),
        "pan_deg": st.floats(-8, 8),
        "tilt_deg": st.floats(-8, 8),
    }
)


def fixed(**values: float) -> Approach:
    spans = {name: Span.at(value) for name, value in values.items()}
    return replace(Approach(jitter_deg=STILL), **spans)


def drawn(
    approach: Approach, n: int = 3, seed: int = 0, where: World = STREET
) -> dict[str, Tensor]:
    return approach.draw(where, n, generator(seed))


def turned(axis: int, angle_deg: float) -> Array:
    vector = np.zeros(3)
    vector[axis] = np.radians(angle_deg)
    return np.asarray(cv2.Rodrigues(vector)[0], dtype=np.float64)


def opencv(road: dict[str, float], ahead_m: float, points_mm: Tensor) -> Array:
    """Project points with OpenCV: the sign stands on the road, the camera comes closer."""
    focal = 640 / np.tan(np.radians(30))
    camera = np.array([[focal, 0, 640], [0, focal, 480], [0, 0, 1]])
    flat = (points_mm.double().numpy() - 450) / 1000
    solid = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
    on_post = turned(1, road["yaw_deg"]) @ turned(2, road["roll_deg"])
    on_road = solid @ on_post.T + [road["offset_m"], -road["height_m"], ahead_m]
    aim = turned(1, road["pan_deg"]) @ turned(0, road["tilt_deg"])
    seen, _ = cv2.projectPoints(on_road, cv2.Rodrigues(aim.T)[0], np.zeros(3), camera, None)
    return np.asarray(seen[:, 0], dtype=np.float64)


@settings(max_examples=40, deadline=None)
@over(ROADS)
def test_the_frames_are_opencv_s_camera_on_a_straight_road(road: dict[str, float]) -> None:
    given = drawn(fixed(**road), 1)
    found = plane_map((900.0, 900.0), Sensor(1280, 960, 60.0), below(given, "scene.pose"))(CORNERS)
    for row in {0, len(found) // 2, len(found) - 1}:
        wanted = opencv(road, float(given["approach.ahead_m"][row]), CORNERS)
        assert np.abs(found[row].double().numpy() - wanted).max() < 0.05


@settings(max_examples=30, deadline=None)
@over(ROADS)
def test_a_frame_of_a_level_camera_is_a_pose_with_that_height(road: dict[str, float]) -> None:
    """The same place and turn, told by the height and by yaw and roll about the upright post."""
    given = drawn(fixed(**road | {"tilt_deg": 0.0}), 1)
    frames, aside = below(given, "scene.pose"), torch.full_like(given["approach.ahead_m"], 0)
    ahead, aside = given["approach.ahead_m"], aside + road["offset_m"]
    told = frames | {
        "height_m": torch.full_like(ahead, road["height_m"]),
        "yaw_deg": road["yaw_deg"] - torch.rad2deg(torch.atan2(aside, ahead)),
        "pitch_deg": torch.zeros_like(ahead),
        "roll_deg": torch.full_like(ahead, road["roll_deg"]),
    }
    sensor = Sensor(1280, 960, 60.0)
    one, other = (plane_map((900.0, 900.0), sensor, pose)(CORNERS) for pose in (frames, told))
    torch.testing.assert_close(one, other, atol=0.05, rtol=0)


def test_a_drive_s_height_is_its_own_whatever_the_world_s_poses_have() -> None:
    high = with_value(STREET, "scene.pose.height_m", Span.at(2.0, neutral=0.0))
    plain, given = drawn(Approach()), drawn(Approach(), where=high)
    assert bool((given["scene.pose.height_m"] == 0).all())
    assert all(torch.equal(plain[name], given[name]) for name in plain)


@settings(max_examples=20, deadline=None)
@over(ROADS)
def test_blur_is_what_opencv_s_picture_moves_while_the_shutter_is_open(
    road: dict[str, float],
) -> None:
    """By the difference quotient of projected centres, a millisecond before and after."""
    given, centre = drawn(fixed(**road), 1), torch.tensor([[450.0, 450.0]])
    row = len(given["approach.which"]) - 1
    ahead, step = float(given["approach.ahead_m"][row]), road["speed_m_per_s"] * 1e-3
    before, after = (opencv(road, ahead + side * step, centre)[0] for side in (1, -1))
    path = (after - before) / 2e-3 * road["exposure_s"]
    length = float(np.hypot(*path))
    assert float(given["camera.motion_blur.blur_px"][row]) == pytest.approx(length, rel=1e-3)
    angle = np.radians(float(given["camera.motion_blur.direction_deg"][row]))
    across = path[0] * np.sin(angle) - path[1] * np.cos(angle)
    assert abs(across) < 1e-3 * length + 1e-6


@settings(max_examples=30, deadline=None)
@over(st.floats(3, 20), st.floats(3, 30), st.integers(0, 9))
def test_steps_are_speed_by_frame_rate(speed: float, rate: float, seed: int) -> None:
    given = drawn(fixed(speed_m_per_s=speed, frames_per_s=rate), 3, seed)
    ahead, which = given["approach.ahead_m"], given["approach.which"]
    same = which[1:] == which[:-1]
    torch.testing.assert_close(
        (ahead[:-1] - ahead[1:])[same],
        torch.full((int(same.sum()),), speed / rate),
        atol=1e-4,
        rtol=0,
    )
    side, up = Approach().offset_m, Approach().height_m
    off = (given["scene.pose.distance_m"] ** 2 - ahead**2).sqrt()
    assert float(off.min()) > (side.low**2 + up.low**2) ** 0.5 - 0.01
    assert float(off.max()) < (side.high**2 + up.high**2) ** 0.5 + 0.01


def test_rows_run_from_far_to_near_one_approach_after_the_other() -> None:
    given = drawn(Approach(from_m=Span(20.0, 30.0)), 6)
    which, frame = given["approach.which"], given["approach.frame"]
    assert which.unique().tolist() == [0, 1, 2, 3, 4, 5]
    assert bool((which[1:] >= which[:-1]).all())
    assert bool((frame[1:] > frame[:-1])[which[1:] == which[:-1]].all())


def test_the_whole_sign_is_in_every_frame_and_no_such_frame_is_left_out() -> None:
    """The octagon's outline, projected by OpenCV, in every frame of one approach."""
    road = dict.fromkeys(("pan_deg", "tilt_deg"), 0.0) | {"yaw_deg": 20.0, "roll_deg": 5.0}
    road |= {"offset_m": 2.5, "height_m": 1.0, "speed_m_per_s": 8.0, "frames_per_s": 10.0}
    outline = torch.tensor(STREET.scene.face().outline_mm)
    wanted = []
    for frame in range(34):
        points = opencv(road, 30 - 0.8 * frame, outline)
        if ((points >= 0) & (points <= [1280, 960])).all():
            wanted.append(frame)
    given = drawn(fixed(**road), 1)
    assert given["approach.frame"].tolist() == wanted
    assert 20 < len(wanted) < 34


def test_what_stays_stays_and_what_is_new_is_new() -> None:
    given = drawn(Approach(), 4)
    moving = ("scene.pose.", "camera.motion_blur.", "approach.")
    for name, values in given.items():
        spread = [len(values[given["approach.which"] == one].unique()) for one in range(4)]
        if name in FRESH:
            still = getattr(STREET.declared()[name], "idle", False)
            assert still or min(spread) > 5, name
        elif not name.startswith(moving):
            assert spread == [1] * 4, name
    assert len(given["camera.exposure.gain_ev"].unique()) == 4
    assert set(STREET.declared()) <= set(given)


def test_chance_in_the_camera_is_new_in_each_frame_but_drops_stay_on_the_windscreen() -> None:
    names = STREET.declared()
    assert set(FRESH) <= set(names)
    seeds = {name for name in names if name.startswith("camera.") and name.endswith(".seed")}
    assert seeds - set(FRESH) == {"camera.droplets.seed"}


def test_a_seed_names_a_drive() -> None:
    one, same, other = drawn(Approach(), 3, 1), drawn(Approach(), 3, 1), drawn(Approach(), 3, 2)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["approach.ahead_m"][:5], other["approach.ahead_m"][:5])


def test_the_aim_shakes_by_as_much_as_it_says() -> None:
    """Far away and straight ahead, an angle is focal length times its tangent in the picture."""
    still = fixed(offset_m=0.0, height_m=0.0, from_m=200.0, to_m=100.0, pan_deg=0.0, tilt_deg=0.0)
    given = drawn(replace(still, jitter_deg=Span.at(0.5)), 20)
    sensor = STREET.camera.sensor
    for ratio, side in (("x_ratio", sensor.width_px), ("y_ratio", sensor.height_px)):
        angle = torch.atan(given[f"scene.pose.{ratio}"] * side / sensor.focal_px)
        assert float(torch.rad2deg(angle).std()) == pytest.approx(0.5, rel=0.08)
        assert abs(float(torch.rad2deg(angle).mean())) < 0.05


def test_the_camera_reaches_as_far_as_the_blur() -> None:
    given = drawn(fixed(speed_m_per_s=15.0, exposure_s=0.01), 3)
    longest = float(given["camera.motion_blur.blur_px"].max())
    assert longest > 3
    wide = reaching(STREET, given)
    assert wide.camera.motion_blur.blur_px.high >= longest
    assert reaching(wide, given) is wide
    asleep = with_value(STREET, "camera.motion_blur", MotionBlur(STILL, STILL))
    assert reaching(asleep, given).camera.motion_blur == MotionBlur(
        wide.camera.motion_blur.blur_px, STILL
    )
    assert reaching(STREET, take(given, slice(0, 1))) is STREET


def test_what_cannot_be_driven_is_refused() -> None:
    with pytest.raises(UserError, match="never show it"):
        drawn(fixed(offset_m=40.0))


def test_real_photos_cannot_be_driven(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.new("RGB", (200, 200), (90, 120, 60)).save(path)
    scene = photo_scene(sign("stop"), read_photos([path], sign("stop"), sign_px=64))
    with pytest.raises(UserError, match="world: expected a street"):
        drawn(Approach(), where=photo_world(scene))
