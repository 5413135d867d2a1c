"""Calibration against what is known: the chart's own layout, closed forms, and a virtual rig."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage.io import imread

from physadv.calibration import (
    Calibration,
    Chart,
    calibrate,
    colours,
    find_chart,
    found_picture,
    read_patches,
)
from physadv.calibration.calibrate import distinct, scatter
from physadv.calibration.chart import COLUMNS, ROWS
from physadv.calibration.colour import de2000, decoded, encoded, lab
from physadv.calibration.fit import hold_out, polynomial, thin_plate
from physadv.calibration.measure import bare_paper
from physadv.calibration.sharpness import edge_width
from physadv.core import Encoded, UserError
from physadv.output import PAPERS
from physadv.output.colour_chart import chart_picture, write_chart
from physadv.output.paper import page_of
from tests.virtual_rig import Array, Picture, Setting, VirtualRig, homography

A4 = Chart("A4")
SCALE = 5.0
SIZE = (1300, 975)
OTHER = Setting(yaw_deg=-20.0, pitch_deg=6.0, roll_deg=-3.0, falloff_ratio=0.8, white_level=0.5)


def sheet(paint: Picture | None = None) -> Picture:
    """Return the A4 chart as pixels, with other colours if given, but white where it is white."""
    whole = chart_picture(A4, SCALE)
    if paint is not None:
        for box, colour in zip(A4.patches_mm()[:, [0, 2]], paint, strict=True):
            (x0, y0), (x1, y1) = np.round(box * SCALE).astype(int)
            whole[y0:y1, x0:x1] = colour
    return whole


def other_paint(seed: int) -> Picture:
    paint = np.random.default_rng(seed).integers(0, 256, (ROWS * COLUMNS, 3)).astype(np.uint8)
    paint[bare_paper()] = 255
    return paint


def evenly(picture: Picture, level: float = 0.6) -> Picture:
    """Return a picture as an ideal camera takes it, paper white at `level` of full scale."""
    rows = decoded(picture.reshape(-1, 3) / 255) * level
    dimmed: Picture = (255 * encoded(rows)).round().astype(np.uint8).reshape(picture.shape)
    return dimmed


@pytest.fixture(scope="module")
def photo() -> Picture:
    rig = VirtualRig(1)
    return rig.photograph(rig.print(sheet()), SIZE)


@pytest.fixture(scope="module")
def found(photo: Picture) -> Calibration:
    return calibrate(photo, source="rig")


@pytest.mark.parametrize("paper", PAPERS)
def test_the_chart_is_where_the_paper_has_room(paper: str) -> None:
    """The sheet's own layout says where its markers are, and what lies between them."""
    chart, page = Chart(paper), page_of(paper)
    assert chart.size_mm == (page.height_mm, page.width_mm)
    np.testing.assert_allclose(chart.markers_mm[:, 0], page.markers_mm)
    x0, y0, x1, y1 = page.usable_mm
    corners = chart.patches_mm().reshape(-1, 2)
    assert (corners.min(axis=0) >= (x0, y0)).all()
    assert (corners.max(axis=0) <= (x1, y1)).all()


def test_papers_have_markers_of_their_own() -> None:
    ids = [marker for paper in PAPERS for marker in Chart(paper).marker_ids]
    assert len(set(ids)) == 4 * len(PAPERS)
    assert 900 <= min(ids) <= max(ids) < 1000


def test_the_colours_cover_the_cube_and_white_the_sheet() -> None:
    paint = colours()
    assert len(paint) == ROWS * COLUMNS
    inked = [one for one in paint if one != (255, 255, 255)]
    assert len(set(inked)) == len(inked) == 264
    for level in (0, 51, 102, 153, 204):
        assert (level, level, level) in inked
        assert (255, level, 0) in inked
    white = A4.centres_mm[bare_paper()]
    apart = np.linalg.norm(A4.centres_mm[:, None] - white, axis=2).min(axis=1)
    assert apart.max() < 40  # mm to the nearest white patch


