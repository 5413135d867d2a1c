"""The one resample: against 8 x 8 samples a pixel, without shimmer, the same in any window."""

import itertools
from functools import lru_cache

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.core import PlaneMap, Sensor, declared, generator, neutral
from physadv.core.pixels import pixel_grid
from physadv.scene import Pose, sign, texture
from physadv.scene.pose import plane_map
from physadv.scene.signs import render
from physadv.scene.texture import LEVEL_BIAS, atlas, look_up, sample
from physadv.scene.view import View, views

STOP = sign("stop")
FINE = 8
DISTANCES_M = (4.5, 6.5, 9.0, 13.0, 20.0)
YAWS_DEG = (0.0, 20.0, 40.0)


def view(**pose: float) -> View:
    """Return how a stop sign is seen, a little turned in all directions."""
    tilted = neutral(declared(Pose()), 1) | {
        name: torch.tensor([value])
        for name, value in {"pitch_deg": 3.0, "roll_deg": 2.0, "x_ratio": 0.1, **pose}.items()
    }
    plane = plane_map(STOP.size_mm, Sensor(), tilted)
    return views(plane, torch.tensor(STOP.outline_mm), Sensor(), torch.tensor([0.1]))[0]


def stickers() -> Tensor:
    """Return black and white cells of 15 mm on the sign, the hardest that theta can hold."""
    cells = torch.rand(1, 3, 60, 60, generator=generator(1)).round()
    face = render(STOP, 512)
    return torch.cat([interpolate(cells, (512, 512)) * face.cover, face.cover], dim=1)


def bare() -> Tensor:
    face = render(STOP, 512)
    return torch.cat([face.texture * face.cover, face.cover], dim=1)


def supersampled(surface: Tensor, seen: View) -> Tensor:
    """Return the mean of 8 x 8 nearest look-ups a pixel, in double precision."""
    height, width = seen.window.size
    points = pixel_grid(height * FINE, width * FINE).double() / FINE
    back = torch.linalg.inv(seen.plane.matrix.double())
    texels = PlaneMap(back)(points.reshape(-1, 2))[0] / STOP.size_mm[1] * surface.shape[-1]
    x, y = texels.floor().long().unbind(-1)
    last = surface.shape[-1] - 1
    inside = (x >= 0) & (x <= last) & (y >= 0) & (y <= last)
    values = surface[0, :, y.clamp(0, last), x.clamp(0, last)] * inside
    return values.reshape(1, -1, height, FINE, width, FINE).mean(dim=(3, 5))


@lru_cache
def cases() -> list[tuple[View, Tensor]]:
    """Return views and how the bare sign and the stickers are seen there, (1,8,H,W)."""
    surfaces = torch.cat([bare(), stickers()], dim=1)
    seen = [view(distance_m=d, yaw_deg=y) for d, y in itertools.product(DISTANCES_M, YAWS_DEG)]
    return [(one, supersampled(surfaces, one)) for one in seen]


