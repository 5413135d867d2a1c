"""The street: stickers lie where they should, light at rest is none, backgrounds stay inside."""

import math

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
from physadv.scene import Backgrounds, Pose, SignLight, StreetScene
from physadv.scene.background import SIDE, backdrop, backgrounds
from physadv.scene.light import light_sign
from physadv.scene.texture import atlas
from physadv.scene.view import View
from tests.worlds import plain_background, plain_street, two_bars

SENSOR = Sensor()
MARGIN = torch.tensor([0.1])


def conditions(scene: StreetScene, **pose: float) -> dict[str, Tensor]:
    posed = {f"pose.{name}": torch.tensor([value]) for name, value in pose.items()}
    return neutral(declared(scene), 1) | posed


def printed(mask: Mask, reflectance: float, width_px: int = 512) -> Printed:
    cover = mask.cover(width_px)
    return Printed(Linear(torch.full_like(cover, reflectance).expand(1, 3, -1, -1)), cover)


def drawn(scene: StreetScene, mask: Mask, reflectance: float, pose: dict[str, float]) -> Tensor:
    given = conditions(scene, **pose)
    (view,) = scene.views(given, SENSOR, MARGIN, None)
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
    (view,) = scene.views(conditions(scene, **pose), SENSOR, MARGIN, None)
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
    (view,) = scene.views(given, SENSOR, MARGIN, None)
    bare = scene.render(scene.surface(None), view, given)
    inked = scene.render(scene.surface(printed(mask, 0.7)), view, given)
    wanted = outlines(mask, view)
    far = torch.nn.functional.max_pool2d(wanted[None, None], 7, 1, 3)[0, 0] == 0
    deep = -torch.nn.functional.max_pool2d(-wanted[None, None], 7, 1, 3)[0, 0] == 1
    assert torch.equal(inked[:, :, far], bare[:, :, far])
    torch.testing.assert_close(inked[:, :, deep], torch.full_like(inked[:, :, deep], 0.7))
    assert float((bare[:, :, deep] - 0.7).abs().min()) > 0.01


def test_the_background_is_seen_around_the_sign() -> None:
    scene = plain_street(grey=0.123)
    given = conditions(scene, distance_m=5.0)
    (view,) = scene.views(given, SENSOR, torch.tensor([0.4]), None)
    seen = scene.render(scene.surface(None), view, given)
    around = torch.cat([seen[..., :3, :].flatten(), seen[..., -3:].flatten()])
    torch.testing.assert_close(around, torch.full_like(around, 0.123))


def layer(n: int = 3) -> Tensor:
    """Return a premultiplied layer (n,4,20,30)."""
    values = torch.rand(n, 4, 20, 30, generator=generator(0))
    return torch.cat([values[:, :3] * values[:, 3:], values[:, 3:]], dim=1)


def place() -> Tensor:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 20), torch.linspace(-1, 1, 30), indexing="ij")
    return torch.stack([x, y], dim=-1)[None].repeat(3, 1, 1, 1)


def test_light_at_rest_is_the_identity() -> None:
    assert torch.equal(light_sign(layer(), place(), neutral(declared(SignLight()), 3)), layer())


def test_the_slope_is_in_stops_from_edge_to_edge() -> None:
    given = neutral(declared(SignLight()), 3) | {
        "slope_ev": torch.tensor([1.0, 1.0, 0.5]),
        "slope_deg": torch.tensor([0.0, 90.0, 180.0]),
    }
    ratio = (light_sign(layer(), place(), given) / layer())[:, 0]
    torch.testing.assert_close(ratio[0, :, -1] / ratio[0, :, 0], torch.full((20,), 2.0))
    torch.testing.assert_close(ratio[1, -1] / ratio[1, 0], torch.full((30,), 2.0))
    torch.testing.assert_close(ratio[2, :, 0] / ratio[2, :, -1], torch.full((20,), math.sqrt(2)))


def test_the_veil_adds_white_and_keeps_it() -> None:
    given = neutral(declared(SignLight()), 3) | {"veil_ratio": torch.full((3,), 0.1)}
    white = torch.ones(3, 4, 20, 30)
    assert torch.allclose(light_sign(white, place(), given), white)
    black = torch.cat([torch.zeros(3, 3, 20, 30), torch.ones(3, 1, 20, 30)], dim=1)
    assert torch.allclose(light_sign(black, place(), given)[:, :3], torch.full((1,), 0.1))


@settings(max_examples=40, deadline=None)
@over(
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.25, 1),
    st.sampled_from([(48, 48), (64, 64), (320, 320), (64, 48)]),
)
def test_background_cuts_stay_inside(
    x: float, y: float, part: float, size: tuple[int, int]
) -> None:
    """Outside the picture the atlas is empty, so that white would turn grey."""
    given = {"which": 0.0, "x_ratio": x, "y_ratio": y, "part_ratio": part, "gain_ev": 0.0}
    rows = {name: torch.tensor([value]) for name, value in given.items()}
    seen = backdrop(plain_background(1.0), size, rows)
    assert seen.shape == (1, 3, *size)
    torch.testing.assert_close(seen, torch.ones_like(seen))


def test_a_cut_is_the_part_it_names() -> None:
    """A picture that is its own coordinates shows where the cut lies."""
    y, x = torch.meshgrid(*[(torch.arange(SIDE) + 0.5) / SIDE] * 2, indexing="ij")
    source = Backgrounds(atlas(torch.stack([x, y, x])[None], levels=4))
    given = {"which": 0.0, "x_ratio": 1.0, "y_ratio": 0.5, "part_ratio": 0.5, "gain_ev": 1.0}
    seen = backdrop(source, (64, 64), {name: torch.tensor([v]) for name, v in given.items()})[0]
    share = (torch.arange(64) + 0.5) / 64 / 2
    torch.testing.assert_close(seen[0, 32] / 2, 0.5 + share, atol=0.003, rtol=0)
    torch.testing.assert_close(seen[1, :, 32] / 2, 0.25 + share, atol=0.003, rtol=0)


def test_the_shipped_backgrounds_are_photos_in_range() -> None:
    source = backgrounds()
    given = draw(declared(StreetScene(plain_street().design).background), 24, generator(0))
    seen = backdrop(source, (48, 48), given | {"gain_ev": torch.zeros(24)})
    assert bool(seen.isfinite().all())
    assert float(seen.min()) >= 0
    assert float(seen.max()) <= 1 + 1e-5
    assert len(source) >= 10


def test_a_batch_is_rendered_row_by_row() -> None:
    scene = StreetScene(plain_street().design, pose=Pose())
    given = draw(declared(scene), 4, generator(1)) | {"pose.distance_m": torch.full((4,), 9.0)}
    surface = scene.surface(printed(two_bars(), 0.5))
    for view in scene.views(given, SENSOR, MARGIN.repeat(4), None):
        whole = scene.render(surface, view, given)
        for k, row in enumerate(view.rows.tolist()):
            mine = {name: value[row : row + 1] for name, value in given.items()}
            (only,) = scene.views(mine, SENSOR, MARGIN, None)
            alone = scene.render(surface, only, mine)
            torch.testing.assert_close(whole[k : k + 1], alone, atol=2e-4, rtol=0)
