"""Fog, dirt and occlusion: published formulas, shares as set, one row at a time."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from physadv.core import Linear, Sight, Span, at_rest, declared, draw, generator, neutral, take
from physadv.core.pixels import pixel_grid
from physadv.scene.dirt import Dirt, blots, pixel_mm
from physadv.scene.fog import Fog
from physadv.scene.occlusion import Occlusion

SIZE = (900.0, 900.0)


def sight(n: int, pixel: float = 15.0, side: int = 60, far_m: float = 8.0) -> Sight:
    """Return windows of `side` pixels about the sign's middle, each pixel `pixel` mm wide."""
    points = (pixel_grid(side, side) - side / 2) * pixel + 450
    eye = torch.tensor([[450.0, 450.0, far_m * 1000]])
    return Sight(points.repeat(n, 1, 1, 1), eye.repeat(n, 1), SIZE)


def fog(visibility: float, airlight: float = 0.8, behind: float = 60.0) -> dict[str, Tensor]:
    values = (visibility, airlight, behind)
    names = ("visibility_m", "airlight_ratio", "background_m")
    return {name: torch.tensor([value]) for name, value in zip(names, values, strict=True)}


def test_contrast_at_the_visibility_is_a_twentieth() -> None:
    """The definition of the meteorological optical range (WMO-No. 8)."""
    through = Fog().transmittance(torch.tensor([150.0]), fog(150.0))
    assert float(through) == pytest.approx(0.05, rel=1e-5)


@pytest.mark.parametrize("far", [3.0, 20.0])
def test_fog_is_koschmieders_law(far: float) -> None:
    t = math.exp(-3.0 * far / 80)  # 3 / V is the usual rounding of ln 20 = 2.996
    layer = torch.cat([torch.full((1, 3, 4, 4), 0.3), torch.full((1, 1, 4, 4), 0.5)], dim=1)
    found = Fog().before_sign(layer, sight(1, far_m=far), fog(80.0, 0.9))
    assert float(found[0, 0, 0, 0]) == pytest.approx(0.3 * t + 0.9 * (1 - t) * 0.5, rel=2e-3)
    assert torch.equal(found[:, 3:], layer[:, 3:])
    behind = Fog().before_background(Linear(torch.full((1, 3, 4, 4), 0.3)), fog(80.0, 0.9, far))
    assert float(behind[0, 0, 0, 0]) == pytest.approx(0.3 * t + 0.9 * (1 - t), rel=2e-3)


def test_fog_before_fog_is_fog_over_the_whole_way() -> None:
    """The law is a semigroup: 20 m and then 30 m are 50 m."""
    start = Linear(torch.rand(1, 3, 4, 4, generator=generator(0)))
    twice = Fog().before_background(
        Fog().before_background(start, fog(90.0, behind=20.0)), fog(90.0, behind=30.0)
    )
    torch.testing.assert_close(twice, Fog().before_background(start, fog(90.0, behind=50.0)))


def test_clear_air_is_exactly_the_identity() -> None:
    given = neutral(declared(Fog()), 2)
    layer = torch.rand(2, 4, 60, 60, generator=generator(0))
    assert torch.equal(Fog().before_sign(layer, sight(2), given), layer)
    light = Linear(layer[:, :3])
    assert torch.equal(Fog().before_background(light, given), light)
    assert at_rest(Fog()).visibility_m.idle


def pattern(
    n: int, share: float, blot: float = 120.0, pixel: float = 15.0, edge: float = 0.1
) -> Tensor:
    seeds = torch.randint(2**24, (n,), generator=generator(1)).float()
    size, wanted = torch.full((n,), blot), torch.full((n,), share)
    return blots(sight(n, pixel), seeds, size, wanted, edge_ratio=edge)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("pixel", [4.0, 15.0, 90.0])
def test_blots_cover_the_share_that_is_asked_for(share: float, pixel: float) -> None:
    """However coarse the pixels are; within four standard errors over the seeds."""
    means = pattern(200, share, pixel=pixel).mean(dim=(1, 2, 3))
    error = float(means.std()) / math.sqrt(200)
    assert float(means.mean()) == pytest.approx(share, abs=4 * error + 0.004)


def test_no_dirt_is_exactly_none_and_all_dirt_is_all() -> None:
    assert torch.equal(pattern(4, 0.0), torch.zeros(4, 1, 60, 60))
    assert torch.equal(pattern(4, 1.0), torch.ones(4, 1, 60, 60))


def test_blots_have_the_size_that_is_asked_for() -> None:
    """Twice the size halves the length of the edge: total variation is the measure."""
    small, large = (
        float(pattern(100, 0.3, blot=size, pixel=4.0).diff(dim=3).abs().mean())
        for size in (60, 120)
    )
    assert small / large == pytest.approx(2, rel=0.15)


def test_edges_are_as_soft_as_is_asked_for() -> None:
    """A normal distribution's steepest slope is inverse to its width; pixels here are tiny."""
    sharp, soft = (
        float(pattern(100, 0.3, pixel=0.3, edge=edge).diff(dim=3).abs().max())
        for edge in (0.2, 0.4)
    )
    assert sharp / soft == pytest.approx(2, rel=0.1)


