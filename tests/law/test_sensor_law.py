"""Sensor and image processor: meter, tint, colour matrix, mosaic, electrons, local filters."""

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter
from torch import Tensor
from torch.nn.functional import avg_pool2d

from physadv.camera.colour_matrix import LUMINANCE, ColourMatrix
from physadv.camera.denoise import Denoise
from physadv.camera.exposure import Exposure
from physadv.camera.local_tone import LocalTone
from physadv.camera.mosaic import Mosaic
from physadv.camera.noise import Noise
from physadv.camera.sharpen import LUMA, Sharpen
from physadv.camera.white_balance import WhiteBalance
from physadv.core import Choice, Conditions, Encoded, Linear, Sensor, Span, Window, generator
from physadv.testing import check_effect
from physadv.testing.effect import Effect

QUICK = settings(max_examples=30, deadline=None)
PLACES = Choice((-1.0, 0.0, 1.0, 2.0, 3.0), neutral=-1.0)
SHARE = Span(0.0, 1.0, neutral=0.0)
GREY = 0.18

EFFECTS = [
    Exposure(meter_ratio=SHARE),
    WhiteBalance(tint_ratio=Span(-0.2, 0.2, neutral=0.0)),
    ColourMatrix(),
    Mosaic(),
    Mosaic(PLACES),
    Mosaic(PLACES, "bilinear"),
    Noise(dark_e=20.0),
    Noise(clips=True),
    Denoise(),
    Sharpen(),
    LocalTone(),
]


@pytest.mark.parametrize("effect", EFFECTS, ids=repr)
def test_contract(effect: Effect) -> None:
    check_effect(effect)


def window(rows: int, size: tuple[int, int], pitch: float = 1, metered: float = GREY) -> Window:
    origin = torch.tensor([[600.0, 450.0]]).repeat(rows, 1)
    fill = torch.full((2, rows), 1.0) * torch.tensor([[pitch], [metered]])
    return Window(origin, size, Sensor(), pitch=fill[0], metered=fill[1])


def rows(**values: float) -> Conditions:
    return {name: torch.tensor([value]) for name, value in values.items()}


def picture(size: tuple[int, int] = (40, 48), count: int = 1, seed: int = 0) -> Linear:
    return Linear(torch.rand(count, 3, *size, generator=generator(seed)))


def even(value: float, size: tuple[int, int] = (24, 24), count: int = 1) -> Linear:
    return Linear(torch.full((count, 3, *size), value))


STOPS = st.floats(-3, 3)


@QUICK
@over(STOPS, STOPS, st.floats(0, 1), st.floats(0.01, 0.9))
def test_stops_add_up(one: float, other: float, meter: float, metered: float) -> None:
    """By hand, and with the meter's share of the stops from middle grey."""
    seen = window(1, (8, 8), metered=metered)
    both = Exposure().gain(rows(gain_ev=one + other, meter_ratio=meter), seen)
    by_hand = Exposure().gain(rows(gain_ev=one), seen) * Exposure().gain(rows(gain_ev=other), seen)
    by_meter = Exposure().gain(rows(gain_ev=0.0, meter_ratio=meter), seen)
    torch.testing.assert_close(both, by_hand * by_meter, rtol=1e-4, atol=0)
    stops = math.log2(float(both[0, 0]))
    assert stops == pytest.approx(one + other + meter * math.log2(GREY / metered), abs=1e-4)


@pytest.mark.parametrize("metered", [0.02, 0.18, 0.7])
def test_the_meter_brings_the_frame_to_middle_grey(metered: float) -> None:
    given, seen = rows(gain_ev=0.0, meter_ratio=1.0), window(1, (24, 24), metered=metered)
    torch.testing.assert_close(Exposure()(even(metered), given, seen), even(GREY))


def test_tint_is_green_against_magenta() -> None:
    given = {"temperature_k": torch.full((3,), 6500.0), "tint_ratio": torch.tensor([-0.1, 0, 0.1])}
    gain = WhiteBalance().gain(given)
    torch.testing.assert_close(gain[:, 1], torch.tensor([0.9, 1.0, 1.1]))
    assert bool((gain[:, [0, 2]] == 1).all())
    lamp = rows(temperature_k=3200.0)
    untinted = WhiteBalance().gain({**lamp, **rows(tint_ratio=0.0)})
    assert torch.equal(untinted, WhiteBalance().gain(lamp))


