"""What holds for every photo: no ink is the photo, edges repeat, rows are independent."""

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from physadv.core import (
    Linear,
    Printed,
    Sensor,
    below,
    declared,
    draw,
    generator,
    neutral,
    take,
)
from physadv.presets import PHOTO_CAMERA, photo_world
from physadv.scene import Frame, PhotoScene, Relight, SignPhoto, photo_scene, sign
from physadv.scene.photo_corners import box_plane
from physadv.scene.relight import fit_light
from physadv.scene.view import SIDES_PX

STOP = sign("us_stop")
SIZES = ((150, 200), (90, 80), (400, 300))


def made(size: tuple[int, int], seed: int) -> SignPhoto:
    """Return noise as a photo; the sign's box touches the left and lower edge."""
    light = Linear(torch.rand(1, 3, *size, generator=generator(seed)))
    box = (0.0, 0.2 * size[0], 0.6 * size[1], float(size[0]))
    plane = torch.from_numpy(box_plane(STOP, box, size)).float()
    relight = Relight(torch.tensor([0.5, 0.6, 0.7]), torch.tensor([0.03, 0.02, 0.01]))
    return SignPhoto(str(seed), light, plane / plane[2, 2], relight)


@pytest.fixture(scope="module")
def scene() -> PhotoScene:
    return photo_scene(STOP, tuple(made(size, k) for k, size in enumerate(SIZES)))


def disc(width: int = 256) -> Printed:
    centre = (torch.arange(width) + 0.5) / width - 0.5
    cover = (centre[None] ** 2 + centre[:, None] ** 2 < 0.04).float()[None, None]
    return Printed(Linear(torch.rand(1, 3, width, width, generator=generator(9))), cover)


def test_without_ink_the_photo_is_returned(scene: PhotoScene) -> None:
    """Inside the photo pixel by pixel, beyond its edges the edge's pixels."""
    given = draw(declared(scene), 12, generator(0))
    for view in scene.views(given, Frame(Sensor(), torch.full((12,), 0.2))):
        seen = scene.render(scene.surface(None), view, given)
        height, width = view.window.size
        assert height == width
        assert height in SIDES_PX
        for picture, row, corner in zip(seen, view.rows, view.window.origin_px.long(), strict=True):
            source = scene.photos[int(given["photo.which"][row])].light[0]
            y = (corner[1] + torch.arange(height)).clamp(0, source.shape[1] - 1)
            x = (corner[0] + torch.arange(width)).clamp(0, source.shape[2] - 1)
            assert float((picture - source[:, y][:, :, x]).abs().max()) < 1e-6


def test_ink_changes_nothing_outside_the_sign(scene: PhotoScene) -> None:
    given = neutral(declared(scene), 3) | {"photo.which": torch.arange(3.0)}
    everywhere = Printed(Linear(torch.ones(1, 3, 256, 256)), torch.ones(1, 1, 256, 256))
    for view in scene.views(given, Frame(Sensor(), torch.full((3,), 0.2))):
        bare = scene.render(scene.surface(None), view, given)
        seen = scene.render(scene.surface(everywhere), view, given)
        for k, (x1, y1, x2, y2) in enumerate(view.box_px.tolist()):
            outside = torch.ones(view.window.size, dtype=torch.bool)
            outside[int(y1) - 2 : int(y2) + 3, int(x1) - 2 : int(x2) + 3] = False
            assert torch.equal(seen[k, :, outside], bare[k, :, outside])


def test_a_batch_is_its_rows_one_by_one(scene: PhotoScene) -> None:
    given = draw(declared(scene), 6, generator(1))
    surface = scene.surface(disc())
    for view in scene.views(given, Frame(Sensor(), torch.full((6,), 0.1))):
        together = scene.render(surface, view, given)
        for k, row in enumerate(view.rows.tolist()):
            one = take(given, slice(row, row + 1))
            (alone,) = scene.views(one, Frame(Sensor(), torch.tensor([0.1])))
            assert torch.allclose(scene.render(surface, alone, one)[0], together[k], atol=1e-5)


