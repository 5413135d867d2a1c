"""Lens, hand and weather before the sensor: diffraction, shake, droplets and falling rain."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from scipy.special import j1
from torch import Tensor
from torch.nn.functional import avg_pool2d

from physadv.camera import disc_px
from physadv.camera.blur import offsets
from physadv.camera.diffraction import Diffraction, transfer
from physadv.camera.droplets import Droplets
from physadv.camera.scatter import chance
from physadv.camera.shake import Shake
from physadv.camera.streaks import Rain
from physadv.core import Linear, Sensor, Span, UserError, Window, generator
from physadv.testing import check_effect
from physadv.testing.effect import Effect

QUICK = settings(max_examples=30, deadline=None)
WIDE = Span(0.0, 16.0, neutral=0.0)


@pytest.mark.parametrize("effect", [Diffraction(), Shake(), Droplets(), Rain()], ids=repr)
def test_contract(effect: Effect) -> None:
    check_effect(effect)


def window(x: float, y: float, size: tuple[int, int], rows: int = 1, pitch: float = 1) -> Window:
    origin = torch.tensor([[x, y]]).repeat(rows, 1)
    return Window(origin, size, Sensor(), torch.full((rows,), pitch))


def airy_pixels(f_ratio: float, half: int) -> Tensor:
    """Return what pixels of 3 um get from an even one in the middle at 550 nm: Airy's pattern,
    through the overlap of two pixels, summed on a grid of 1/16 pixel."""
    step, reach = 1 / 16, 30
    line = np.arange(-reach, reach, step) + step / 2
    radius = np.hypot(line[:, None], line) * math.pi / (0.55 / 3 * f_ratio)
    light = (2 * j1(radius) / radius) ** 2
    overlap = np.clip(1 - np.abs(line - np.arange(-half, half + 1)[:, None]), 0, None)
    return torch.from_numpy(overlap @ (light / light.sum()) @ overlap.T).float()


def spot(f_ratio: float) -> Tensor:
    return Diffraction(Span(0.0, 5.6, neutral=0.0)).kernel({"f_ratio": torch.tensor([f_ratio])})[0]


@pytest.mark.parametrize("f_ratio", [1.6, 2.8, 5.6])
def test_the_diffraction_spot_is_airy_s(f_ratio: float) -> None:
    """But for the rings beyond the kernel, which are folded into it."""
    torch.testing.assert_close(spot(f_ratio), airy_pixels(f_ratio, 3), atol=2e-3, rtol=0)


@pytest.mark.parametrize("f_ratio", [1.4, 8.0])
def test_the_disc_of_a_thin_lens_is_that_of_its_rays(f_ratio: float) -> None:
    """Rays from the aperture's edge to where the thing's image lies, cut at the sensor."""
    focal, pixel, focus_m = 6.0, 3e-3, 8.0
    things = torch.tensor([2.0, 5.0, 8.0, 30.0], dtype=torch.float64)
    sensor = 1 / (1 / focal - 1 / (1000 * focus_m))
    image = 1 / (1 / focal - 1 / (1000 * things))
    radius = focal / f_ratio / 2 * (image - sensor).abs() / image / pixel
    found = disc_px(f_ratio, focus_m=focus_m, distance_m=things, focal_mm=focal, pixel_mm=pixel)
    torch.testing.assert_close(found, radius)


def test_a_lens_cannot_be_set_nearer_than_its_focal_length() -> None:
    with pytest.raises(UserError, match="beyond the focal length"):
        disc_px(2.0, focus_m=0.04, distance_m=torch.ones(1), focal_mm=50.0, pixel_mm=3e-3)


@QUICK
@over(st.floats(0, 16))
def test_the_diffraction_spot_keeps_energy_and_is_symmetric(f_ratio: float) -> None:
    kernel = Diffraction(WIDE).kernel({"f_ratio": torch.tensor([f_ratio])})[0]
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-5)
    assert float(kernel.min()) > -1e-5
    torch.testing.assert_close(kernel, kernel.T, atol=1e-6, rtol=0)
    torch.testing.assert_close(kernel, kernel.flip(0), atol=1e-6, rtol=0)


def test_the_spot_s_spectrum_is_goodman_s_formula() -> None:
    """At f/14 no frequency is aliased: the aperture's times those of two pixels, sinc each."""
    kernel = Diffraction(WIDE).kernel({"f_ratio": torch.tensor([14.0])})[0]
    spectrum = torch.fft.fft2(torch.fft.ifftshift(kernel)).real
    frequency = np.fft.fftfreq(len(kernel))
    share = np.clip(np.hypot(frequency[:, None], frequency) * 14 * 0.55 / 3, 0, 1)
    law = 2 / np.pi * (np.arccos(share) - share * np.sqrt(1 - share**2))
    pixel = np.sinc(frequency[:, None]) ** 2 * np.sinc(frequency) ** 2
    np.testing.assert_allclose(spectrum.numpy(), law * pixel, atol=0.02)