def matrix(saturation: float, hue_deg: float) -> Tensor:
    return ColourMatrix().matrix(rows(saturation_ratio=saturation, hue_deg=hue_deg))[0]


TURNS, GROWTHS = st.floats(-180, 180), st.floats(0, 2)


@QUICK
@over(GROWTHS, GROWTHS, TURNS, TURNS)
def test_grey_and_luminance_stay_and_colours_compose(
    growth: float, other_growth: float, turn: float, other_turn: float
) -> None:
    found = matrix(growth, turn)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(3), atol=1e-5, rtol=0)
    weight = torch.tensor(LUMINANCE)
    torch.testing.assert_close(weight @ found, weight, atol=1e-5, rtol=0)
    twice = matrix(other_growth, other_turn) @ found
    once = matrix(growth * other_growth, turn + other_turn)
    torch.testing.assert_close(once, twice, atol=2e-5, rtol=0)


def test_colour_matrix_s_fixed_points() -> None:
    """No saturation is luminance; a turn around is the identity, half of it the complement."""
    grey = torch.tensor(LUMINANCE).expand(3, 3)
    torch.testing.assert_close(matrix(0.0, 77.0), grey)
    torch.testing.assert_close(matrix(1.0, 360.0), torch.eye(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(matrix(1.0, 180.0), 2 * grey - torch.eye(3), atol=1e-6, rtol=0)
    third = matrix(1.0, 120.0)  # from red to green, as hues count
    assert int(third[:, 0].argmax()) == 1


def mosaic(light: Linear, which: float, seen: Window, method: str = "malvar") -> Linear:
    given = {"which": torch.full((len(light),), which)}
    return Mosaic(PLACES, method)(light, given, seen)  # type: ignore[arg-type]  # a literal by the cases


@pytest.mark.parametrize("method", ["bilinear", "malvar"])
@pytest.mark.parametrize("which", [0.0, 1.0, 2.0, 3.0])
def test_even_colours_and_grey_ramps_pass_the_mosaic(which: float, method: str) -> None:
    """Every filter sums to 1 over its own colour, to 0 over the others, and is symmetric."""
    colour = Linear(torch.tensor([0.8, 0.3, 0.1])[:, None, None].expand(1, 3, 16, 20))
    seen = mosaic(colour, which, window(1, (16, 20)), method)
    torch.testing.assert_close(seen, colour)
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(20.0), indexing="ij")
    ramp = Linear((0.01 * x + 0.02 * y).expand(1, 3, 16, 20))
    inner = (..., slice(2, -2), slice(2, -2))
    after = mosaic(ramp, which, window(1, (16, 20)), method)
    torch.testing.assert_close(after[inner], ramp[inner], atol=1e-5, rtol=0)


def test_the_mosaic_lies_on_the_sensor() -> None:
    """A window that starts an odd number of pixels further sees the same pixels."""
    whole, size = picture((40, 48)), (21, 27)
    part = Linear(whole[..., 5 : 5 + size[0], 7 : 7 + size[1]])
    start = Window(torch.tensor([[101.0, 40.0]]), (40, 48), Sensor())
    inside = Window(start.origin_px + torch.tensor([7.0, 5.0]), size, Sensor())
    inner = (..., slice(2, -2), slice(2, -2))
    for which in range(4):
        large = mosaic(whole, which, start)[..., 5 : 5 + size[0], 7 : 7 + size[1]]
        torch.testing.assert_close(mosaic(part, which, inside)[inner], large[inner])


def test_a_pixel_sees_the_one_colour_of_its_place() -> None:
    """A quarter red, a half green, a quarter blue; red where `which` says."""
    colours = Linear(torch.tensor([1.0, 2.0, 3.0])[:, None, None].expand(4, 3, 8, 8))
    origin = Window(torch.zeros(4, 2), (8, 8), Sensor())
    raw = Mosaic(PLACES).expose(colours, {"which": torch.arange(4.0)}, origin)[:, 0]
    for k, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        assert bool((raw[k, row::2, column::2] == 1).all())
        assert bool((raw[k, 1 - row :: 2, 1 - column :: 2] == 3).all())
        assert int((raw[k] == 2).sum()) == 32


def test_binned_rows_have_no_mosaic() -> None:
    light = picture(count=2)
    seen = Window(torch.zeros(2, 2), (40, 48), Sensor(), pitch=torch.tensor([1.0, 2.0]))
    after = mosaic(light, 0.0, seen)
    assert torch.equal(after[1], light[1])
    assert float((after[0] - light[0]).abs().max()) > 0.1


def electrons(light: Linear, noise: Noise, gain: float, pitch: float = 1) -> Tensor:
    """Return what the sensor makes of light (B,3,H,W), row k with seed k."""
    count = len(light)
    given = {"gain_ratio": torch.full((count,), gain), "seed": torch.arange(float(count))}
    return noise(light, given, window(count, (light.shape[2], light.shape[3]), pitch))


@pytest.mark.parametrize("gain", [0.5, 4.0])
def test_noise_is_affine_in_the_signal_with_dark_current(gain: float) -> None:
    """EMVA 1288: slope gain / full well, offset (read^2 + dark) x (gain / full well)^2."""
    noise = Noise(dark_e=40.0)
    slope = gain / noise.full_well_e
    offset = (noise.read_e**2 + noise.dark_e) * slope**2
    signals = torch.tensor([0.0, 0.01, 0.1, 0.4, 0.9])
    found = [float(electrons(even(float(s), (64, 64), 12), noise, gain).var()) for s in signals]
    law = slope * signals + offset
    torch.testing.assert_close(torch.tensor(found), law, rtol=0.03, atol=0)


def test_binned_noise_is_the_mean_of_the_joined_pixels() -> None:
    """Shot, read and dark noise of 2 x 2 pixels; the gain is given divided by 4."""
    noise = Noise(read_e=20.0, dark_e=300.0)
    for signal in (0.0, 0.02, 0.5):
        fine = avg_pool2d(electrons(even(signal, (96, 96), 12), noise, 4.0), 2)
        coarse = electrons(even(signal, (48, 48), 12), noise, 1.0, pitch=2)
        assert float(coarse.var()) == pytest.approx(float(fine.var()), rel=0.05)


def test_the_converter_cuts_at_full_well_and_below_black() -> None:
    noise = Noise(clips=True, black_e=4.0, full_well_e=1000.0, read_e=10.0)
    assert float(electrons(even(1.3), noise, 2.0).max()) == 1
    dark = electrons(even(0.0, (64, 64), 4), noise, 2.0)
    assert float(dark.min()) == pytest.approx(-4 * 2 / 1000)
    free = electrons(even(0.0, (64, 64), 4), Noise(full_well_e=1000.0, read_e=10.0), 2.0)
    torch.testing.assert_close(dark, free.clamp(min=-4 * 2 / 1000))
    assert torch.equal(electrons(even(1.3), noise, 0.0), even(1.3))  # an ideal sensor has no end


def test_denoise_is_the_guided_filter() -> None:
    """He, Sun & Tang's equations with scipy's means, two squares from the edge."""
    light = picture((32, 40))
    image = light[0, 1].double().numpy()
    mean = uniform_filter(image, 5)
    keep = uniform_filter(image**2, 5) - mean**2
    keep = keep / (keep + 0.3**2)
    law = uniform_filter(keep, 5) * image + uniform_filter((1 - keep) * mean, 5)
    seen = Denoise(noise_ratio=0.3)(light, rows(strength_ratio=1.0), window(1, (32, 40)))
    found = seen[0, 1].double().numpy()
    np.testing.assert_allclose(found[4:-4, 4:-4], law[4:-4, 4:-4], atol=1e-5)


def test_denoise_takes_faint_noise_and_keeps_edges() -> None:
    """Faint noise is averaged by 5 x 5 pixels twice: (85 / 625)^2 of its variance is left."""
    noise = torch.randn(1, 3, 96, 96, generator=generator(1)) * 1e-3
    flat = Linear(0.4 + noise)
    left = Denoise()(flat, rows(strength_ratio=1.0), window(1, (96, 96)))[..., 4:-4, 4:-4]
    assert float(left.var() / noise.var()) == pytest.approx((85 / 625) ** 2, rel=0.1)
    step = even(0.1, (32, 32)).clone()
    step[..., 16:] = 0.9
    kept = Denoise()(Linear(step), rows(strength_ratio=1.0), window(1, (32, 32)))
    torch.testing.assert_close(kept, step, atol=0.01, rtol=0)


@pytest.mark.parametrize("radius_px", [0.6, 1.2])
def test_sharpening_is_an_unsharp_mask_of_the_luma(radius_px: float) -> None:
    """Against OpenCV's Gaussian; all channels change by as much."""
    image = Encoded(picture((32, 40)))
    given = rows(amount_ratio=0.7, radius_px=radius_px)
    change = (Sharpen()(image, given, window(1, (32, 40))) - image)[0]
    torch.testing.assert_close(change[0], change[2], atol=1e-6, rtol=0)
    luma = np.tensordot(np.array(LUMA), image[0].double().numpy(), 1)
    blurred = cv2.GaussianBlur(luma, (9, 9), radius_px, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(change[1].double().numpy(), 0.7 * (luma - blurred), atol=2e-3)


def test_binned_pictures_are_sharpened_over_as_much_of_the_sensor() -> None:
    """A radius counts pixels of the sensor, of which a binned one has two a side."""
    image = Encoded(picture((32, 40)))
    binned = Sharpen()(image, rows(amount_ratio=0.7, radius_px=1.2), window(1, (32, 40), pitch=2))
    whole = Sharpen()(image, rows(amount_ratio=0.7, radius_px=0.6), window(1, (32, 40)))
    torch.testing.assert_close(binned, whole)


def test_even_pictures_pass_the_local_filters() -> None:
    flat, seen = even(0.37), window(1, (24, 24))
    torch.testing.assert_close(Denoise()(flat, rows(strength_ratio=1.0), seen), flat)
    sharp = rows(amount_ratio=1.0, radius_px=1.0)
    torch.testing.assert_close(Sharpen()(Encoded(flat), sharp, seen), flat)


@QUICK
@over(st.floats(0.01, 1), st.floats(0, 1))
def test_stops_of_large_areas_shrink(light: float, strength: float) -> None:
    """Even light: log2(out / grey) = (1 - strength) log2(in / grey)."""
    given, size = rows(strength_ratio=strength), (24, 24)
    seen = LocalTone(strength_ratio=SHARE)(even(light, size), given, window(1, size))
    law = GREY * (light / GREY) ** (1 - strength)
    torch.testing.assert_close(seen, even(law, size), rtol=1e-3, atol=1e-6)


def test_local_tone_compresses_steps_and_keeps_detail_and_hue() -> None:
    """Halves four stops apart come to two; a fine pattern keeps its tenth of a stop."""
    size = (64, 96)
    y, x = torch.meshgrid(torch.arange(64), torch.arange(96), indexing="ij")
    stops = torch.where(x < 48, -3.0, 1.0) + 0.1 * ((x + y) % 2)
    hue = torch.tensor([1.2, 1.0, 0.5])[:, None, None]
    light = Linear((GREY * 2**stops * hue)[None])
    seen = LocalTone()(light, rows(strength_ratio=0.5), window(1, size))
    after = torch.log2(seen[0, 1] / GREY)
    left, right = after[20:44, 2:20], after[20:44, -20:-2]
    assert float(right.mean() - left.mean()) == pytest.approx(2, abs=0.02)
    detail = right[::2, ::2].mean() - right[::2, 1::2].mean()
    assert abs(float(detail)) == pytest.approx(0.1, abs=0.005)
    torch.testing.assert_close(seen / seen[:, 1:2], light / light[:, 1:2], rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("effect", "given"),
    [
        (ColourMatrix(), rows(saturation_ratio=1.1, hue_deg=5.0)),
        (Mosaic(PLACES), rows(which=1.0)),
        (Noise(), rows(seed=3.0, gain_ratio=2.0)),
        (Denoise(noise_ratio=0.3), rows(strength_ratio=0.7)),
        (Sharpen(), rows(amount_ratio=0.7, radius_px=0.8)),
        (LocalTone(), rows(strength_ratio=0.5)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_gradients_in_double_precision(effect: Effect, given: Conditions) -> None:
    light = picture((7, 6)).double().mul(0.8).add(0.1).requires_grad_()
    exact = {name: value.double() for name, value in given.items()}
    seen = window(1, (7, 6))
    assert torch.autograd.gradcheck(lambda image: effect(image, exact, seen), (light,))
