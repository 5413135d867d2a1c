"""Where the sign is seen: against OpenCV's camera, and distance and yaw in closed form."""

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from physadv.core import Sensor, declared, neutral
from physadv.scene import Pose
from physadv.scene.pose import plane_map
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


@settings(max_examples=30, deadline=None)
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