def test_the_transfer_is_the_overlap_of_two_apertures() -> None:
    """Goodman 6.3: two discs a share of their diameter apart, counted on a grid."""
    line = torch.linspace(-1, 1, 1201)
    for share in (0.0, 0.1, 0.35, 0.7, 0.95, 1.0):
        here = torch.hypot(line[:, None], line + share) <= 1
        there = torch.hypot(line[:, None], line - share) <= 1
        disc = (torch.hypot(line[:, None], line) <= 1).sum()
        overlap = float((here & there).sum() / disc)
        assert float(transfer(torch.tensor(share))) == pytest.approx(overlap, abs=2e-3)


def wander(path_px: float, rows: int = 200) -> tuple[Tensor, Tensor]:
    """Return paths and kernels of many seeds."""
    shake = Shake(path_px=Span(0.0, 8.0, neutral=0.0))
    given = {"seed": torch.arange(float(rows)), "path_px": torch.full((rows,), path_px)}
    return shake.path(given), shake.kernel(given)


@QUICK
@over(st.floats(0, 8))
def test_a_shaken_point_keeps_energy_and_place(path_px: float) -> None:
    path, kernel = wander(path_px, 20)
    x, y = offsets(4)
    torch.testing.assert_close(kernel.sum(dim=(1, 2)), torch.ones(20))
    assert float(kernel.min()) >= 0
    for place in (x, y):
        assert float((kernel * place).sum(dim=(1, 2)).abs().max()) < 1e-4
    torch.testing.assert_close(path.norm(dim=2).amax(dim=1), torch.full((20,), path_px / 2))
    lean = (kernel * x * y).sum(dim=(1, 2))  # sharing among four pixels keeps it
    torch.testing.assert_close(lean, path.prod(dim=2).mean(dim=1), atol=1e-4, rtol=1e-4)


def test_a_hand_that_does_not_shake_gives_a_point() -> None:
    _, kernel = wander(0.0)
    assert bool((kernel[:, 4, 4] == 1).all())
    assert float(kernel.abs().sum()) == 200


def test_shake_is_a_smooth_path_in_any_direction() -> None:
    """No direction is favoured; a step is far shorter than the path, and turns but little."""
    path, kernel = wander(8.0)
    x, y = offsets(4)
    across, down, both = ((kernel * part).sum(dim=(1, 2)) for part in (x**2, y**2, x * y))
    assert float(across.mean()) == pytest.approx(float(down.mean()), rel=0.15)
    assert abs(float(both.mean())) < 0.15 * float(across.mean())
    steps = path.diff(dim=1)
    assert float(steps.norm(dim=2).max()) < 2
    turns = torch.cosine_similarity(steps[:, 1:], steps[:, :-1], dim=2)
    assert float(turns.median()) > 0.95
    assert float((kernel[0] - kernel[1]).abs().max()) > 0.01


def test_scattered_numbers_are_even_and_independent() -> None:
    """Means 1/2 and variances 1/12; no correlation between numbers, neighbours and seeds."""
    y, x = torch.meshgrid(torch.arange(-100, 100), torch.arange(-100, 100), indexing="ij")
    numbers = chance(torch.tensor([0.0, 1.0]), torch.stack([x, y], -1).expand(2, 200, 200, 2), 4)
    count = numbers[0, ..., 0].numel()
    assert float((numbers.mean(dim=(1, 2)) - 0.5).abs().max()) < 5 / math.sqrt(12 * count)
    assert float((numbers.var(dim=(1, 2)) * 12 - 1).abs().max()) < 0.03
    inner = numbers[:, 1:, 1:]
    several = [inner, numbers[:, :-1, 1:], numbers[:, 1:, :-1]]
    table = torch.cat([part.permute(0, 3, 1, 2).reshape(8, -1) for part in several])
    assert float((torch.corrcoef(table) - torch.eye(24)).abs().max()) < 5.5 / math.sqrt(count)


def drops(share: float, radius_px: float, rows: int = 1) -> dict[str, Tensor]:
    return {
        "seed": torch.arange(float(rows)),
        "share_ratio": torch.full((rows,), share),
        "radius_px": torch.full((rows,), radius_px),
    }


@pytest.mark.parametrize("share", [0.02, 0.1, 0.24])
def test_drops_cover_their_share_of_the_glass(share: float) -> None:
    """Within five standard errors of the cells' number."""
    cover, _ = Droplets().cover(drops(share, 8.0, 20), window(300, 200, (256, 256), 20))
    cells = 20 * (256 / 17.6) ** 2
    assert float(cover.mean()) == pytest.approx(share, abs=5 * math.sqrt(0.24 * share / cells))
    assert float(cover.min()) >= 0
    assert float(cover.max()) <= 1


