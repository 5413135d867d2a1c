"""Lens and rolling shutter: against OpenCV's camera, point by point and in rendered outlines."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from matplotlib.path import Path
from numpy.typing import NDArray
from torch import Tensor

from physadv.camera import Camera, Framing, Lens, RollingShutter
from physadv.core import PlaneMap, Sensor, Span, Warp, below, declared, draw, generator, neutral
from physadv.core.pixels import pixel_grid
from physadv.scene import Frame, Pose, StreetScene, View
from physadv.scene.pose import plane_map
from physadv.scene.view import SIDES_PX, views
from physadv.world import World
from tests.worlds import CALM, plain_background, plain_street

Array = NDArray[np.float64]

SENSOR = Sensor()
FOCAL = SENSOR.width_px / 2 / math.tan(math.radians(SENSOR.fov_deg / 2))
MIDDLE = np.array([SENSOR.width_px / 2, SENSOR.height_px / 2])
MATRIX = np.array([[FOCAL, 0, MIDDLE[0]], [0, FOCAL, MIDDLE[1]], [0, 0, 1]])
LENSES = (
    (-0.2, 0.05, 0.001, -0.002),
    (-0.2, 0.0, -0.002, 0.002),
    (-0.3, 0.1, 0.002, 0.001),
    (0.1, 0.1, 0.002, 0.002),
    (0.1, -0.05, -0.002, 0.0),
)
STRONGEST = (-0.3, -0.05, 0.002, -0.002)
"""This lens cannot see the picture's corners: beyond 725 px from the axis nothing is shown."""
NAMES = ("k1_ratio", "k2_ratio", "p1_ratio", "p2_ratio")
Coefficients = tuple[float, float, float, float]


def lens(coefficients: Coefficients) -> dict[str, Tensor]:
    return {k: torch.tensor([v]) for k, v in zip(NAMES, coefficients, strict=True)}


def picture(reach_px: float = 1e9) -> Tensor:
    """Return points all over the picture (1,N,2), within a distance from its middle."""
    points = (pixel_grid(49, 65) - 0.5) * 20
    near = np.linalg.norm(points.numpy() - MIDDLE, axis=-1) <= reach_px
    return points[torch.from_numpy(near)][None]


def undistorted(points: Tensor, coefficients: Coefficients) -> Array:
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 500, 1e-12)
    seen = points[0].double().numpy()[:, None]
    bent = np.array(coefficients)
    return np.asarray(cv2.undistortPoints(seen, MATRIX, bent, None, None, MATRIX, stop)[:, 0])


def projected(ideal: Array, coefficients: Coefficients) -> Array:
    """Return where OpenCV's camera shows what an ideal one shows at points (N,2)."""
    rays = np.concatenate([(ideal - MIDDLE) / FOCAL, np.ones((len(ideal), 1))], axis=1)
    still = np.zeros(3)
    return np.asarray(
        cv2.projectPoints(rays, still, still, MATRIX, np.array(coefficients))[0][:, 0]
    )


@pytest.mark.parametrize(
    ("coefficients", "reach_px"), [*((one, 1e9) for one in LENSES), (STRONGEST, 640.0)]
)
def test_the_lens_is_opencv_s(coefficients: Coefficients, reach_px: float) -> None:
    points = picture(reach_px)
    ideal = points + Lens().shift(points, lens(coefficients), SENSOR)
    assert np.abs(ideal[0].numpy() - undistorted(points, coefficients)).max() < 0.05
    assert np.abs(projected(ideal[0].double().numpy(), coefficients) - points.numpy()).max() < 0.05


def warped(coefficients: Coefficients, yaw_rate: float, pitch_rate: float = 0.0) -> Warp:
    rates = {"yaw_rate_deg_per_s": yaw_rate, "pitch_rate_deg_per_s": pitch_rate}
    turning = {k: torch.tensor([v]) for k, v in ({"row_time_s": 5e-5} | rates).items()}
    return Warp([(Lens(), lens(coefficients)), (RollingShutter(), turning)], SENSOR)


