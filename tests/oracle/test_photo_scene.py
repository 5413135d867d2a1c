"""Real photos: exact homographies, ink where its contour projects, the photo's light recovered."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from physadv.core import (
    Linear,
    Printed,
    Sensor,
    UserError,
    declared,
    decode,
    draw,
    encode,
    generator,
    load_image,
    neutral,
    save_image,
)
from physadv.core.coverage import coverage
from physadv.core.types import Point
from physadv.presets import photo_world
from physadv.scene import (
    Frame,
    PhotoScene,
    Relight,
    SignPhoto,
    StreetScene,
    parse_box,
    parse_corners,
    photo_scene,
    read_photo,
    read_photos,
    sign,
)
from physadv.scene.photo_corners import Array, apply, box_plane, corner_plane, vertices
from physadv.scene.relight import fit_light
from tests.shared_data import DATA, needs_data

STOP = sign("us_stop")
SIZE = (400, 500)
OBLIQUE = ((120.0, 60.0), (330.0, 95.0), (320.0, 300.0), (110.0, 330.0))
FRAME = Frame(Sensor(), torch.tensor([0.1]))


def frame(name: str) -> Array:
    height, width = sign(name).size_mm
    return np.array([[0, 0], [width, 0], [width, height], [0, height]])


def pairs(points: Array) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in points)


@pytest.fixture
def photo_file(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    save_image(path, torch.rand(1, 3, *SIZE, generator=generator(3)))
    return path


def test_four_corners_are_met_exactly() -> None:
    plane = corner_plane(STOP, OBLIQUE, SIZE)
    assert np.abs(apply(plane, frame("us_stop")) - OBLIQUE).max() < 1e-9
    other = cv2.getPerspectiveTransform(frame("us_stop").astype("f4"), np.array(OBLIQUE, "f4"))
    assert np.abs(plane / plane[2, 2] - other).max() < 1e-4


@pytest.mark.parametrize("name", ["us_stop", "stop", "priority_road"])
def test_the_signs_own_corners_say_the_same_as_the_frames(name: str) -> None:
    """Octagon and square on its tip: their corners, where the frame's corners put them."""
    plane = corner_plane(sign(name), OBLIQUE, SIZE)
    own = apply(plane, vertices(sign(name)))
    found = corner_plane(sign(name), pairs(own), SIZE)
    assert np.abs(apply(found, frame(name)) - OBLIQUE).max() < 1e-6


def test_three_corners_of_a_triangle_are_an_affine_view() -> None:
    corners = ((100.0, 80.0), (300.0, 100.0), (190.0, 270.0))
    plane = corner_plane(sign("yield"), corners, SIZE)
    assert np.abs(apply(plane, vertices(sign("yield"))) - corners).max() < 1e-9
    assert plane[2] / plane[2, 2] == pytest.approx([0, 0, 1], abs=1e-12)


def test_vertices_of_rounded_signs_are_where_the_sides_meet() -> None:
    half = 300 * np.sqrt(2)
    middle = sign("priority_road").size_mm[0] / 2
    tips = np.array([[0, -half], [half, 0], [0, half], [-half, 0]]) + middle
    assert np.abs(vertices(sign("priority_road")) - tips).max() < 1e-6
    assert len(vertices(sign("no_entry"))) == 0


def test_a_box_carries_the_frame() -> None:
    plane = box_plane(STOP, (10, 20, 210, 170), SIZE)
    want = np.array([[10, 20], [210, 20], [210, 170], [10, 170]])
    assert np.abs(apply(plane, frame("us_stop")) - want).max() < 1e-9


def scene_of(light: Linear, plane: Array, relight: Relight) -> PhotoScene:
    placed = torch.from_numpy(plane / plane[2, 2]).float()
    return photo_scene(STOP, (SignPhoto("made", light, placed, relight),))


def patch(piece: tuple[Point, ...], reflectance: float) -> Printed:
    cover = torch.from_numpy(coverage(((piece,),), STOP.size_mm, (512, 512))).float()
    return Printed(Linear(torch.full((1, 3, 512, 512), reflectance)), cover[None, None])


