"""The street: stickers and backgrounds lie where they should, whatever the window."""

from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from matplotlib.path import Path
from torch import Tensor

from physadv.core import Linear, Printed, Sensor, declared, draw, generator, neutral
from physadv.core.pixels import pixel_grid
from physadv.patch import Mask
from physadv.scene import Backgrounds, Frame, Pose, StreetScene
from physadv.scene.background import SIDE, backdrop, backgrounds, bank
from physadv.scene.pose import plane_map
from physadv.scene.view import View
from tests.worlds import plain_street, two_bars

FRAME = Frame(Sensor(), torch.tensor([0.1]))


def conditions(scene: StreetScene, **pose: float) -> dict[str, Tensor]:
    posed = {f"pose.{name}": torch.tensor([value]) for name, value in pose.items()}
    return neutral(declared(scene), 1) | posed


def printed(mask: Mask, reflectance: float, width_px: int = 512) -> Printed:
    cover = mask.cover(width_px)
    return Printed(Linear(torch.full_like(cover, reflectance).expand(1, 3, -1, -1)), cover)


def drawn(scene: StreetScene, mask: Mask, reflectance: float, pose: dict[str, float]) -> Tensor:
    given = conditions(scene, **pose)
    (view,) = scene.views(given, FRAME)
    return scene.render(scene.surface(printed(mask, reflectance)), view, given)


def outlines(mask: Mask, view: View) -> Tensor:
    """Return the share (H,W) of 8 x 8 points a pixel inside the projected contours."""
    height, width = view.window.size
    points = (pixel_grid(height * 8, width * 8) / 8).reshape(-1, 2).numpy()
    inside = np.zeros(len(points), dtype=bool)
    for piece in mask.pieces_mm:
        inside |= Path(view.plane(torch.tensor(piece))[0].numpy()).contains_points(points)
    return torch.from_numpy(inside.reshape(height, 8, width, 8).mean(axis=(1, 3))).float()


@pytest.mark.parametrize(
    "pose",
    [
        {"distance_m": 4.0},
        {"distance_m": 8.0, "yaw_deg": 35.0, "x_ratio": 0.2},
        {"distance_m": 18.0, "yaw_deg": -20.0, "roll_deg": 4.0},
    ],
)
def test_stickers_cover_what_their_contours_enclose(pose: dict[str, float]) -> None:
    """White less black sticker is their cover; compare with points in polygons."""
    scene, mask = plain_street(), two_bars()
    difference = drawn(scene, mask, 1.0, pose) - drawn(scene, mask, 0.0, pose)
    (view,) = scene.views(conditions(scene, **pose), FRAME)
    wanted = outlines(mask, view)
    for channel in difference[0]:
        assert float(channel.sum()) == pytest.approx(float(wanted.sum()), rel=0.01)
        rim = float((wanted % 1 > 0).sum())
        assert float((channel - wanted).abs().sum()) < 0.3 * rim
        assert centre(channel) == pytest.approx(centre(wanted), abs=0.15)


def centre(weight: Tensor) -> list[float]:
    rows, columns = (weight.sum(dim=k) / weight.sum() for k in (1, 0))
    return [float((line * torch.arange(len(line))).sum()) for line in (rows, columns)]


def test_a_sticker_covers_what_is_below_it_and_nothing_else() -> None:
    """With the sign's own light under it, ink is seen only inside its contours."""
    scene, mask, pose = plain_street(), two_bars(), {"distance_m": 6.0}
    given = conditions(scene, **pose)
    (view,) = scene.views(given, FRAME)
    bare = scene.render(scene.surface(None), view, given)
    inked = scene.render(scene.surface(printed(mask, 0.7)), view, given)
    wanted = outlines(mask, view)
    far = torch.nn.functional.max_pool2d(wanted[None, None], 7, 1, 3)[0, 0] == 0
    deep = -torch.nn.functional.max_pool2d(-wanted[None, None], 7, 1, 3)[0, 0] == 1
    torch.testing.assert_close(inked[:, :, far], bare[:, :, far], atol=1e-3, rtol=0)
    even = torch.full_like(inked[:, :, deep], 0.7)
    torch.testing.assert_close(inked[:, :, deep], even, atol=1e-3, rtol=0)
    assert float((bare[:, :, deep] - 0.7).abs().min()) > 0.01


def test_the_background_is_seen_around_the_sign() -> None:
    scene = plain_street(grey=0.123)
    given = conditions(scene, distance_m=5.0)
    (view,) = scene.views(given, Frame(Sensor(), torch.tensor([0.4])))
    seen = scene.render(scene.surface(None), view, given)
    around = torch.cat([seen[..., :3, :].flatten(), seen[..., -3:].flatten()])
    torch.testing.assert_close(around, torch.full_like(around, 0.123))


def framed(margin: float, most_px: int | None = None, **pose: float) -> View:
    """Return how a stop sign is seen in a window with free space around it."""
    frame = Frame(Sensor(), torch.tensor([margin]), most_px=most_px)
    return plain_street().views(conditions(plain_street(), **pose), frame)[0]


def row(**values: float) -> dict[str, Tensor]:
    return {name: torch.tensor([value]) for name, value in values.items()}


RATIO = st.floats(0, 1)


