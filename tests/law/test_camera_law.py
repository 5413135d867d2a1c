"""The camera's closed forms: noise variance, stops, fall-off, order; develop is its chain."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from physadv.camera import Camera, Exposure, Noise, Tone, Vignette
from physadv.core import (
    Encoded,
    Linear,
    Sensor,
    Span,
    Window,
    below,
    declared,
    draw,
    encode,
    generator,
    quantise,
    take,
)
from tests.worlds import CALM

SIZE = (64, 48)
MIDDLE = Window(torch.tensor([[600.0, 450.0]]), SIZE, Sensor())


def rows(window: Window, n: int) -> Window:
    return Window(window.origin_px.repeat(n, 1), window.size, window.sensor)


def light(n: int, seed: int = 0, size: tuple[int, int] = SIZE) -> Linear:
    return Linear(torch.rand(n, 3, *size, generator=generator(seed)))


def noise_of(signal: float, gain: float, seeds: int = 40) -> Tensor:
    """Return the noise (seeds,3,H,W) that is added to even light."""
    given = {"gain_ratio": torch.full((seeds,), gain), "seed": torch.arange(seeds).float()}
    even = Linear(torch.full((seeds, 3, *SIZE), signal))
    return Noise()(even, given, rows(MIDDLE, seeds)) - even


@pytest.mark.parametrize("gain", [0.5, 2.0, 8.0])
def test_noise_variance_is_affine_in_the_signal(gain: float) -> None:
    """EMVA 1288: slope gain / full well, offset (read noise x gain / full well) squared."""
    camera = Noise()
    slope, offset = gain / camera.full_well_e, (camera.read_e * gain / camera.full_well_e) ** 2
    for signal in (0.0, 0.001, 0.2, 0.5, 1.0):
        found = noise_of(signal, gain).double()
        assert float(found.var()) == pytest.approx(slope * signal + offset, rel=0.02)
        assert abs(float(found.mean())) < 4 * math.sqrt((slope * signal + offset) / found.numel())


def test_noise_of_different_seeds_places_and_channels_is_independent() -> None:
    found = noise_of(0.5, 2.0).flatten(1)
    expected = 5 / math.sqrt(found.shape[1])
    between = torch.corrcoef(found) - torch.eye(len(found))
    assert float(between.abs().max()) < expected
    maps = noise_of(0.5, 2.0)
    pairs = (
        (maps[..., 1:], maps[..., :-1]),
        (maps[..., 1:, :], maps[..., :-1, :]),
        (maps[:, :1], maps[:, 1:2]),
    )
    for one, other in pairs:
        both = torch.stack([one.flatten(), other.flatten()])
        assert abs(float(torch.corrcoef(both)[0, 1])) < 5 / math.sqrt(one.numel())


def test_saturated_light_is_no_noisier_than_full_scale() -> None:
    torch.testing.assert_close(noise_of(3.0, 2.0), noise_of(1.0, 2.0), atol=1e-5, rtol=0)


def test_exposure_doubles_with_each_stop() -> None:
    scene, given = light(4), {"gain_ev": torch.tensor([-2.0, -1.0, 0.0, 1.0])}
    exposed = Exposure()(scene, given, rows(MIDDLE, 4))
    factors = torch.tensor([0.25, 0.5, 1.0, 2.0])[:, None, None, None]
    torch.testing.assert_close(exposed, scene * factors)


def test_vignette_is_the_fourth_power_of_the_cosine() -> None:
    sensor, corner = Sensor(640, 480, 70.0), torch.tensor([[608.0, 448.0]])
    window = Window(corner, (32, 32), sensor)
    seen = Vignette().field({"strength_ratio": torch.ones(1)}, window)[0, 0]
    focal = 320 / math.tan(math.radians(35))
    for x, y in ((0, 0), (31, 0), (31, 31), (5, 20)):
        from_axis = math.hypot(608 + x + 0.5 - 320, 448 + y + 0.5 - 240)
        law = math.cos(math.atan(from_axis / focal)) ** 4
        assert float(seen[y, x]) == pytest.approx(law, rel=1e-5)
    half = Vignette().field({"strength_ratio": torch.full((1,), 0.5)}, window)[0, 0]
    torch.testing.assert_close(half, (1 + seen) / 2)


def test_tone_is_srgb_where_the_contrast_is_one() -> None:
    scene = light(2)
    one = Tone(Span.at(1.0))(scene, {"gamma_ratio": torch.ones(2)}, rows(MIDDLE, 2))
    varying = Tone()(scene, {"gamma_ratio": torch.ones(2)}, rows(MIDDLE, 2))
    torch.testing.assert_close(one, encode(scene))
    torch.testing.assert_close(varying, encode(scene), atol=1e-4, rtol=0)


def test_tone_clips_and_keeps_order() -> None:
    ramp = Linear(torch.linspace(-0.2, 1.2, 48).expand(3, 3, 64, 48).contiguous())
    seen = Tone()(ramp, {"gamma_ratio": torch.tensor([0.85, 1.0, 1.15])}, rows(MIDDLE, 3))
    assert float(seen.min()) >= 0
    assert float(seen.max()) <= 1
    assert bool((seen.diff(dim=3) >= 0).all())


def chain(camera: Camera, scene: Linear, given: dict[str, Tensor], window: Window) -> Encoded:
    """Apply a camera's effects one by one, in the order that light meets them."""
    image = scene
    for name in (
        *("defocus", "motion_blur", "exposure", "white_balance", "vignette"),
        *("noise", "tone", "jpeg"),
    ):
        image = getattr(camera, name)(image, below(given, name), window)
    return Encoded(image)