def test_ink_lands_where_its_contour_projects() -> None:
    """A sheet of light 1 on a black photo is the exact coverage of the projected contour."""
    plane = corner_plane(STOP, OBLIQUE, SIZE)
    piece = ((200.0, 150.0), (550.0, 150.0), (550.0, 300.0), (200.0, 300.0))
    scene = scene_of(
        Linear(torch.zeros(1, 3, *SIZE)), plane, Relight(torch.tensor([1.0] * 3), torch.zeros(3))
    )
    given = neutral(declared(scene), 1)
    view = scene.views(given, FRAME)[0]
    seen = scene.render(scene.surface(patch(piece, 1.0)), view, given)[0, 0].numpy()
    shift = view.window.origin_px[0].numpy()
    contour = pairs(apply(plane, np.array(piece)) - shift)
    window = (float(view.window.size[0]), float(view.window.size[1]))
    want = coverage(((contour,),), window, view.window.size)
    assert np.abs(seen - want).mean() < 0.02 * want.mean()
    y, x = np.mgrid[: view.window.size[0], : view.window.size[1]] + 0.5
    for axis in (x, y):
        assert (seen * axis).sum() / seen.sum() == pytest.approx(
            (want * axis).sum() / want.sum(), abs=0.05
        )


def test_relit_ink_is_gain_times_reflectance_plus_offset() -> None:
    relight = Relight(torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.01, 0.02, 0.03]))
    piece = ((200.0, 200.0), (550.0, 200.0), (550.0, 550.0), (200.0, 550.0))
    scene = scene_of(Linear(torch.rand(1, 3, *SIZE)), corner_plane(STOP, OBLIQUE, SIZE), relight)
    given = neutral(declared(scene), 1)
    view = scene.views(given, FRAME)[0]
    seen = scene.render(scene.surface(patch(piece, 0.8)), view, given)
    x, y = view.plane(torch.tensor([[375.0, 375.0]]))[0, 0].long().tolist()
    assert seen[0, :, y, x].tolist() == pytest.approx([0.41, 0.34, 0.27], abs=1e-5)


LIT = {"distance_m": 3.0, "veil_ratio": 0.08, "yaw_deg": 25.0}
GAINS = {"bright": (0.9, 0.8, 0.7), "dark": (0.06, 0.05, 0.03), "warm": (0.8, 0.5, 0.25)}


def street_photo(name: str, gain: tuple[float, float, float]) -> tuple[Linear, torch.Tensor]:
    """Return a picture of a sign in the street under a known light, and its plane."""
    scene = StreetScene(sign(name))
    given = neutral(declared(scene), 1)
    for place in given:
        given[place][:] = LIT.get(place.rpartition(".")[2], given[place][0])
    view = scene.views(given, FRAME)[0]
    light = scene.render(scene.surface(None), view, given)
    return Linear(light * torch.tensor(gain).view(3, 1, 1)), view.plane.matrix[0]


@pytest.mark.parametrize("gain", GAINS.values(), ids=list(GAINS))
@pytest.mark.parametrize("name", ["us_stop", "yield", "speed_limit_50", "priority_road"])
def test_the_light_of_a_photo_is_recovered(name: str, gain: tuple[float, float, float]) -> None:
    light, plane = street_photo(name, gain)
    found = fit_light(sign(name), light, plane)
    want, veil = torch.tensor(gain), LIT["veil_ratio"]
    assert found.gain.tolist() == pytest.approx((want * (1 - veil)).tolist(), rel=0.03)
    assert found.offset.tolist() == pytest.approx((want * veil).tolist(), rel=0.1)


def test_light_is_recovered_from_an_eight_bit_file(tmp_path: Path) -> None:
    light, plane = street_photo("us_stop", GAINS["warm"])
    path = tmp_path / "photo.png"
    save_image(path, encode(light))
    corners = pairs(apply(plane.double().numpy(), frame("us_stop")))
    found = read_photo(path, STOP, corners=corners).relight
    white = found.gain * 0.88 + found.offset
    want = torch.tensor(GAINS["warm"]) * (0.92 * 0.88 + 0.08)
    assert white.tolist() == pytest.approx(want.tolist(), rel=0.03)