def test_the_order_mixes_light_and_dark() -> None:
    """A trend over the sheet would be taken for light: neighbours correlate no more than chance."""
    level = np.array(colours(), dtype=float).mean(axis=1).reshape(ROWS, COLUMNS)
    for axis in (0, 1):
        near = np.corrcoef(level.take(range(1, level.shape[axis]), axis).ravel(),
                           level.take(range(level.shape[axis] - 1), axis).ravel())  # fmt: skip
        assert abs(near[0, 1]) < 0.2


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="poppler is absent")
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_pdf_shows_the_colours_in_their_places(tmp_path: Path, paper: str) -> None:
    """As another program renders it; read as any photo is."""
    write_chart(tmp_path / "c.pdf", paper=paper)
    options = ["-r", "100", "-png", "-singlefile"]
    subprocess.run(["pdftoppm", *options, tmp_path / "c.pdf", tmp_path / "p"], check=True)
    page = evenly(np.ascontiguousarray(imread(tmp_path / "p.png")[..., :3]))
    chart = find_chart(page)
    assert chart.chart == Chart(paper)
    np.testing.assert_allclose(chart.matrix, np.diag([100 / 25.4] * 2 + [1]), atol=0.5)
    reading = read_patches(page, chart)
    seen = encoded(decoded(reading.colour) / reading.light)
    assert np.abs(255 * seen - colours()).max() < 3


