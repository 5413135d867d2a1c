"""The light of photos whose light is known: made with OpenCV, blurred, noisy, or marked badly.

Both methods are held against the truth and against SciPy's minimum of the same loss.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from physadv.core import Linear, UserError, generator
from physadv.scene import Relight, SignPhoto, photo_scene, read_photos, sign
from physadv.scene.photo import MOST_MISFIT_RATIO
from physadv.scene.relight import METHODS, fit_light, misfit
from physadv.scene.relight_pairs import registered
from physadv.scene.relight_regression import by_regression
from physadv.scene.signs import render
from tests.shared_data import DATA, needs_data

STOP = sign("us_stop")
SIZE = (150, 160)
ZOOM = 6
CORNERS = np.array([[22, 12], [128, 20], [124, 132], [20, 138]], dtype=np.float32)
LIGHTS = {
    "bright": ((0.9, 0.8, 0.7), 0.05),
    "dark": ((0.06, 0.05, 0.03), 0.1),
    "warm": ((0.8, 0.5, 0.25), 0.0),
}
Array = NDArray[np.float32]


def plane() -> Tensor:
    height, width = STOP.size_mm
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    return torch.from_numpy(cv2.getPerspectiveTransform(frame, CORNERS)).float()


def standard() -> Array:
    """Return the design as an ideal camera sees it (h,w,3): supersampled, then averaged."""
    face = render(STOP, 1024)
    layers = torch.cat([face.texture * face.cover + 0.1 * (1 - face.cover)], dim=1)
    picture = layers[0].permute(1, 2, 0).numpy()
    mm = STOP.size_mm[1] / 1024
    to_px = np.diag([ZOOM, ZOOM, 1]) @ plane().double().numpy() @ np.diag([mm, mm, 1])
    half = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # OpenCV's pixels are about integers
    matrix = half @ to_px @ np.linalg.inv(half)
    large = cv2.warpPerspective(picture, matrix, (SIZE[1] * ZOOM, SIZE[0] * ZOOM), borderValue=0.1)
    return np.asarray(cv2.resize(large, SIZE[::-1], interpolation=cv2.INTER_AREA), np.float32)


def photo(name: str, *, blur_px: float = 0.0, noise: float = 0.0, soiled: bool = False) -> Linear:
    """Return a photo (1,3,h,w) under a known light; noise is a share of white's light."""
    (gain, veil), picture = LIGHTS[name], standard()
    light = np.array(gain, dtype=np.float32) * ((1 - veil) * picture + veil)
    if soiled:
        light[60:100, 30:50] = 0.3 * np.array(gain)  # mud on the first letter
    if blur_px:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), blur_px), np.float32)
    ready = torch.from_numpy(light).permute(2, 0, 1)[None]
    grain = torch.randn(ready.shape, generator=generator(5)) * noise * max(gain)
    return Linear((ready + grain).clamp_min(0).contiguous())


def error(found: Relight, name: str) -> float:
    """Return the largest error in the light of inks of reflectance 0.05 and 0.9, against white."""
    gain, veil = torch.tensor(LIGHTS[name][0]), LIGHTS[name][1]
    off = [
        (found.gain * ink + found.offset - gain * ((1 - veil) * ink + veil)).abs() / gain
        for ink in (0.05, 0.9)
    ]
    return float(torch.stack(off).max())


def moved(x_px: float, y_px: float) -> Tensor:
    return torch.tensor([[1, 0, x_px], [0, 1, y_px], [0, 0, 1.0]]) @ plane()


def test_the_design_is_seen_as_opencv_supersamples_it() -> None:
    light = Linear(torch.from_numpy(standard()).permute(2, 0, 1)[None].contiguous())
    seen, wanted = registered(STOP, light, plane())
    assert len(seen) > 5000
    assert float((seen - wanted).abs().mean()) < 0.004
    assert float((seen - wanted).abs().quantile(0.99)) < 0.04


@pytest.mark.parametrize("name", LIGHTS)
def test_registered_least_squares_is_exact(name: str) -> None:
    clean, grainy = photo(name), photo(name, blur_px=0.7, noise=0.02)
    assert error(fit_light(STOP, clean, plane(), method="least_squares"), name) < 0.005
    assert error(fit_light(STOP, grainy, plane(), method="least_squares"), name) < 0.02
    assert error(fit_light(STOP, grainy, plane()), name) < 0.1


def test_least_squares_is_the_more_exact_one_where_registered() -> None:
    off = {
        method: [
            error(fit_light(STOP, photo(name, noise=0.02), plane(), method=method), name)
            for name in LIGHTS
        ]
        for method in METHODS
    }
    assert max(off["least_squares"]) < 0.7 * max(off["percentile"])


def test_percentiles_stand_corners_that_are_off() -> None:
    """Two pixels are nothing to either; five are nearly the width of the legend's strokes."""
    light = photo("bright")
    off = {
        (method, px): error(fit_light(STOP, light, moved(px, px), method=method), "bright")
        for method in METHODS
        for px in (2.0, 5.0)
    }
    assert off["percentile", 2.0] < 0.04
    assert off["least_squares", 2.0] < 0.01
    assert off["percentile", 5.0] < 0.04
    assert off["least_squares", 5.0] > 2 * off["percentile", 5.0]