def errors(what: str, bias: float, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Return the mean error on the sign for each distance and yaw, (distances, yaws)."""
    monkeypatch.setattr(texture, "LEVEL_BIAS", bias)
    pyramid = atlas(bare() if what == "bare" else stickers())
    found = []
    for seen, both in cases():
        right = both[:, :4] if what == "bare" else both[:, 4:]
        colour = sample(pyramid, *look_up(seen.plane, seen.window.size, STOP.size_mm[1] / 512))
        inside = right[:, 3] > 0
        off = (colour - right).abs()[:, :3].mean(dim=1)
        found.append(float(off[inside].mean()))
    return torch.tensor(found).reshape(len(DISTANCES_M), len(YAWS_DEG))


@pytest.mark.parametrize(
    ("what", "mean", "worst"), [("bare", 0.007, 0.015), ("stickers", 0.04, 0.07)]
)
def test_sampling_is_near_a_supersampled_pixel(
    what: str, mean: float, worst: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = errors(what, LEVEL_BIAS, monkeypatch)
    assert float(found.mean()) < mean
    assert float(found.max()) < worst


@pytest.mark.parametrize("what", ["bare", "stickers"])
def test_the_level_is_well_chosen(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other bias is more than a fifth better, and the obvious ones are much worse."""
    own = float(errors(what, LEVEL_BIAS, monkeypatch).mean())
    others = {
        bias: float(errors(what, bias, monkeypatch).mean())
        for bias in (-9.0, -1.25, -1.0, -0.75, -0.5, -0.25, 0.0, 0.5)
    }
    assert own <= 1.2 * min(others.values())
    assert others[-9.0] > 1.5 * own  # no pyramid at all
    assert others[0.0] > 1.5 * own


@pytest.mark.parametrize("cell_mm", [9.0, 12.5, 18.0])
def test_fine_cells_do_not_shimmer(cell_mm: float) -> None:
    """The mean brightness of a checker does not depend on where in a pixel it begins."""
    line = ((torch.arange(1024) + 0.5) / 1024 * STOP.size_mm[1] / cell_mm).floor()
    checker = ((line[:, None] + line) % 2)[None, None]
    pyramid = atlas(checker)
    for distance in (8.0, 14.0, 20.0):
        means = []
        for shift in range(6):
            seen = view(distance_m=distance, yaw_deg=10.0, x_ratio=0.1 + shift / 6 / 1280)
            size, texel_mm = seen.window.size, STOP.size_mm[1] / 1024
            texels, level = look_up(seen.plane, size, texel_mm)
            weight = soft_disc(texels)
            means.append(float((sample(pyramid, texels, level) * weight).sum() / weight.sum()))
        assert max(means) - min(means) < 0.01
        assert means[0] == pytest.approx(0.5, abs=0.02)


def soft_disc(texels: Tensor) -> Tensor:
    """Return a weight (1,1,H,W) that falls smoothly to 0 at the sign's rim."""
    radius = ((texels / 512 - 1) ** 2).sum(dim=-1).sqrt()
    return torch.cos(radius.clamp(max=1) * torch.pi / 2)[:, None] ** 2


def test_a_larger_window_shows_the_same() -> None:
    seen = view(distance_m=6.0, yaw_deg=25.0)
    side, edge = seen.window.size[0], 16
    shift = torch.tensor([[1.0, 0.0, edge], [0.0, 1.0, edge], [0.0, 0.0, 1.0]])
    wider = PlaneMap(shift @ seen.plane.matrix)
    pyramid, texel_mm = atlas(stickers()), STOP.size_mm[1] / 512
    small = sample(pyramid, *look_up(seen.plane, (side, side), texel_mm))
    large = sample(pyramid, *look_up(wider, (side + 2 * edge, side + 2 * edge), texel_mm))
    torch.testing.assert_close(large[..., edge:-edge, edge:-edge], small, atol=2e-3, rtol=0)


@pytest.mark.parametrize("size", [(64, 64), (100, 70), (33, 129)])
def test_levels_lie_in_the_atlas_as_it_says(size: tuple[int, int]) -> None:
    source = torch.rand(2, 3, *size, generator=generator(2))
    found = atlas(source)
    step = 2 ** (len(found.sizes) - 1)
    level = torch.nn.functional.pad(source, (0, -size[1] % step, 0, -size[0] % step))
    total = found.pixels.sum()
    for (x, y), (w, h) in zip(found.offsets.tolist(), found.sizes.tolist(), strict=True):
        torch.testing.assert_close(found.pixels[..., y : y + h, x : x + w], level)
        total -= level.sum()
        level = torch.nn.functional.avg_pool2d(level, 2)
    assert float(total) == pytest.approx(0, abs=0.05)  # gaps are empty
    assert found.width == size[1]


def test_texel_centres_are_read_exactly_and_outside_is_empty() -> None:
    source = torch.rand(1, 3, 32, 48, generator=generator(3))
    found = atlas(source)
    grid = pixel_grid(32, 48)[None]
    level = torch.zeros(1)
    torch.testing.assert_close(sample(found, grid, level), source, atol=1e-5, rtol=0)
    for moved in (grid + torch.tensor([50.0, 0.0]), grid - torch.tensor([0.0, 34.0])):
        assert float(sample(found, moved, level).abs().max()) == 0


def test_a_batch_is_sampled_row_by_row() -> None:
    rows = [view(distance_m=d, yaw_deg=10.0) for d in (8.0, 8.5, 9.0)]
    planes = PlaneMap(torch.cat([row.plane.matrix for row in rows]))
    pyramid = atlas(stickers())
    whole = sample(pyramid, *look_up(planes, (64, 64), 2.0))
    for k, row in enumerate(rows):
        alone = sample(pyramid, *look_up(row.plane, (64, 64), 2.0))
        torch.testing.assert_close(whole[k : k + 1], alone, atol=1e-4, rtol=0)


def test_large_rasters_get_more_levels() -> None:
    """A sign of 1024 texels may be far away: its coarsest level is as coarse as of 512."""
    assert [len(atlas(torch.ones(1, 1, w, w)).sizes) for w in (16, 512, 1024, 1500)] == [5, 5, 6, 7]