def test_the_same_chart_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        write_chart(tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    picture = imread(tmp_path / "a.png")
    assert picture.shape == (2970, 2100, 3)


def test_perspective_is_the_rigs(photo: Picture) -> None:
    truth = homography(sheet().shape[:2], SIZE, Setting()) @ np.diag([SCALE, SCALE, 1])
    points = A4.patches_mm()
    expected = cv2.perspectiveTransform(points.reshape(-1, 1, 2), truth).reshape(points.shape)
    apart = np.linalg.norm(find_chart(photo)(points) - expected, axis=2)
    assert apart.max() < 0.3


def test_light_that_falls_off_is_taken_out() -> None:
    """Light known in closed form: a tilted plane, darker to one side by a half."""
    whole = sheet()
    y, x = np.mgrid[0 : whole.shape[0], 0 : whole.shape[1]]
    light = (0.3 + 0.3 * x / whole.shape[1]) * (0.8 + 0.2 * y / whole.shape[0])
    linear = decoded(whole.reshape(-1, 3) / 255) * light.reshape(-1, 1)
    taken = (255 * encoded(linear)).round().astype(np.uint8).reshape(whole.shape)
    reading = read_patches(taken, find_chart(taken))
    columns, rows = (A4.centres_mm * SCALE).astype(int).T
    np.testing.assert_allclose(reading.light, light[rows, columns][:, None].repeat(3, 1), rtol=0.02)
    seen = encoded(decoded(reading.colour) / reading.light)
    assert np.abs(255 * seen - colours()).max() < 3
    assert float(reading.residual.max()) < 0.01


def test_cielab_of_known_colours() -> None:
    """CIE 15: white is (100, 0, 0); 18 % grey has L* = 116 0.18^(1/3) - 16 = 49.5."""
    rows = np.stack([np.ones(3), encoded(np.full((1, 3), 0.18))[0]])
    np.testing.assert_allclose(lab(rows), np.array([[100, 0, 0], [49.50, 0, 0]]), atol=0.02)


def test_regressions_reproduce_what_they_can_express() -> None:
    rng = np.random.default_rng(0)
    paint, at = rng.random((200, 3)), rng.random((50, 3))
    plain = rng.normal(size=(4, 3))

    def straight(rows: Array) -> Array:
        return np.asarray(plain[0] + rows @ plain[1:])

    def cubic(rows: Array) -> Array:
        return np.asarray(straight(rows) + rows.prod(axis=1, keepdims=True) - rows**3)

    for smoothing in (0.01, 1.0):  # an affine map costs a smoothing spline nothing
        said = thin_plate(smoothing)(paint, straight(paint))(at)
        np.testing.assert_allclose(said, straight(at), atol=1e-8)
    exact = polynomial(3, ridge=1e-12)(paint, cubic(paint))(at)
    np.testing.assert_allclose(exact, cubic(at), atol=1e-6)
    close = thin_plate(0.0)(paint, cubic(paint))
    np.testing.assert_allclose(close(paint), cubic(paint), atol=1e-8)  # it interpolates


def test_what_is_held_out_does_not_tell_itself() -> None:
    rng = np.random.default_rng(1)
    paint, seen = rng.random((60, 3)), rng.random((60, 3))
    before = hold_out(thin_plate(0.1), paint, seen)
    seen[7] += 5
    after = hold_out(thin_plate(0.1), paint, seen)
    np.testing.assert_array_equal(before[7], after[7])
    assert np.abs(before[8] - after[8]).max() > 1e-3


def test_scatter_tells_gain_from_offset() -> None:
    """Rows made with known deviations: var(gain R + offset) = s_g^2 R^2 + s_o^2."""
    rng = np.random.default_rng(2)
    said = rng.random((40000, 3))
    noise = rng.normal(size=(2, *said.shape)) * np.array([0.05, 0.02])[:, None, None]
    gain, offset = scatter(said, said * (1 + noise[0]) + noise[1])
    np.testing.assert_allclose(gain, 0.05, rtol=0.05)
    np.testing.assert_allclose(offset, 0.02, rtol=0.05)


def test_the_held_out_error_on_the_rig(found: Calibration) -> None:
    assert found.errors.mean() < 3
    assert found.profile.held_out_de2000 == pytest.approx(found.errors.mean())


@pytest.fixture(scope="module")
def elsewhere() -> tuple[Array, Array]:
    """Another print in other colours, photographed from elsewhere: colours and what was seen."""
    rig, paint = VirtualRig(2), other_paint(3)
    taken = rig.photograph(rig.print(sheet(paint)), SIZE, OTHER)
    reading = read_patches(taken, find_chart(taken))
    inked = ~bare_paper()
    seen = encoded(0.88 * decoded(reading.colour) / reading.light)
    return paint[inked] / 255, seen[inked]


def predicted(calibration: Calibration, paint: Array) -> Array:
    colour = Encoded(torch.from_numpy(paint.T).float()[None, :, :, None])
    found: Array = calibration.profile(colour)[0, :, :, 0].T.double().numpy()
    return found


def test_the_profile_predicts_a_print_it_has_not_seen(
    found: Calibration, elsewhere: tuple[Array, Array]
) -> None:
    paint, seen = elsewhere
    error = de2000(encoded(predicted(found, paint)), seen).mean()
    plain = 0.04 + 0.84 * decoded(paint)  # the printer of no profile
    assert error < 3
    assert de2000(encoded(plain), seen).mean() > 4 * error


def test_the_uncertainty_covers_a_print_it_has_not_seen(
    found: Calibration, elsewhere: tuple[Array, Array]
) -> None:
    """Two standard deviations hold 95 % of normal errors, 75 % of any (Chebyshev)."""
    paint, seen = elsewhere
    said = predicted(found, paint)
    gain, offset = found.profile.gain_std_ratio.numpy(), found.profile.offset_std_ratio.numpy()
    spread = np.sqrt((gain * said) ** 2 + offset**2)
    inside = np.abs(decoded(seen) - said) <= 2 * spread
    assert inside.mean() > 0.85
    assert float(gain.max()) < 0.1
    assert float(offset.max()) < 0.03


def test_distinct_averages_the_paper() -> None:
    light = np.linspace(0.7, 0.9, len(colours()))[:, None].repeat(3, axis=1)
    paint, seen = distinct(light)
    assert len(paint) == len(seen) == 265
    assert (paint[-1] == 1).all()
    np.testing.assert_allclose(decoded(seen[-1:])[0], light[bare_paper()].mean(axis=0), atol=1e-6)


def test_the_picture_shows_what_was_found(photo: Picture, found: Calibration) -> None:
    """Half of each read area holds the prediction: where it is right, hardly anything changes."""
    drawn = found_picture(photo, found)
    assert drawn.shape == photo.shape
    inner = found.found(A4.patches_mm(0.5)[:, [0, 2, 3]].mean(axis=1)).astype(int)
    was, now = (picture[inner[:, 1], inner[:, 0]].astype(float) for picture in (photo, drawn))
    assert np.median(np.abs(was - now)) < 4
    off = replace(found, white_ratio=0.5)
    wrong = found_picture(photo, off)[inner[:, 1], inner[:, 0]].astype(float)
    assert np.median(np.abs(was - wrong)) > 20


def test_the_width_of_a_blurred_edge() -> None:
    """The steepest slope of a step blurred by deviation s is 1 / (sqrt(2 pi) s)."""
    square = np.full((400, 400), 220, np.uint8)
    square[100:300, 100:300] = 20
    corners = np.array([[[100.0, 100], [300, 100], [300, 300], [100, 300]]])
    for spread_px in (4.0, 8.0):
        blurred = np.asarray(cv2.GaussianBlur(square, (0, 0), spread_px), dtype=np.uint8)
        expected = np.sqrt(2 * np.pi) * spread_px / 200
        assert edge_width(blurred, corners) == pytest.approx(expected, rel=0.06)


def covered(photo: Picture, *corners: int) -> Picture:
    hidden, found = photo.copy(), find_chart(photo)
    for corner in corners:
        x, y = found(A4.markers_mm[corner]).mean(axis=0).astype(int)
        hidden[y - 40 : y + 40, x - 40 : x + 40] = 120
    return hidden


def curled(photo: Picture, reach_px: float = 60.0) -> Picture:
    """Bend the sheet into a wave."""
    places = np.indices(photo.shape[:2]).astype(np.float32)
    places[1] += reach_px * np.sin(2 * np.pi * places[0] / len(photo))
    bent = cv2.remap(photo, places[1], places[0], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(bent, dtype=np.uint8)


def sticker_sheet() -> Picture:
    """Show a marker of a sheet's first page."""
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_1000)
    desk = np.full((400, 400, 3), 200, np.uint8)
    desk[100:190, 100:190] = cv2.aruco.generateImageMarker(dictionary, 3, 90)[..., None]
    return desk


def test_photos_that_cannot_be_read(photo: Picture) -> None:
    small = cv2.resize(photo, None, fx=0.26, fy=0.26, interpolation=cv2.INTER_AREA)
    cases = {
        "no marker is found": np.full((300, 400, 3), 128, np.uint8),
        "a sticker sheet": sticker_sheet(),
        "without the top left marker": covered(photo, 0),
        "without the top left and the bottom right marker": covered(photo, 0, 2),
        "a sharp photo of the chart, got": cv2.GaussianBlur(photo, (0, 0), 3.0),
        "white paper at 30 % of full scale or more, got": (photo * 0.3).astype(np.uint8),
        "not overexposed, got": np.minimum(photo * 1.6, 255).astype(np.uint8),
        "patches of at least 10 px, got": small,
        "a flat sheet": curled(photo),
    }
    for told, picture in cases.items():
        with pytest.raises(UserError, match=r"^photo: expected") as caught:
            calibrate(picture)
        assert told in str(caught.value)


def test_paper_that_cannot_be(photo: Picture) -> None:
    with pytest.raises(UserError, match=r"white: expected a share .* got 88"):
        calibrate(photo, white_ratio=88)
