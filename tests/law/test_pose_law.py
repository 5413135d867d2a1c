"""Where the sign is seen: against OpenCV's camera, and distance, yaw and height in closed form."""

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import example, settings
from hypothesis import given as over
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from physadv.core import Sensor, Span, UserError, declared, neutral
from physadv.scene import Pose
from physadv.scene.pose import eye_mm, plane_map
from physadv.scene.view import COARSE_PX, SIDES_PX, Frame, views

SENSOR = Sensor(1280, 960, 60.0)
FOCAL = 640 / math.tan(math.radians(30))
HIGH, WIDE = 600.0, 900.0
CORNERS = torch.tensor([[0.0, 0.0], [WIDE, 0.0], [WIDE, HIGH], [0.0, HIGH]])

Array = NDArray[np.float64]

POSES = st.fixed_dictionaries(
    {
        "distance_m": st.floats(2, 30),
        "yaw_deg": st.floats(-70, 70),
        "pitch_deg": st.floats(-30, 30),
        "roll_deg": st.floats(-180, 180),
        "x_ratio": st.floats(-0.5, 0.5),
        "y_ratio": st.floats(-0.5, 0.5),
    }
)


def conditions(**values: float) -> dict[str, Tensor]:
    rest = neutral(declared(Pose()), 1)
    return rest | {name: torch.tensor([value]) for name, value in values.items()}


def turned(axis: int, angle: float) -> Array:
    """Return OpenCV's rotation matrix about an axis by radians."""
    vector = np.zeros(3)
    vector[axis] = angle
    return np.asarray(cv2.Rodrigues(vector)[0], dtype=np.float64)


def opencv(pose: dict[str, float], points_mm: Tensor) -> Array:
    """Project points with OpenCV from the pose as `Pose` describes it in words."""
    ray = np.array([pose["x_ratio"] * 1280 / FOCAL, pose["y_ratio"] * 960 / FOCAL, 1.0])
    ray /= np.linalg.norm(ray)
    gaze = turned(1, math.atan2(ray[0], ray[2])) @ turned(0, -math.asin(ray[1]))
    yaw, pitch, roll = (math.radians(pose[f"{name}_deg"]) for name in ("yaw", "pitch", "roll"))
    turn = gaze @ turned(1, yaw) @ turned(0, pitch) @ turned(2, roll)
    camera = np.array([[FOCAL, 0, 640], [0, FOCAL, 480], [0, 0, 1]])
    centred = (points_mm.double().numpy() - [WIDE / 2, HIGH / 2]) / 1000
    solid = np.concatenate([centred, np.zeros((len(centred), 1))], axis=1)
    place = ray * pose["distance_m"]
    seen, _ = cv2.projectPoints(solid, cv2.Rodrigues(turn)[0], place, camera, None)
    return np.asarray(seen[:, 0], dtype=np.float64)


@settings(max_examples=60, deadline=None)
@over(POSES)
def test_the_plane_map_is_opencv_s_camera(pose: dict[str, float]) -> None:
    points = torch.cat([CORNERS, torch.tensor([[450.0, 300.0], [100.0, 555.0]])])
    found = plane_map((HIGH, WIDE), SENSOR, conditions(**pose))(points)[0]
    assert np.abs(found.double().numpy() - opencv(pose, points)).max() < 0.01


PLACES = st.fixed_dictionaries(
    {
        "right_m": st.floats(-4, 4),
        "height_m": st.floats(-3, 8),
        "ahead_m": st.floats(3, 30),
        "yaw_deg": st.floats(-60, 60),
        "pitch_deg": st.floats(-30, 30),
        "roll_deg": st.floats(-180, 180),
        "tilt_deg": st.floats(-40, 40),
    }
)


def standing(place: dict[str, float]) -> tuple[Array, Array]:
    """Return turn and place of a sign before a level camera, by hand: y down, z ahead."""
    yaw, pitch, roll = (math.radians(place[f"{name}_deg"]) for name in ("yaw", "pitch", "roll"))
    turn = turned(1, yaw) @ turned(0, pitch) @ turned(2, roll)
    return turn, np.array([place["right_m"], -place["height_m"], place["ahead_m"]])


def seen_by_opencv(turn: Array, place: Array, points_mm: Tensor) -> Array:
    camera = np.array([[FOCAL, 0, 640], [0, FOCAL, 480], [0, 0, 1]])
    flat = (points_mm.double().numpy() - [WIDE / 2, HIGH / 2]) / 1000
    solid = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
    seen, _ = cv2.projectPoints(solid, cv2.Rodrigues(turn)[0], place, camera, None)
    return np.asarray(seen[:, 0], dtype=np.float64)