def test_soil_moves_plain_least_squares_but_not_the_robust_one() -> None:
    light = photo("bright", soiled=True)
    found = fit_light(STOP, light, plane(), method="least_squares")
    seen, wanted = (pixels.double().numpy() for pixels in registered(STOP, light, plane()))
    columns = np.stack([wanted[:, 1], np.ones(len(wanted))], axis=1)
    (gain, offset), *_ = np.linalg.lstsq(columns, seen[:, 1])
    true, veil = LIGHTS["bright"][0][1], LIGHTS["bright"][1]
    white = float(0.88 * gain + offset) / (true * ((1 - veil) * 0.88 + veil))
    assert abs(white - 1) > 0.05
    assert error(found, "bright") < 0.01


def test_what_is_in_front_is_left_out() -> None:
    """Leaves over three quarters of the sign: without the mask both are wrong, with it neither."""
    light = photo("bright")
    front = torch.zeros(1, 1, *SIZE)
    front[..., :110] = 1
    leafy = Linear(light * (1 - front) + 0.06 * front)
    for method in METHODS:
        assert error(fit_light(STOP, leafy, plane(), method=method), "bright") > 0.1
        found = fit_light(STOP, leafy, plane(), method=method, front=front)
        assert error(found, "bright") < 0.05
        assert misfit(STOP, leafy, plane(), found=found, front=front) < 0.03


def test_the_robust_fit_is_at_the_minimum_that_scipy_finds() -> None:
    """Half dark, half light, a tenth spoilt: the minimum of Tukey's loss, with the scale found."""
    rng = np.random.default_rng(3)
    x = np.where(np.arange(400)[:, None] % 2, 0.02, 0.88) * rng.uniform(0.9, 1.0, (400, 3))
    y = 0.5 * x + 0.1 + rng.normal(0, 0.01, x.shape)
    y[::10] += 0.3
    gain, offset = by_regression(torch.from_numpy(y).float(), torch.from_numpy(x).float())
    for k in range(3):
        off = np.abs(y[:, k] - float(gain[k]) * x[:, k] - float(offset[k]))
        limit = 4.685 * 1.4826 * float(np.median(off))

        def cost(p: NDArray[np.float64], k: int = k, limit: float = limit) -> float:
            share = np.minimum(np.abs(p[0] * x[:, k] + p[1] - y[:, k]) / limit, 1)
            return float((1 - (1 - share**2) ** 3).sum())

        best = minimize(cost, (0.45, 0.12), method="Nelder-Mead", tol=1e-9).x
        assert [float(gain[k]), float(offset[k])] == pytest.approx(best.tolist(), abs=2e-4)


def test_a_clipped_channel_takes_the_others_veil() -> None:
    """Red over-exposed until the sign's field is white in it too."""
    light = photo("bright") * torch.tensor([3.0, 1.0, 1.0])[:, None, None]
    found = fit_light(STOP, Linear(light.clamp(0, 1)), plane(), method="least_squares")
    ratio = found.offset / found.gain
    assert ratio.tolist() == pytest.approx([0.05 / 0.95] * 3, abs=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_order_is_kept_whatever_the_picture_shows(method: str) -> None:
    for seed in range(5):
        light = Linear(torch.rand(1, 3, *SIZE, generator=generator(seed)) ** (1 + seed))
        found = fit_light(STOP, light, plane(), method=method)
        assert bool((found.gain > 0).all())
        assert bool((found.offset >= 0).all())


def test_the_misfit_is_the_share_of_white_that_is_missing() -> None:
    """With gains too high by 30 % white is off by 0.3 x its reflectance / 1.3, red by less."""
    (gain, veil), light = LIGHTS["warm"], photo("warm")
    true = Relight(torch.tensor(gain) * (1 - veil), torch.tensor(gain) * veil)
    assert misfit(STOP, light, plane(), found=true) < 0.01
    white = render(STOP, 64).texture.amax(dim=(2, 3))[0]
    off = 0.3 * white * true.gain / (1.3 * true.gain.mean())
    found = misfit(STOP, light, plane(), found=replace(true, gain=1.3 * true.gain))
    assert found == pytest.approx(float(off.median()), rel=0.03)


def test_photos_that_do_not_fit_are_doubted() -> None:
    light = photo("bright")
    right = fit_light(STOP, light, plane())
    far = misfit(STOP, light, moved(25, 0), found=right)
    good = SignPhoto("good", light, plane(), right, misfit_ratio=0.03)
    assert photo_scene(STOP, (good,)).doubts() == ()
    (doubt,) = photo_scene(STOP, (good, replace(good, name="bad", misfit_ratio=far))).doubts()
    assert far > MOST_MISFIT_RATIO
    assert f"1 of 2 photos, most in bad ({100 * far:.0f} %)" in doubt


def test_other_methods_are_refused() -> None:
    with pytest.raises(UserError, match="relight: expected one of percentile, least_squares"):
        fit_light(STOP, photo("bright"), plane(), method="mean")


@needs_data
@pytest.mark.parametrize("method", METHODS)
def test_both_methods_on_real_photos(
    method: str, record_property: Callable[[str, object], None]
) -> None:
    """RP2's crops: where the sign stands head-on they fit, where it is oblique they are doubted."""
    photos = read_photos(DATA / "rp2" / "victims_256", STOP, sign_px=128, method=method)
    off = torch.tensor([one.misfit_ratio for one in photos])
    good = int((off <= MOST_MISFIT_RATIO).sum())
    told = f"median {off.median():.3f}, 90 % {off.quantile(0.9):.3f}, {good} of {len(off)} fit"
    record_property(f"misfit of {method}", told)
    print(f"{method}: {told}")
    assert good >= 22
    assert f"{len(off) - good} of 40 photos" in photo_scene(STOP, photos).doubts()[0]
