"""Scoring of photos against photos that other code made, and against annotated real ones."""

import csv
import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from physadv.core import (
    Encoded,
    Rate,
    Sensor,
    Span,
    UserError,
    load_image,
    wilson,
    with_value,
)
from physadv.design import build_problem, build_victim
from physadv.output import read_folder, sign_picture
from physadv.output.score import fiducials, make_scorer
from physadv.scene import StreetScene, sign
from physadv.scoring import (
    BARE,
    STICKERS,
    Find,
    Pattern,
    Scored,
    Scorer,
    Source,
    find,
    find_sheet,
    measure,
    pattern,
    read_photograph,
    score_photo,
    score_photos,
    sources,
    tally,
)
from physadv.scoring.align import correlation, frame
from physadv.scoring.find import FOUND, sane
from physadv.scoring.predict import beyond, predicted
from tests.scored_photos import Array, Shot, box, mapped, photograph, plane, turn, write
from tests.shared_data import DATA, ROOT, needs_data

KEPT = ROOT / "patches" / "stop-as-speed-limit-80"
SIZE_MM = (900.0, 900.0)
SHOTS = (
    Shot(4.0, 32.0, 5.0, -3.0, at=(0.4, 0.55), gain=0.5, veil=0.05),
    Shot(7.0, -48.0, -4.0, 4.0, at=(0.65, 0.4), behind="astronaut"),
    Shot(9.0, 12.0, 3.0, 0.0, at=(0.3, 0.6), gain=0.3, blur_px=0.8, noise=0.02),
    Shot(11.0, -25.0, 0.0, 2.0, at=(0.6, 0.6), gain=0.9, veil=0.08, behind="astronaut"),
)
BARE_SHOT = Shot(6.0, 20.0, 3.0, 2.0, at=(0.6, 0.45), gain=0.6)


@cache
def scorer() -> Scorer:
    design, theta = read_folder(KEPT)
    problem = build_problem(design, build_victim(design))
    return make_scorer(design, problem, theta, fov_deg=60.0, each=10, seed=1)


@cache
def face(name: str = STICKERS) -> NDArray[Any]:
    """Return the picture that was kept with the stickers, or the bare sign, RGBA."""
    if name == STICKERS:
        with Image.open(KEPT / "preview.png") as image:
            return np.asarray(image.convert("RGBA"))
    bare = next(one for one in scorer().patterns if one.name == BARE)
    return (np.dstack([bare.picture, bare.cover]) * 255).round().astype(np.uint8)


@cache
def scored(folder: Path, shot: Shot, shows: str = STICKERS) -> Scored:
    path = write(folder / "photo.jpg", photograph(face(shows), SIZE_MM, shot))
    return score_photo(scorer(), Source(path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scored")


def overlap(found: Find, low: Array, high: Array) -> float:
    """Return intersection over union of the found frame's box with another."""
    corners = mapped(found.plane, frame(found.pattern.size_mm))
    near, far = corners.min(axis=0), corners.max(axis=0)
    common = np.prod((np.minimum(far, high) - np.maximum(near, low)).clip(0))
    return float(common / (np.prod(far - near) + np.prod(high - low) - common))


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: f"{shot.distance_m:g} m")
def test_pose_and_light_come_back(folder: Path, shot: Shot) -> None:
    found = scored(folder, shot)
    assert (found.found, found.shows) == ("sign", STICKERS)
    assert found.pose is not None
    assert found.light is not None
    assert found.pose.distance_m == pytest.approx(shot.distance_m, rel=0.03)
    assert found.pose.yaw_deg == pytest.approx(shot.yaw_deg, abs=3)
    assert found.pose.pitch_deg == pytest.approx(shot.pitch_deg, abs=3)
    assert found.pose.roll_deg == pytest.approx(shot.roll_deg, abs=1)
    assert found.pose.x_ratio == pytest.approx(shot.at[0] - 0.5, abs=0.005)
    assert found.pose.y_ratio == pytest.approx(shot.at[1] - 0.5, abs=0.005)
    assert found.light.gain_ev == pytest.approx(math.log2(shot.gain), abs=0.3)
    assert found.light.veil_ratio == pytest.approx(shot.veil, abs=0.06)


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: f"{shot.distance_m:g} m")
def test_the_answer_is_the_victims_on_the_true_crop(folder: Path, shot: Shot) -> None:
    """The crop is cut and shrunk by OpenCV, where the sign truly is."""
    found = scored(folder, shot)
    photo = write(folder / "true.png", photograph(face(), SIZE_MM, shot))
    outline = mapped(plane(shot, SIZE_MM), np.array(scorer().design.outline_mm))
    low, high = outline.min(axis=0), outline.max(axis=0)
    side = 1.25 * (high - low).max()  # 12.5 % on each side, the middle of lab's margins
    start = ((low + high) / 2 - side / 2).round().astype(int)
    end = start + round(side)
    with Image.open(photo) as image:
        cut = np.asarray(image)[start[1] : end[1], start[0] : end[0]]
    small = torch.from_numpy(cv2.resize(cut, (48, 48), interpolation=cv2.INTER_AREA) / 255)
    victim = scorer().problem.victim
    answer = victim(Encoded(small.permute(2, 0, 1)[None].float()))
    assert found.crop is not None
    assert np.abs(found.crop / 255 - small.numpy()).mean() < 0.03
    assert found.label == victim.labels[int(answer.best)]
    assert found.hit == (found.label == "Speed limit (80km/h)")