def pose_of(road: dict[str, float], place: Array) -> dict[str, Tensor]:
    """Return the pose of a sign at `place` in the camera's axes; its yaw is from the camera."""
    aside = math.degrees(math.atan2(road["right_m"], road["ahead_m"]))
    return conditions(
        distance_m=float(np.linalg.norm(place)),
        height_m=road["height_m"],
        yaw_deg=road["yaw_deg"] - aside,
        pitch_deg=road["pitch_deg"],
        roll_deg=road["roll_deg"],
        x_ratio=place[0] / place[2] * FOCAL / 1280,
        y_ratio=place[1] / place[2] * FOCAL / 960,
    )


@settings(max_examples=60, deadline=None)
@over(PLACES)
def test_a_sign_above_a_level_camera_is_where_opencv_has_it(road: dict[str, float]) -> None:
    turn, place = standing(road)
    found = plane_map((HIGH, WIDE), SENSOR, pose_of(road, place))(CORNERS)[0]
    wanted = seen_by_opencv(turn, place, CORNERS)
    assert np.abs(found.double().numpy() - wanted).max() < 0.05


@settings(max_examples=40, deadline=None)
@over(PLACES)
def test_a_camera_that_looks_up_sees_the_same_upright_sign(road: dict[str, float]) -> None:
    """Straight ahead, where a tilt of the camera only moves the sign up and down the picture."""
    road = road | {"right_m": 0.0}
    aim = turned(0, math.radians(road["tilt_deg"])).T
    turn, place = (aim @ one for one in standing(road))
    found = plane_map((HIGH, WIDE), SENSOR, pose_of(road, place))(CORNERS)[0]
    if place[2] > 1:
        wanted = seen_by_opencv(turn, place, CORNERS)
        assert np.abs(found.double().numpy() - wanted).max() < 0.05


@settings(max_examples=40, deadline=None)
@over(PLACES)
def test_the_eye_is_where_opencv_s_camera_stands(road: dict[str, float]) -> None:
    turn, place = standing(road)
    wanted = (-turn.T @ place * 1000) * [1, 1, -1] + [WIDE / 2, HIGH / 2, 0]
    found = eye_mm((HIGH, WIDE), pose_of(road, place))[0]
    assert found.tolist() == pytest.approx(wanted.tolist(), abs=0.05)


@settings(max_examples=30, deadline=None)
@over(st.floats(-5, 5), st.floats(6, 40))
def test_height_is_less_pitch_of_a_sign_that_faces_the_camera(height: float, far: float) -> None:
    one = conditions(distance_m=far, height_m=height)
    other = conditions(distance_m=far, pitch_deg=-math.degrees(math.asin(height / far)))
    maps = [plane_map((HIGH, WIDE), SENSOR, given)(CORNERS) for given in (one, other)]
    torch.testing.assert_close(*maps, atol=0.01, rtol=0)


def test_a_high_sign_is_seen_from_below() -> None:
    """Its lower edge is nearer, so it is seen longer; and it is as far away as it says."""
    given = conditions(distance_m=5.0, height_m=3.0)
    seen = plane_map((HIGH, WIDE), SENSOR, given)(CORNERS)[0]
    upper, lower = float(seen[1, 0] - seen[0, 0]), float(seen[2, 0] - seen[3, 0])
    assert upper == pytest.approx(FOCAL * 0.9 / (5 + 0.3 * 0.6), rel=1e-4)
    assert lower == pytest.approx(FOCAL * 0.9 / (5 - 0.3 * 0.6), rel=1e-4)
    assert eye_mm((HIGH, WIDE), given)[0].tolist() == pytest.approx([450, 3300, 4000], abs=0.01)


@pytest.mark.parametrize("height", [Span(0.0, 3.0, 0.0), Span(-4.0, 1.0, 0.0), Span.at(3.0)])
def test_a_height_that_could_reach_the_distance_is_refused(height: Span) -> None:
    with pytest.raises(UserError, match=r"^height_m: expected less than distance_m, got [34] m at"):
        Pose(height_m=height)
    assert Pose(distance_m=Span(4.5, 20.0), height_m=height).height_m == height