def test_coarse_pixels_see_the_mean_of_fine_ones() -> None:
    """Against 12 x 12 samples a pixel the average is right, and far better than one sample."""
    seeds = torch.arange(40).float()
    size, share = torch.full((40,), 60.0), torch.full((40,), 0.3)

    def seen(window: Sight) -> Tensor:
        return blots(window, seeds, size, share, edge_ratio=0.1)

    fine = torch.nn.functional.avg_pool2d(seen(sight(40, 5.0, 144)), 12)
    coarse = seen(sight(40, 60.0, 12))
    sampled = seen(sight(40, 5.0, 144))[..., 6::12, 6::12]
    off, off_sampled = ((one - fine).square().mean().sqrt() for one in (coarse, sampled))
    assert float(off) < 0.35 * float(off_sampled)
    assert float(torch.corrcoef(torch.stack([coarse.flatten(), fine.flatten()]))[0, 1]) > 0.8


def test_blots_of_different_seeds_are_unrelated() -> None:
    found = pattern(60, 0.3, blot=60.0).flatten(1)
    between = torch.corrcoef(found)[~torch.eye(60, dtype=torch.bool)]
    assert float(between.mean().abs()) < 0.02
    assert float(between.abs().max()) < 0.8


def test_a_pixel_is_as_large_as_its_step() -> None:
    torch.testing.assert_close(pixel_mm(sight(2, 7.5)), torch.tensor([7.5, 7.5]))


def test_dirt_goes_from_mud_to_dust() -> None:
    given = neutral(declared(Dirt()), 3) | {"dryness_ratio": torch.tensor([0.0, 0.5, 1.0])}
    colour = Dirt().colour(given)[..., 0, 0]
    assert colour.shape == (3, 3)
    torch.testing.assert_close(colour[1], (colour[0] + colour[2]) / 2)
    assert bool((colour.diff(dim=0) > 0).all())


def occluded(n: int, **values: float) -> dict[str, Tensor]:
    given = draw(declared(Occlusion()), n, generator(2))
    return given | {name: torch.full((n,), value) for name, value in values.items()}


@pytest.mark.parametrize("share", [0.05, 0.25])
def test_leaves_hide_the_share_that_is_asked_for(share: float) -> None:
    found = Occlusion().layer(sight(200), occluded(200, cover_ratio=share))[:, 3]
    means = found.mean(dim=(1, 2))
    error = float(means.std()) / math.sqrt(200)
    assert float(means.mean()) == pytest.approx(share, abs=4 * error + 0.004)


def test_a_pole_hides_its_width() -> None:
    given = occluded(1, cover_ratio=0.0, pole_mm=67.0, pole_x_mm=100.0)
    layer = Occlusion().layer(sight(1), given)
    assert float(layer[:, 3].mean()) == pytest.approx(67 / 900, rel=1e-4)
    columns = layer[0, 3].mean(dim=0)
    middle = float((columns * sight(1).points_mm[0, 0, :, 0]).sum() / columns.sum())
    assert middle == pytest.approx(550, abs=1)  # the pixels are 15 mm wide


def test_leaves_lie_over_the_pole() -> None:
    given = occluded(3, cover_ratio=0.4, pole_mm=300.0)
    whole, leaves, pole = (
        part(sight(3), given) for part in (Occlusion().layer, Occlusion().leaves, Occlusion().pole)
    )
    torch.testing.assert_close(1 - whole[:, 3:], (1 - leaves) * (1 - pole))
    assert bool((whole[:, :3] <= whole[:, 3:] + 1e-6).all())


def test_nothing_before_the_sign_is_exactly_nothing() -> None:
    given = occluded(3, cover_ratio=0.0, pole_mm=0.0)
    assert torch.equal(Occlusion().layer(sight(3), given), torch.zeros(3, 4, 60, 60))
    assert at_rest(Occlusion()).idle
    assert not Occlusion(cover_ratio=Span.at(0.0, neutral=0.0), pole_mm=Span(0.0, 9.0)).idle


def test_weather_falls_row_by_row() -> None:
    near, far = sight(2, 5.0), sight(2, 70.0)
    both = replace(
        near,
        points_mm=torch.cat([near.points_mm, far.points_mm]),
        eye_mm=torch.cat([near.eye_mm, far.eye_mm]),
    )
    soiled, hidden = draw(declared(Dirt()), 4, generator(3)), occluded(4)
    for row in range(4):
        some = slice(row, row + 1)
        one = replace(both, points_mm=both.points_mm[some], eye_mm=both.eye_mm[some])
        alone = Dirt().alpha(one, take(soiled, some))
        torch.testing.assert_close(Dirt().alpha(both, soiled)[some], alone, atol=2e-4, rtol=0)
        alone = Occlusion().layer(one, take(hidden, some))
        torch.testing.assert_close(Occlusion().layer(both, hidden)[some], alone, atol=2e-4, rtol=0)