@pytest.mark.parametrize(
    ("coefficients", "reach_px"), [*((one, 1e9) for one in LENSES), (STRONGEST, 640.0)]
)
def test_there_and_back(coefficients: Coefficients, reach_px: float) -> None:
    """Also where the picture is bent by 150 px; the strongest only off the rim that it ends at."""
    warp, points = warped(coefficients, 30.0, -10.0), picture(reach_px)
    ideal = warp.ideal(points)
    assert float((warp.photo(ideal) - points).abs().max()) < 0.005
    assert float((ideal - points).abs().max()) > 10


@pytest.mark.parametrize("yaw_rate", [30.0, -12.0])
def test_a_vertical_edge_is_skewed_by_rate_times_row_time(yaw_rate: float) -> None:
    """A camera that turns to the right, exactly: row by row the edge is seen further left."""
    row = np.linspace(0, SENSOR.height_px, 25)
    angle = np.radians(yaw_rate) * 5e-5 * (row - MIDDLE[1])
    exact = MIDDLE[0] + FOCAL * np.tan(-angle)
    warp = warped((0.0, 0.0, 0.0, 0.0), yaw_rate)
    seen = torch.from_numpy(np.stack([exact, row], axis=1)).float()[None]
    found = warp.ideal(seen)[0].numpy()
    assert np.abs(found[:, 0] - MIDDLE[0]).max() < 0.05
    skew = np.polyfit(row, exact, 1)[0]
    assert skew == pytest.approx(-math.radians(yaw_rate) * 5e-5 * FOCAL, rel=1e-3)


def test_turning_upwards_moves_the_picture_down() -> None:
    """A camera that pitches upwards sees the middle of the world further down later on."""
    warp = warped((0.0, 0.0, 0.0, 0.0), 0.0, pitch_rate=10.0)
    later = warp.photo(torch.tensor([[[640.0, 880.0]]]))[0, 0]
    time_s = (float(later[1]) - 480) * 5e-5
    assert float(later[1]) - 880 == pytest.approx(FOCAL * math.radians(10) * time_s, abs=0.01)


@pytest.mark.parametrize("most_px", [None, 64, 256])
@pytest.mark.parametrize("distance_m", [2.0, 6.0, 15.0])
def test_a_polynomial_says_how_a_window_is_bent(distance_m: float, most_px: int | None) -> None:
    """Within 0.05 px of the sensor of the exact shift at each pixel."""
    warp, posed = warped((-0.3, 0.1, 0.002, -0.002), 30.0, 10.0), neutral(declared(Pose()), 1)
    posed |= {"distance_m": torch.tensor([distance_m]), "x_ratio": torch.tensor([0.15])}
    size_mm, outline_mm = (900.0, 900.0), torch.tensor([[0.0, 0.0], [900.0, 0.0], [900.0, 900.0]])
    frame = Frame(SENSOR, torch.tensor([0.2]), warp, most_px)
    (view,) = views(plane_map(size_mm, SENSOR, posed), outline_mm, frame)
    pixels = view.window.pixels().reshape(1, -1, 2)
    pitch = float(view.window.pitch)
    exact = (warp.ideal(pixels) - pixels).reshape(-1, 2)
    found = (view.points_px() - pixel_grid(*view.window.size)).reshape(-1, 2) * pitch
    assert float((found - exact).abs().max()) < 0.05
    assert float(exact.abs().max()) > 1


BENT = replace(
    CALM,
    sensor=SENSOR,
    lens=Lens(*(Span.at(value, neutral=0.0) for value in (-0.25, 0.05, 0.001, -0.002))),
    rolling_shutter=RollingShutter(*(Span.at(value, neutral=0.0) for value in (5e-5, 25.0, -8.0))),
)
POSES = (
    {"distance_m": 4.0, "yaw_deg": 25.0, "x_ratio": 0.28, "y_ratio": -0.2},
    {"distance_m": 6.0, "yaw_deg": -40.0, "x_ratio": -0.3, "y_ratio": 0.2},
    {"distance_m": 15.0, "yaw_deg": 10.0, "x_ratio": 0.1, "y_ratio": 0.25},
)


def bent_world(pose: dict[str, float], camera: Camera = BENT) -> World:
    fixed = Pose(**{name: Span.at(value) for name, value in pose.items()})
    at_rest = {n: Span.at(0.0) for n in ("pitch_deg", "roll_deg") if n not in pose}
    return World(replace(plain_street(), pose=replace(fixed, **at_rest)), camera=camera)