@settings(max_examples=40, deadline=None)
@over(RATIO, RATIO, st.floats(0.25, 1), st.floats(2, 25), st.sampled_from([0.0, 0.1, 1.0]))
def test_background_cuts_stay_inside(
    x: float, y: float, part: float, distance_m: float, margin: float
) -> None:
    """A white picture between black ones, and black below: what leaks in would turn it grey."""
    view = framed(margin, distance_m=distance_m)
    given = row(which=1.0, x_ratio=x, y_ratio=y, part_ratio=part, gain_ev=0.0)
    seen = backdrop(one_white(), view, given)
    assert seen.shape == (1, 3, *view.window.size)
    torch.testing.assert_close(seen, torch.ones_like(seen), atol=1e-3, rtol=0)


@lru_cache
def one_white() -> Backgrounds:
    pictures = torch.zeros(18, 3, SIDE, SIDE)
    pictures[1] = 1
    return bank(Linear(pictures))


@lru_cache
def ramps() -> Backgrounds:
    """Return a picture whose red and green are the shares of its width and of its height."""
    y, x = torch.meshgrid(*[(torch.arange(SIDE) + 0.5) / SIDE] * 2, indexing="ij")
    return bank(Linear(torch.stack([x, y, x])[None]))


@pytest.mark.parametrize("most_px", [None, 64])
@pytest.mark.parametrize("margin", [0.0, 0.5])
@pytest.mark.parametrize("distance_m", [5.0, 12.0, 25.0])
def test_a_cut_is_the_part_it_names(distance_m: float, margin: float, most_px: int | None) -> None:
    """It lies behind 1.5 times the sign's box on the sensor, whatever the window's pixels are.

    Beyond the picture's edges is the picture in a mirror.
    """
    pose = {"distance_m": distance_m, "yaw_deg": 20.0, "x_ratio": 0.1}
    view, design = framed(margin, most_px, **pose), plain_street().design
    posed = neutral(declared(Pose()), 1) | row(**pose)
    outline = plane_map(design.size_mm, Sensor(), posed)(torch.tensor(design.outline_mm))[0]
    low, high = outline.amin(dim=0), outline.amax(dim=0)
    away = (view.window.pixels()[0] - (low + high) / 2) / (1.5 * (high - low).max())
    given = row(which=0.0, x_ratio=1.0, y_ratio=0.5, part_ratio=0.5, gain_ev=1.0)
    seen = backdrop(ramps(), view, given)[0] / 2
    wanted = (torch.tensor([0.75, 0.5]) + away / 2).expand(*view.window.size, 2)
    assert margin == 0 or bool((wanted > 1.05).any())
    wanted = 1 - (1 - wanted.abs()).abs()
    inside = (wanted > 0.02) & (wanted < 0.98)
    found = seen[:2].permute(1, 2, 0)
    torch.testing.assert_close(found[inside], wanted[inside], atol=0.001, rtol=0)
    torch.testing.assert_close(found, wanted, atol=0.011, rtol=0)  # half a texel of the last level


@pytest.mark.parametrize("distance_m", [4.0, 9.0, 20.0])
def test_a_larger_window_shows_the_same_background(distance_m: float) -> None:
    """With more around it; to the rounding of places in the tall picture of all of them."""
    drawn = draw(declared(StreetScene(plain_street().design).background), 6, generator(2))
    small, large = (framed(margin, distance_m=distance_m, yaw_deg=15.0) for margin in (0.0, 0.6))
    side, shift = small.window.size[0], small.window.origin_px - large.window.origin_px
    assert large.window.size[0] > side
    x, y = (int(offset) for offset in shift[0])
    for k in range(6):
        given = {name: value[k : k + 1] for name, value in drawn.items()}
        whole, cut = (backdrop(backgrounds(), view, given) for view in (large, small))
        same = whole[..., y : y + side, x : x + side]
        torch.testing.assert_close(same, cut, atol=5e-4, rtol=0)


def test_the_shipped_backgrounds_are_photos_in_range() -> None:
    source, view = backgrounds(), framed(0.1, distance_m=12.0)
    drawn = draw(declared(StreetScene(plain_street().design).background), 24, generator(0))
    for k in range(24):
        given = {name: value[k : k + 1] for name, value in drawn.items()}
        seen = backdrop(source, view, given | {"gain_ev": torch.zeros(1)})
        assert bool(seen.isfinite().all())
        assert float(seen.min()) >= 0
        assert float(seen.max()) <= 1 + 1e-5
    assert len(source) >= 10


def test_a_batch_is_rendered_row_by_row() -> None:
    scene = StreetScene(plain_street().design, pose=Pose())
    given = draw(declared(scene), 4, generator(1)) | {"pose.distance_m": torch.full((4,), 9.0)}
    surface = scene.surface(printed(two_bars(), 0.5))
    for view in scene.views(given, Frame(Sensor(), torch.full((4,), 0.1))):
        whole = scene.render(surface, view, given)
        for k, n in enumerate(view.rows.tolist()):
            mine = {name: value[n : n + 1] for name, value in given.items()}
            (only,) = scene.views(mine, FRAME)
            alone = scene.render(surface, only, mine)
            torch.testing.assert_close(whole[k : k + 1], alone, atol=2e-4, rtol=0)