def test_a_clipped_channel_does_not_lift_black_ink() -> None:
    """Over-exposed red and white are both 1 in red; the veil must come from green and blue."""
    light, plane = street_photo("us_stop", (2.2, 1.0, 1.0))
    found = fit_light(STOP, Linear(light.clamp(0, 1)), plane)
    assert found.offset.tolist() == pytest.approx([0.08] * 3, rel=0.15)


def test_glare_on_red_does_not_tint_white_ink() -> None:
    """On half of the sign red shines as bright as white in its own channel, or brighter."""
    light, plane = street_photo("us_stop", (0.6, 0.6, 0.6))
    half = light.shape[-1] // 2
    is_red = light[:, 1:2] < 0.1
    light[..., half:][:, :1] = torch.where(is_red[..., half:], 0.8, light[..., half:][:, :1])
    found = fit_light(STOP, light, plane)
    assert found.gain.tolist() == pytest.approx([0.6 * 0.92] * 3, rel=0.03)


def test_photos_are_read_as_images_are(tmp_path: Path) -> None:
    """EXIF rotation and transparency go through core's reader."""
    pixels = torch.rand(1, 3, 40, 60, generator=generator(1))
    save_image(tmp_path / "clear.png", pixels, torch.rand(1, 1, 40, 60, generator=generator(2)))
    array = (pixels[0] * 255).byte().permute(1, 2, 0).numpy()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(array).save(tmp_path / "turned.png", exif=exif)
    for name, size in (("clear.png", (40, 60)), ("turned.png", (60, 40))):
        (photo,) = read_photos([tmp_path / name], STOP)
        assert photo.light.shape[-2:] == size
        assert torch.equal(photo.light, decode(load_image(tmp_path / name)))


def test_large_photos_are_scaled_to_fit(tmp_path: Path) -> None:
    """A ramp keeps its values at the corners' places when cut and reduced."""
    path = tmp_path / "large.png"
    ramp = torch.linspace(0, 1, 1500).expand(1, 3, 1200, 1500)
    save_image(path, encode(Linear(ramp)))
    corners = ((500.0, 300.0), (1100.0, 320.0), (1080.0, 900.0), (480.0, 880.0))
    photo = read_photo(path, STOP, corners=corners, sign_px=200)
    outline = apply(photo.plane.double().numpy(), np.array(STOP.outline_mm))
    assert np.ptp(outline, axis=0).max() == pytest.approx(200, abs=0.5)
    assert max(photo.light.shape[-2:]) < 450
    found = apply(photo.plane.double().numpy(), frame("us_stop"))
    for (x, y), (big_x, _) in zip(found, corners, strict=True):
        assert float(photo.light[0, 0, int(y), int(x)]) == pytest.approx(big_x / 1500, abs=0.01)


def test_a_table_places_each_photo(photo_file: Path) -> None:
    boxes, points = photo_file.with_name("boxes.csv"), photo_file.with_name("points.csv")
    boxes.write_text("file,x1,y1,x2,y2\nphoto.png,10,20,210,220\n")
    points.write_text('file,corners\nphoto.png,"10,20 210,20 210,220 10,220"\n')
    (first,), (second,) = read_photos(boxes, STOP), read_photos(points, STOP)
    assert torch.allclose(first.plane, second.plane, atol=1e-5)
    assert first.name == "photo.png"


def test_points_and_boxes_are_read_from_text() -> None:
    assert parse_corners("1,2 3.5,4; 5,-6") == ((1, 2), (3.5, 4), (5, -6))
    assert parse_box("1, 2,3,4") == (1, 2, 3, 4)


BAD_CORNERS = {
    "1,2 3": "two numbers",
    "a,b c,d": "x,y",
    "10,10 90,10 90,90": "4 or 8 points",
    "10,10 10,90 90,90 90,10": "anticlockwise",
    "10,10 90,90 90,10 10,90": "crosses itself",
    "10,10 50,10 90,10 10,90": "three points in a line",
    "10,10 10,10 90,90 10,90": "two in one place",
    "10,10 14,10 14,14 10,14": "at least 8 x 8 px",
    "90,10 90,90 10,90 10,10": "turn the sign by 90 degrees",
    "10,10 9000,10 9000,90 10,90": "9000",
    "nan,10 90,10 90,90 10,90": "finite",
    "60,10 140,10 190,60 190,140 120,200 60,190 10,140 10,100": "px off",
}