def test_a_row_whose_height_reaches_its_distance_is_refused() -> None:
    rows = {name: value.repeat(2) for name, value in conditions().items()}
    given = rows | {"distance_m": torch.tensor([9.0, 4.0]), "height_m": torch.tensor([5.0, -4.0])}
    with pytest.raises(UserError, match=r"^scene.pose.height_m: .*got -4 m at a distance of 4 m"):
        plane_map((HIGH, WIDE), SENSOR, given)


def test_a_pose_has_no_height_unless_it_says_so() -> None:
    assert Pose().height_m.idle
    assert Pose(distance_m=Span.at(0.5)).height_m.idle


@settings(max_examples=30, deadline=None)
@over(st.floats(1, 100))
def test_size_goes_with_one_over_distance(distance: float) -> None:
    seen = plane_map((HIGH, WIDE), SENSOR, conditions(distance_m=distance))(CORNERS)[0]
    width, height = (seen[1] - seen[0])[0], (seen[3] - seen[0])[1]
    assert float(width) == pytest.approx(FOCAL * WIDE / 1000 / distance, rel=1e-4)
    assert float(height) == pytest.approx(FOCAL * HIGH / 1000 / distance, rel=1e-4)


@settings(max_examples=30, deadline=None)
@over(st.floats(-60, 60), st.floats(3, 40))
def test_yaw_foreshortens(yaw: float, distance: float) -> None:
    """The two edges lie at depths d -+ (w/2) sin(yaw): f (w/2) cos / depth on either side."""
    seen = plane_map((HIGH, WIDE), SENSOR, conditions(distance_m=distance, yaw_deg=yaw))(CORNERS)[0]
    half, angle = WIDE / 2000, math.radians(yaw)
    right = FOCAL * half * math.cos(angle) / (distance - half * math.sin(angle))
    left = FOCAL * half * math.cos(angle) / (distance + half * math.sin(angle))
    assert float(seen[1, 0]) - 640 == pytest.approx(right, rel=1e-3)
    assert 640 - float(seen[0, 0]) == pytest.approx(left, rel=1e-3)


@settings(max_examples=30, deadline=None)
@over(POSES)
def test_the_centre_is_seen_where_it_should_be(pose: dict[str, float]) -> None:
    seen = plane_map((HIGH, WIDE), SENSOR, conditions(**pose))(torch.tensor([[450.0, 300.0]]))
    wanted = (640 + pose["x_ratio"] * 1280, 480 + pose["y_ratio"] * 960)
    assert seen[0, 0].tolist() == pytest.approx(wanted, abs=0.01)


NEAR = {"distance_m": 2.0, "yaw_deg": 0.0, "pitch_deg": 0.0, "x_ratio": 0.0}


@settings(max_examples=30, deadline=None)
@example(NEAR | {"roll_deg": 70.5, "y_ratio": 0.0, "x_ratio": -0.5}, 0.0, 64)
@example(NEAR | {"roll_deg": 0.0, "y_ratio": 0.5}, 0.0, 64)
@over(POSES, st.floats(0, 0.4), st.sampled_from([None, 64, 128]))
def test_windows_hold_the_sign_and_its_margin(
    pose: dict[str, float], margin: float, most_px: int | None
) -> None:
    plane = plane_map((HIGH, WIDE), SENSOR, conditions(**pose))
    frame = Frame(SENSOR, torch.tensor([margin]), most_px=most_px)
    (view,) = views(plane, CORNERS, frame)
    side = view.window.size[0]
    assert view.window.size == (side, side)
    assert side in (SIDES_PX if most_px is None else (*COARSE_PX, most_px))
    low, high = view.box_px[0, :2], view.box_px[0, 2:]
    room = margin * float((high - low).max())
    if side < max(SIDES_PX):
        assert float(low.min()) - room >= 0
        assert float(high.max()) + room <= side
    assert most_px is None or side <= most_px
    pitch = float(view.window.pitch)
    back = (view.outline_px[0] + view.window.origin_px[0]) * pitch
    torch.testing.assert_close(back, plane(CORNERS)[0], atol=0.02, rtol=1e-4)
    torch.testing.assert_close(view.plane(CORNERS)[0], view.outline_px[0], atol=0.02, rtol=1e-4)


def test_every_row_is_in_one_view() -> None:
    given = {name: value.repeat(50) for name, value in neutral(declared(Pose()), 1).items()} | {
        "distance_m": torch.linspace(2, 40, 50)
    }
    plane = plane_map((HIGH, WIDE), SENSOR, given)
    frame = Frame(SENSOR, torch.full((50,), 0.2))
    found = torch.cat([view.rows for view in views(plane, CORNERS, frame)])
    assert found.sort().values.tolist() == list(range(50))