def test_a_bare_sign_is_a_control(folder: Path) -> None:
    found = scored(folder, BARE_SHOT, BARE)
    assert (found.shows, found.label, found.hit, found.correct) == (BARE, "Stop", False, True)
    assert found.predicted is None


@pytest.mark.parametrize("name", ["rocket", "chelsea", "camera"])
def test_photos_without_a_sign(name: str, tmp_path: Path) -> None:
    from skimage import data

    Image.fromarray(getattr(data, name)()).save(tmp_path / "photo.png")
    found = score_photo(scorer(), Source(tmp_path / "photo.png"))
    assert (found.found, found.hit, found.pose) == ("", None, None)
    assert found.reason.startswith("no sign found")


def test_a_plain_photo_shows_nothing() -> None:
    found = find(np.full((200, 300, 3), 0.5, np.float32), scorer().patterns[:1])
    assert found is None or found.correlation < FOUND


def test_corners_that_are_given_win(tmp_path: Path) -> None:
    """They are off on purpose: the pose is theirs, that of the shot with a wider sign."""
    shot = Shot(6.0, 0.0, gain=0.6)
    write(tmp_path / "a.jpg", photograph(face(), SIZE_MM, shot))
    low, high = box(shot, SIZE_MM)
    wide = [low[0] - 10, low[1] - 10, high[0] + 10, high[1] + 10]
    (tmp_path / "t.csv").write_text("file,x1,y1,x2,y2\na.jpg," + ",".join(map(str, wide)) + "\n")
    (found,) = score_photos(scorer(), sources(tmp_path / "t.csv"))
    assert found.found == "corners"
    assert found.pose is not None
    share = (high[0] - low[0]) / (high[0] - low[0] + 20)
    assert found.pose.distance_m == pytest.approx(6 * share, rel=0.005)


def test_one_bad_photo_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 no photo")
    write(tmp_path / "b.jpg", photograph(face(), SIZE_MM, SHOTS[0]))
    table = "file,corners\na.jpg,\nb.jpg,1 2\ngone.jpg,\n"
    (tmp_path / "t.csv").write_text(table)
    reasons = [one.reason for one in score_photos(scorer(), sources(tmp_path / "t.csv"))]
    assert "expected a readable image" in reasons[0]
    assert "corners: expected points" in reasons[1]
    assert "expected a file that exists" in reasons[2]