@pytest.mark.parametrize("text", BAD_CORNERS)
def test_bad_corners_are_refused_in_one_line(text: str, photo_file: Path) -> None:
    with pytest.raises(UserError, match=BAD_CORNERS[text]) as caught:
        read_photo(photo_file, STOP, corners=parse_corners(text))
    assert str(caught.value).startswith("corners: expected ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("1,2,3", "four numbers"),
        ("1,2,x,4", "x1,y1,x2,y2"),
        ("90,10,10,90", "x1 < x2"),
        ("10,10,14,90", "at least 8 px"),
        ("2000,10,3000,90", "500 x 400 px"),
    ],
)
def test_bad_boxes_are_refused_in_one_line(text: str, word: str, photo_file: Path) -> None:
    with pytest.raises(UserError, match=word) as caught:
        read_photo(photo_file, STOP, box=parse_box(text))
    assert str(caught.value).startswith("box: expected ")


def test_bad_sources_are_refused(photo_file: Path, tmp_path: Path) -> None:
    table, empty = tmp_path / "t.csv", tmp_path / "empty"
    empty.mkdir()
    table.write_text("file,x1,y1,x2,y2\nphoto.png,10,20,210,220\nphoto.png,10,20,5,220\n")
    with pytest.raises(UserError, match=r"t\.csv line 3, box"):
        read_photos(table, STOP)
    table.write_text("name,box\n")
    with pytest.raises(UserError, match="a header"):
        read_photos(table, STOP)
    for source in (empty, tmp_path / "nowhere", photo_file):
        with pytest.raises(UserError, match="photos"):
            read_photos(source, STOP)
    with pytest.raises(UserError, match="neither"):
        read_photo(photo_file, STOP)
    with pytest.raises(UserError, match="at least one"):
        photo_scene(STOP, ())


@needs_data
def test_a_sticker_is_laid_on_all_forty_photos() -> None:
    """White ink is about as bright as the legend in the photo, black ink far below it."""
    photos = read_photos(DATA / "rp2" / "victims_256", STOP)
    assert len(photos) == 40
    scene = photo_scene(STOP, photos)
    given = neutral(declared(scene), 40)
    given["photo.which"] = torch.arange(40.0)
    piece = ((330.0, 80.0), (430.0, 80.0), (430.0, 150.0), (330.0, 150.0))
    for reflectance in (0.88, 0.04):
        surface = scene.surface(patch(piece, reflectance))
        for view in scene.views(given, Frame(Sensor(), torch.full((40,), 0.1))):
            seen = scene.render(surface, view, given)
            spots = view.plane(torch.tensor([[380.0, 115.0]]))[:, 0].long()
            for row, (x, y) in zip(view.rows.tolist(), spots.tolist(), strict=True):
                level = float(seen[view.rows == row, :, y, x].mean())
                middle = photos[row].light[..., 64:192, 64:192].mean(dim=1)
                legend = float(middle.flatten().quantile(0.9))
                low, high = (0.8, 1.3) if reflectance > 0.5 else (0.02, 0.25)
                assert low * legend < level < high * legend


@needs_data
def test_the_forty_photos_go_through_the_camera() -> None:
    world = photo_world(photo_scene(STOP, read_photos(DATA / "rp2" / "victims_256", STOP)))
    photo = world.photograph(None, draw(world.declared(), 6, generator(0)), (32, 32), hardly=True)
    assert photo.pixels.shape == (6, 3, 32, 32)
    assert bool(photo.pixels.isfinite().all())


@needs_data
def test_the_large_photo_is_brought_to_size() -> None:
    file = DATA / "rp2" / "misc" / "uw17-square.jpg"
    photo = read_photo(file, STOP, box=(0, 30, 2484, 2484))
    assert max(photo.light.shape[-2:]) == 400
    assert bool((photo.relight.gain > 0.3).all())