@settings(max_examples=10, deadline=None)
@over(x_mm=st.floats(-60, 60), y_mm=st.floats(-60, 60))
def test_misplaced_stickers_move_by_millimetres(x_mm: float, y_mm: float) -> None:
    """White ink on black: its centroid moves by the offset times the pixels of a millimetre."""
    photo = made((400, 300), 0)
    relight = Relight(torch.ones(3), torch.zeros(3))
    black = SignPhoto("black", Linear(torch.zeros_like(photo.light)), photo.plane, relight)
    scene = photo_scene(STOP, (black,))
    given = neutral(declared(scene), 2)
    given["bend.offset_x_mm"][1] = x_mm
    given["bend.offset_y_mm"][1] = y_mm
    ink = Printed(Linear(torch.ones(1, 3, 256, 256)), disc().cover)
    (view,) = scene.views(given, Frame(Sensor(), torch.full((2,), 0.1)))
    seen = scene.render(scene.surface(ink), view, given)[:, 0]
    side = torch.arange(view.window.size[0]) + 0.5
    mass = seen.sum(dim=(1, 2))
    x, y = (seen.sum(1) * side).sum(1) / mass, (seen.sum(2) * side).sum(1) / mass
    scale = 180 / 750, 320 / 750
    assert float(x[1] - x[0]) == pytest.approx(x_mm * scale[0], abs=0.05)
    assert float(y[1] - y[0]) == pytest.approx(y_mm * scale[1], abs=0.05)


def test_turning_is_about_the_middle(scene: PhotoScene) -> None:
    """A disc in the middle does not change when it turns, if it is of one colour."""
    given = neutral(declared(scene), 2)
    given["bend.turn_deg"][1] = 40.0
    ink = Printed(Linear(torch.ones(1, 3, 256, 256)), disc().cover)
    (view,) = scene.views(given, Frame(Sensor(), torch.full((2,), 0.1)))
    seen = scene.render(scene.surface(ink), view, given)
    assert float((seen[0] - seen[1]).abs().mean()) < 2e-3


@settings(max_examples=20, deadline=None)
@over(seed=st.integers(0, 10**6), gain=st.floats(0, 1), power=st.floats(0.2, 5))
def test_relit_ink_keeps_its_order(seed: int, gain: float, power: float) -> None:
    """Whatever the picture shows, the gain is positive and the offset not negative."""
    light = gain * torch.rand(1, 3, 60, 60, generator=generator(seed)) ** power
    plane = torch.from_numpy(box_plane(STOP, (0, 0, 60, 60), (60, 60))).float()
    found = fit_light(STOP, Linear(light), plane)
    assert bool((found.gain > 0).all())
    assert bool((found.offset >= 0).all())


def test_the_gradient_reaches_the_ink(scene: PhotoScene) -> None:
    """Light is affine in reflectance: the gradient of a pixel's sum is gain times cover seen."""
    ink = disc()
    colour = ink.reflectance.clone().requires_grad_(True)
    given = neutral(declared(scene), 1)
    (view,) = scene.views(given, Frame(Sensor(), torch.tensor([0.1])))
    bare = scene.surface(Printed(Linear(torch.zeros_like(colour)), ink.cover))
    seen = scene.render(scene.surface(Printed(Linear(colour), ink.cover)), view, given)
    seen.sum().backward()
    assert colour.grad is not None
    drop = seen.sum() - scene.render(bare, view, given).sum()
    found = float((colour.grad * colour.detach()).sum())
    assert found == pytest.approx(float(drop.detach()), rel=1e-3)


def test_the_world_says_what_varies(scene: PhotoScene) -> None:
    """The judge clusters by photo; lens fall-off and shake are not put on a photo again."""
    world = photo_world(scene, label=14)
    names = world.declared()
    assert "scene.photo.which" in names
    assert "scene.bend.turn_deg" in names
    assert PHOTO_CAMERA.vignette.strength_ratio.idle
    assert PHOTO_CAMERA.motion_blur.blur_px.idle
    given = draw(names, 9, generator(2))
    assert set(below(given, "scene.photo")["which"].tolist()) <= {0.0, 1.0, 2.0}
    photo = world.photograph(None, given, (24, 32))
    assert photo.pixels.shape == (9, 3, 24, 32)
    assert photo.labels.tolist() == [14] * 9