@pytest.mark.parametrize(
    ("table", "said"),
    [("name\na\n", "a header with file"), ("file,corners\n", "at least one row")],
)
def test_tables_that_cannot_be(table: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(table)
    with pytest.raises(UserError, match=said):
        sources(tmp_path / "t.csv")


def test_a_sheet_is_measured_and_nobody_is_asked(tmp_path: Path) -> None:
    """A page drawn by OpenCV: markers of 12 mm, 8 mm from the edges of A4; page 2 has 4 to 7."""
    page = np.full((297 * 4, 210 * 4), 255, np.uint8)
    ids = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_1000)
    for marker, (x, y) in zip(range(4, 8), ((8, 8), (190, 8), (190, 277), (8, 277)), strict=True):
        image = cv2.aruco.generateImageMarker(ids, marker, 48)
        page[4 * y : 4 * y + 48, 4 * x : 4 * x + 48] = image
    rgba = np.dstack([page, page, page, np.full_like(page, 255)])
    shot = Shot(0.5, 20.0, -6.0, 5.0, gain=0.5)
    path = write(tmp_path / "page.jpg", photograph(rgba, (297.0, 210.0), shot))
    found = score_photo(scorer(), Source(path))
    assert (found.found, found.hit, found.label) == ("sheet", None, "")
    assert "page 2 of the sheet (A4)" in found.reason
    assert found.pose is not None
    assert found.light is not None
    assert found.pose.distance_m == pytest.approx(0.5, rel=0.03)
    assert found.pose.yaw_deg == pytest.approx(20, abs=3)
    assert found.light.gain_ev == pytest.approx(math.log2(0.5 / 0.88), abs=0.15)  # paper is white


def test_two_markers_are_no_sheet() -> None:
    ids = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_1000)
    photo = np.ones((300, 400, 3), np.float32)
    for marker, x in ((0, 40), (1, 300)):
        image = cv2.aruco.generateImageMarker(ids, marker, 60) / np.float32(255)
        photo[40:100, x : x + 60] = image[..., None]
    assert find_sheet(photo, fiducials()) is None


@pytest.mark.parametrize("yaw", [-60.0, -20.0, 15.0, 45.0])
def test_a_pose_is_that_of_project_points(yaw: float) -> None:
    """Corners from cv2.projectPoints; the angles are to the line of sight."""
    sensor = Sensor(1600, 1200, 50.0)
    shot = Shot(5.0, yaw, 8.0, -6.0, at=(0.25, 0.7), size=(1200, 1600), fov_deg=50.0)
    focal = 800 / math.tan(math.radians(25))
    camera = np.array([[focal, 0, 800], [0, focal, 600], [0, 0, 1.0]])
    x, y = -0.25 * 1600 / focal, 0.2 * 1200 / focal
    up = math.degrees(math.atan2(y, math.hypot(1, x)))
    gaze = turn(1, math.degrees(math.atan(x))) @ turn(0, -up)
    turned = gaze @ turn(1, yaw) @ turn(0, 8.0) @ turn(2, -6.0)
    points = np.column_stack([frame((600.0, 800.0)) - [400, 300], np.zeros(4)])
    place = gaze @ [0, 0, 5000.0]
    px, _ = cv2.projectPoints(points, cv2.Rodrigues(turned)[0], place, camera, None)
    seen = measure(plane(shot, (600.0, 800.0)), (600.0, 800.0), sensor)
    np.testing.assert_allclose(mapped(plane(shot, (600.0, 800.0)), frame((600.0, 800.0))), px[:, 0])
    wanted = {"distance_m": 5.0, "yaw_deg": yaw, "pitch_deg": 8.0, "roll_deg": -6.0}
    wanted |= {"x_ratio": -0.25, "y_ratio": 0.2}
    assert seen.conditions() == pytest.approx(wanted, abs=1e-3)


def test_far_signs_are_less_sure() -> None:
    near, far = (
        measure(plane(Shot(d, 10.0), SIZE_MM), SIZE_MM, Sensor(1000, 750, 60.0)) for d in (4, 16)
    )
    assert far.yaw_error_deg > 2 * near.yaw_error_deg
    assert far.distance_error_m > 8 * near.distance_error_m  # grows with the square of distance
    assert far.ambiguous
    assert not near.ambiguous