@pytest.mark.parametrize("effect", [Droplets(), Rain()], ids=["drops", "rain"])
def test_the_weather_stays_where_it_is_on_the_sensor(effect: Droplets | Rain) -> None:
    given = drops(0.2, 12.0) | rain(0.8, 15.0)
    whole, part = (
        effect.cover(given, one) for one in (window(300, 200, (96, 96)), window(340, 232, (32, 48)))
    )
    large = whole if isinstance(whole, Tensor) else whole[0]
    small = part if isinstance(part, Tensor) else part[0]
    assert float(small.max()) > 0.1
    torch.testing.assert_close(small, large[..., 32:64, 40:88], atol=1e-4, rtol=0)


def test_a_drop_turns_the_picture_upside_down() -> None:
    """Light that rises evenly falls as evenly within a drop; outside nothing changes."""
    seen = window(300, 200, (96, 96))
    x, y = seen.pixels().unbind(dim=-1)
    ramp = Linear(((x + 2 * y) / 1000)[:, None].expand(1, 3, -1, -1))
    cover, away = Droplets().cover(drops(0.2, 12.0), seen)
    mirrored = ramp + (2 * (away[..., 0] + 2 * away[..., 1]) / 1000)[:, None]
    law = ramp + cover * (mirrored - ramp)
    result = Droplets()(ramp, drops(0.2, 12.0), seen)
    inner = (..., slice(26, -26), slice(26, -26))
    assert float(cover[inner].max()) == 1
    torch.testing.assert_close(result[inner], law[inner], atol=1e-5, rtol=0)
    outside = (cover == 0).expand_as(ramp)
    assert torch.equal(result[outside], ramp[outside])


def test_even_light_stays_even_behind_drops() -> None:
    even = Linear(torch.full((1, 3, 50, 70), 0.37))
    torch.testing.assert_close(Droplets()(even, drops(0.2, 12.0), window(0, 0, (50, 70))), even)


def rain(
    rate: float, angle_deg: float, rows: int = 1, length_px: float = 30.0
) -> dict[str, Tensor]:
    return {
        "seed": torch.arange(float(rows)),
        "rate_ratio": torch.full((rows,), rate),
        "angle_deg": torch.full((rows,), angle_deg),
        "length_px": torch.full((rows,), length_px),
    }


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_rain_takes_its_share_of_light(rate: float) -> None:
    """A streak's bump is 1/4 of its rectangle, which is 1 / (3 x 1.25) of its place."""
    cover = Rain().cover(rain(rate, 10.0, 20), window(300, 200, (256, 256), 20))
    assert float(cover.mean()) == pytest.approx(0.2 * rate / 15, rel=0.05)


def test_binned_pixels_see_as_much_rain() -> None:
    """The mean of 2 x 2 pixels is what a pixel twice as large takes."""
    fine = Rain().cover(rain(0.5, 10.0, 8), window(300, 200, (192, 192), 8))
    coarse = Rain().cover(rain(0.5, 10.0, 8), window(150, 100, (96, 96), 8, pitch=2))
    assert float(coarse.mean()) == pytest.approx(float(fine.mean()), rel=0.05)
    pair = torch.stack([avg_pool2d(fine, 2).flatten(), coarse.flatten()])
    assert float(torch.corrcoef(pair)[0, 1]) > 0.8


def test_rain_is_affine_in_the_light_behind() -> None:
    """Garg & Nayar 2007: brighter before the dark, unseen before a sky as bright as the drop."""
    light = Linear(torch.rand(2, 3, 64, 64, generator=generator(0)))
    given, seen = rain(1.0, 0.0, 2), window(0, 0, (64, 64), 2)
    cover = Rain().cover(given, seen)
    torch.testing.assert_close(Rain()(light, given, seen), light * (1 - cover) + cover)
    sky = Linear(torch.ones(2, 3, 64, 64))
    torch.testing.assert_close(Rain()(sky, given, seen), sky)


@pytest.mark.parametrize("angle_deg", [0.0, 30.0, -50.0, 90.0])
def test_rain_leans_clockwise_from_the_vertical(angle_deg: float) -> None:
    """Along the streaks it changes far more slowly than across: a structure tensor's axis."""
    cover = Rain(width_px=6.0).cover(rain(0.6, angle_deg, 8, 90.0), window(300, 200, (128, 128), 8))
    down, right = torch.gradient(cover, dim=(2, 3))
    moments = float((right**2 - down**2).mean()), float((2 * right * down).mean())
    across_deg = math.degrees(math.atan2(moments[1], moments[0])) / 2
    off = (across_deg - angle_deg + 90) % 180 - 90
    assert abs(off) < 4