def opencv(plane: PlaneMap, points_mm: Array) -> Array:
    """Return where OpenCV's lens, while the camera turns row by row, shows points of the sign."""
    corner = np.concatenate([points_mm, np.ones((len(points_mm), 1))], axis=1)
    x, y, w = (corner @ plane.matrix[0].double().numpy().T).T
    ideal = np.stack([x / w, y / w], axis=1)
    a_row = np.radians([25.0, 8.0]) * 5e-5 * FOCAL
    seen = ideal
    for _ in range(20):
        seen = projected(ideal - (seen[:, 1:] - MIDDLE[1]) * a_row, (-0.25, 0.05, 0.001, -0.002))
    return seen


def dense(outline_mm: Array) -> Array:
    """Return an outline (N,2) with 12 points on each side."""
    share = np.linspace(0, 1, 12, endpoint=False)[:, None, None]
    return (
        (outline_mm + share * (np.roll(outline_mm, -1, axis=0) - outline_mm))
        .transpose(1, 0, 2)
        .reshape(-1, 2)
    )


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("hardly", [False, True])
def test_a_world_s_corners_are_opencv_s(pose: dict[str, float], hardly: bool) -> None:
    """As framed, and back in pixels of the sensor."""
    world = bent_world(pose)
    given, scene = draw(world.declared(), 1, generator(0)), world.scene
    assert isinstance(scene, StreetScene)
    plane = plane_map(scene.design.size_mm, SENSOR, below(given, "scene.pose"))
    right = opencv(plane, np.array(scene.design.outline_mm))
    low, high = right.min(axis=0), right.max(axis=0)
    framing: Framing = world.camera.framing
    side = (high - low).max() * (1 + 2 * framing.margin_ratio.low)
    photo = world.photograph(None, given, (96, 96), hardly=hardly)
    found = (photo.corners_px[0].numpy() - 48) * side / 96 + (low + high) / 2
    assert np.abs(found - right).max() < 0.05


def silhouette(scene: StreetScene, view: View) -> Array:
    """Return how much of each pixel the sign covers: what is behind shows through the rest."""
    seen = []
    for grey in (0.0, 1.0):
        before = replace(scene, pictures=plain_background(grey))
        given = draw(declared(before), 1, generator(0))
        seen.append(before.render(before.surface(None, fine=True), view, given))
    return np.asarray(1 - (seen[1] - seen[0])[0, 0], dtype=np.float64)


def filled(outline_px: Array, size: tuple[int, int], fine: int = 8) -> Array:
    """Return the share of `fine` x `fine` points a pixel that lie inside a polygon."""
    points = (pixel_grid(size[0] * fine, size[1] * fine) / fine).reshape(-1, 2).numpy()
    inside = Path(outline_px).contains_points(points)
    return np.asarray(inside.reshape(size[0], fine, size[1], fine).mean(axis=(1, 3)))


@pytest.mark.parametrize("pose", POSES)
def test_rendered_edges_are_where_opencv_has_them(pose: dict[str, float]) -> None:
    """Row by row and column by column, how much is covered and where its middle lies."""
    world = bent_world(pose)
    given, scene = draw(world.declared(), 1, generator(0)), world.scene
    assert isinstance(scene, StreetScene)
    frame = Frame(SENSOR, torch.tensor([0.1]), world.camera.warp(below(given, "camera")))
    (view,) = scene.views(below(given, "scene"), frame)
    assert view.window.size[0] in SIDES_PX
    plane = plane_map(scene.design.size_mm, SENSOR, below(given, "scene.pose"))
    edge = opencv(plane, dense(np.array(scene.design.outline_mm)))
    right = filled(edge - view.window.origin_px[0].double().numpy(), view.window.size)
    found, place = silhouette(scene, view), np.arange(view.window.size[0]) + 0.5
    for one, other in ((found, right), (found.T, right.T)):
        width = other.sum(axis=1)
        even = np.abs(np.gradient(width)) < 4  # no edge along the line
        kept = (width > 0.3 * width.max()) & even
        assert kept.sum() > 0.6 * (width > 0).sum()
        assert np.abs(one.sum(axis=1) - width)[kept].max() < 0.3
        middles = [((part @ place)[kept] / part.sum(axis=1)[kept]) for part in (one, other)]
        assert np.abs(middles[0] - middles[1]).max() < 0.15