def test_correlation_does_not_mind_the_light() -> None:
    """It is 1 for the face in any light that is affine in each channel, -1 for its negative."""
    one = scorer().patterns[0]
    picture, _ = one.at(64)
    flat = np.diag([64 / 900, 64 / 900, 1.0])
    tinted = picture * 0.3 + np.array([0.1, 0.3, 0.2])
    assert correlation(picture, flat, one) == pytest.approx(1, abs=1e-3)
    assert correlation(tinted.astype(np.float32), flat, one) == pytest.approx(1, abs=1e-3)
    assert correlation(1 - picture, flat, one) == pytest.approx(-1, abs=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        np.diag([-1.0, 1, 1]) + np.array([[0, 0, 900.0], [0, 0, 0], [0, 0, 0]]),
        np.array([[0, -1, 900.0], [1, 0, 0], [0, 0, 1]]),
        np.diag([0.02, 0.02, 1]),
        np.array([[1, 0, 1e5], [0, 1, 0], [0, 0, 1.0]]),
        np.full((3, 3), np.nan),
    ],
    ids=["mirrored", "lying", "tiny", "outside", "nan"],
)
def test_planes_that_cannot_be(change: Array) -> None:
    one, good = scorer().patterns[0], plane(Shot(5.0, 20.0), SIZE_MM)
    assert sane(good, one, (750, 1000))
    assert not sane(good @ change, one, (750, 1000))


def test_prediction_falls_where_nothing_can_be_seen() -> None:
    """Lab's card claims 99 %; at 150 m the sign is 5 px, and grey ink is a control of the card."""
    one = scorer()
    sensor = Sensor(1000, 750, 60.0)

    def chance(distance_m: float, theta: torch.Tensor) -> Rate:
        seen = measure(plane(Shot(distance_m, 15.0), SIZE_MM), SIZE_MM, sensor)
        found = predicted(one.problem, theta, seen, sensor, n=20, seed=3)
        assert found is not None
        return found

    assert chance(6.0, one.theta).share >= 0.8
    assert chance(150.0, one.theta).share <= 0.3
    assert chance(6.0, one.theta * 0 + 0.5).share <= 0.2


def test_what_was_not_judged_is_named() -> None:
    """Lab spans 3 to 12 m, yaw 30, pitch 5, roll 3 degrees, offsets 0.2."""
    seen = measure(plane(Shot(5.0, 45.0), SIZE_MM), SIZE_MM, Sensor(1000, 750, 60.0))
    assert beyond(scorer().problem.declared(), seen) == ("yaw_deg",)


def test_a_photo_of_an_upright_sign_above_the_camera_is_held_by_a_world_with_heights() -> None:
    """At 2 m above and 6 m away its pitch to the line of sight is -asin(2/6), -19.5 degrees."""
    sensor = Sensor(1000, 750, 60.0)
    tilt = math.degrees(math.asin(2 / 6))
    upright = turn(0, -tilt) @ turn(1, 20.0)
    roll = math.degrees(math.atan2(upright[1, 0], upright[1, 1]))
    yaw = math.degrees(math.atan2(upright[0, 2], upright[2, 2]))
    pitch = -math.degrees(math.asin(upright[1, 2]))
    seen = measure(plane(Shot(6.0, yaw, pitch, roll), SIZE_MM), SIZE_MM, sensor)
    own = seen.above(2.0)
    assert (own.yaw_deg, own.pitch_deg, own.roll_deg) == pytest.approx((20, 0, 0), abs=1e-3)
    one = scorer()
    world, name = one.problem.world, "scene.pose.height_m"
    assert set(beyond(world.declared(), seen)) == {"pitch_deg", "roll_deg"}
    for span in (Span.at(2.0, 0.0), Span(0.5, 2.5, 0.0)):
        assert beyond(with_value(world, name, span).declared(), seen) == ()
    high = replace(one.problem, world=with_value(world, name, Span.at(2.0, 0.0)))
    rates = [predicted(two, one.theta, seen, sensor, n=20, seed=3) for two in (one.problem, high)]
    assert rates[0] == rates[1]