def test_developing_is_the_chain_of_the_effects() -> None:
    """Before JPEG, away from the window's edge, where two blurs replicate twice."""
    camera = Camera()
    given = draw(declared(camera), 6, generator(1))
    window, scene = rows(MIDDLE, 6), light(6)
    whole = camera._exposed(scene, given, window)
    apart = chain(replace(camera, jpeg=Untouched()), scene, given, window)  # type: ignore[arg-type]  # a stand-in
    inner = (..., slice(6, -6), slice(6, -6))
    torch.testing.assert_close(whole[inner], apart[inner], atol=2e-5, rtol=0)
    assert torch.equal(
        camera.develop(scene, given, window), camera.jpeg(whole, below(given, "jpeg"), window)
    )


class Untouched:
    """Stands for JPEG and does nothing."""

    def __call__(self, image: Encoded, _given: object, _window: Window) -> Encoded:
        return image


def test_a_camera_at_rest_only_encodes() -> None:
    scene = light(3)
    given = draw(declared(CALM), 3, generator(0))
    torch.testing.assert_close(CALM._exposed(scene, given, rows(MIDDLE, 3)), encode(scene))


def test_a_batch_is_developed_row_by_row() -> None:
    camera, window, scene = Camera(), rows(MIDDLE, 4), light(4)
    given = draw(declared(camera), 4, generator(2))
    soft, hard = (
        torch.cat([f(Linear(scene[[k]]), take(given, slice(k, k + 1)), MIDDLE) for k in range(4)])
        for f in (camera.develop, camera.develop_hard)
    )
    torch.testing.assert_close(camera.develop(scene, given, window), soft, atol=0.02, rtol=0)
    close = (camera.develop(scene, given, window) - soft).abs() < 1e-4
    assert float(close.float().mean()) > 0.99  # a coefficient on the edge of a quantisation step
    assert float((camera.develop_hard(scene, given, window) - hard).abs().mean()) < 1e-4


def test_a_hard_picture_has_eight_bits_and_no_gradient() -> None:
    camera, scene = Camera(), light(2)
    given = draw(declared(camera), 2, generator(3))
    with torch.no_grad():
        seen = camera.develop_hard(scene, given, rows(MIDDLE, 2))
    torch.testing.assert_close(seen, quantise(seen), atol=1e-6, rtol=0)


def test_the_gradient_passes_the_whole_camera() -> None:
    camera, window = Camera(), rows(MIDDLE, 4)
    given = draw(declared(camera), 4, generator(4))
    scene = (0.1 + 0.2 * light(4)).requires_grad_()
    (slope,) = torch.autograd.grad(camera.develop(Linear(scene), given, window).sum(), scene)
    assert bool(slope.isfinite().all())
    assert float((slope > 0).float().mean()) > 0.99  # more light, brighter picture