def test_the_lens_is_read_from_exif(tmp_path: Path) -> None:
    """26 mm at 4:3: half the width of the equivalent sensor is 43.27 x 0.8 / 2 = 17.31 mm."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    Image.new("RGB", (400, 300)).save(tmp_path / "a.jpg", exif=exif)
    Image.new("RGB", (400, 300)).save(tmp_path / "b.jpg")
    known, unknown = (read_photograph(tmp_path / name) for name in ("a.jpg", "b.jpg"))
    assert (known.lens, unknown.lens) == ("EXIF", "assumed")
    assert known.sensor.fov_deg == pytest.approx(2 * math.degrees(math.atan(17.307 / 26)), abs=0.01)
    assert unknown.sensor.fov_deg == 60
    told = read_photograph(tmp_path / "a.jpg", fov_deg=40)
    assert (told.lens, told.sensor.fov_deg) == ("given", 40)


def test_the_tally_counts() -> None:
    """By hand: photos with stickers at predictions 0.9, 0.9, 0.1 and none, two of bare signs."""
    rows = [
        Scored("a", shows=STICKERS, hit=True, predicted=wilson(9, 10)),
        Scored("b", shows=STICKERS, hit=False, predicted=wilson(9, 10)),
        Scored("c", shows=STICKERS, hit=False, predicted=wilson(1, 10)),
        Scored("d", shows=STICKERS, hit=True),
        Scored("e", shows=BARE, hit=False, correct=True),
        Scored("f", shows=BARE, hit=False, correct=False),
        Scored("g", reason="no sign found"),
    ]
    found = tally(rows)
    assert found.success == wilson(2, 4)
    assert found.clean == wilson(0, 2)
    assert found.correct == wilson(1, 2)
    assert (found.n, found.hits) == (3, 1)
    assert found.expected == pytest.approx(1.9)
    assert found.spread == pytest.approx(math.sqrt(3 * 0.09))
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.01) / 3)
    assert [one.predicted for one in found.bins] == pytest.approx([0.1, 0.9])
    assert [one.seen for one in found.bins] == [wilson(0, 1), wilson(1, 2)]
    assert tally([]).success is None


@cache
def us_stop() -> Pattern:
    shown = sign("us_stop")
    face = StreetScene(shown).face(512)
    none = torch.zeros(1, 4, *face.cover.shape[-2:])
    return pattern(BARE, sign_picture(face, none), shown.size_mm)


def picture(path: Path) -> NDArray[Any]:
    return np.ascontiguousarray(load_image(path)[0].permute(1, 2, 0).numpy())


def stop_boxes() -> dict[str, list[list[float]]]:
    boxes: dict[str, list[list[float]]] = {}
    if (DATA / "photos/boxes.csv").is_file():
        for row in csv.DictReader((DATA / "photos/boxes.csv").open()):
            if row["class"] == "stop":
                sides = [float(row[side]) for side in ("xmin", "ymin", "xmax", "ymax")]
                boxes.setdefault(row["file"], []).append(sides)
    return boxes


@needs_data
@pytest.mark.parametrize("name", ["052", "061", "079", "084", "087", "089", "097", "374", "636"])
def test_real_stop_signs_are_found_where_people_saw_them(name: str) -> None:
    """Boxes as annotated; nine of the 38 that are found, eight of the 46 are not (see `FOUND`).

    374 is against the light, 089 at night, 636 through a wet windscreen.
    """
    file = f"stop_sign/road{name}.png"
    found = find(picture(DATA / "photos" / file), [us_stop()])
    assert found is not None
    assert found.correlation >= FOUND
    assert max(overlap(found, np.array(b[:2]), np.array(b[2:])) for b in stop_boxes()[file]) > 0.75


@needs_data
@pytest.mark.parametrize("name", ["1", "16", "20", "25", "32", "37", "40", "9"])
def test_stop_signs_that_fill_the_photo(name: str) -> None:
    """RP2's crops: the octagon touches the frame."""
    photo = picture(DATA / f"rp2/victims_256/{name}.png")
    found = find(photo, [us_stop()])
    assert found is not None
    assert found.correlation >= FOUND
    assert overlap(found, np.zeros(2), np.array([256.0, 256.0])) > 0.75


@needs_data
@pytest.mark.parametrize("name", ["03_cab", "16_sports_car", "17_trolleybus", "38_castle"])
def test_real_photos_without_a_stop_sign(name: str) -> None:
    """Four of the eight likeliest of sixty."""
    (path,) = (DATA / "photos/backgrounds").glob(f"{name}.jpg")
    found = find(picture(path), scorer().patterns)
    assert found is None or found.correlation < FOUND
