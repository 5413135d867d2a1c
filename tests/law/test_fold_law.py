"""Exposure, noise and tone in one go are their chain, in values and in slopes."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from physadv.camera import Camera, Exposure, Mosaic, Noise, Tone, Vignette, WhiteBalance
from physadv.camera.fold import Development, developed
from physadv.core import (
    Conditions,
    Encoded,
    Linear,
    Sensor,
    Span,
    Window,
    below,
    declared,
    draw,
    generator,
)
from tests.worlds import CALM

ROWS, SIZE = 6, (32, 48)
WINDOW = Window(torch.tensor([[100.0, 40.0]]).repeat(ROWS, 1), SIZE, Sensor())


@dataclass(frozen=True)
class Untouched:
    """Stands in for JPEG, whose rounding would hide small differences."""

    def __call__(self, image: Encoded, given: Conditions, window: Window) -> Encoded:
        return image


CAMERA = replace(
    CALM,
    vignette=Vignette(),
    exposure=Exposure(),
    white_balance=WhiteBalance(),
    noise=Noise(),
    tone=Tone(),
    jpeg=Untouched(),  # type: ignore[arg-type]  # a stand-in
)
QUIET = replace(CAMERA, noise=Noise(gain_ratio=Span.at(0.0, neutral=0.0)))
PLAIN = replace(CAMERA, tone=Tone(Span.at(1.0)))


def light() -> Tensor:
    """Return light from black to beyond full scale."""
    return torch.rand(ROWS, 3, *SIZE, generator=generator(0)) ** 2 * 1.5


def conditions(camera: Camera, seed: int = 1) -> dict[str, Tensor]:
    return draw(declared(camera), ROWS, generator(seed))


def folded(camera: Camera, scene: Tensor, given: Conditions) -> Tensor:
    return camera.develop(Linear(scene), given, WINDOW)


def chain(camera: Camera, scene: Tensor, given: Conditions, *, noisy_slope: bool = True) -> Tensor:
    """Apply the effects one by one; the noise's spread need not depend on the light."""
    lit: Tensor = camera.vignette(Linear(scene), below(given, "vignette"), WINDOW)
    lit = camera.exposure(Linear(lit), below(given, "exposure"), WINDOW)
    lit = camera.white_balance(Linear(lit), below(given, "white_balance"), WINDOW)
    noisy: Tensor = camera.noise(Linear(lit), below(given, "noise"), WINDOW)
    noisy = noisy if noisy_slope else lit + (noisy - lit).detach()
    return camera.tone(Linear(noisy), below(given, "tone"), WINDOW)


def slope(image: Tensor, scene: Tensor) -> Tensor:
    weight = torch.rand(image.shape, generator=generator(2))
    return torch.autograd.grad((image * weight).sum(), scene)[0]


@pytest.mark.parametrize("camera", [CAMERA, QUIET, PLAIN], ids=["all", "quiet", "plain"])
def test_values_are_the_chain_s(camera: Camera) -> None:
    given = conditions(camera)
    apart = chain(camera, light(), given)
    torch.testing.assert_close(folded(camera, light(), given), apart, atol=1e-5, rtol=0)
    assert float(apart.std()) > 0.1


@pytest.mark.parametrize("camera", [CAMERA, QUIET, PLAIN], ids=["all", "quiet", "plain"])
def test_slopes_are_the_chain_s_with_the_noise_as_it_is(camera: Camera) -> None:
    """Autograd through each effect, the noise taken as added whatever the light.

    But for the last ten-thousandth above black, where the chain has none.
    """
    given, scene = conditions(camera), light().requires_grad_()
    image = folded(camera, scene, given)
    seen = image.detach() > 1e-3
    own = slope(image, scene)
    apart = slope(chain(camera, scene, given, noisy_slope=False), scene)
    torch.testing.assert_close(own[seen], apart[seen], atol=1e-4, rtol=1e-4)
    assert float(seen.float().mean()) > 0.9
    assert float(own.abs().max()) > 1


def test_what_is_dropped_has_mean_zero() -> None:
    """The noise's own slope, over seeds: its mean is within 4 standard errors of zero.

    Light in the middle of the curve, taken as linear: clipping and encoding would mix the two.
    """
    n = 400
    scene = torch.full((n, 3, 4, 4), 0.4).requires_grad_()
    given = {"seed": torch.arange(float(n)), "gain_ratio": torch.full((n,), 8.0)}
    window = Window(torch.zeros(n, 2), (4, 4), Sensor())
    noisy = Noise()(Linear(scene), given, window)
    dropped = torch.autograd.grad(noisy.sum(), scene)[0] - 1
    error = dropped.std() / dropped.numel() ** 0.5
    assert float(dropped.abs().mean()) > 0.005
    assert abs(float(dropped.mean())) < 4 * float(error)


def test_dropping_it_leaves_the_mean_slope_of_pictures() -> None:
    """Through the whole curve, over 300 seeds: within a hundredth of the chain's own.

    The curve's bend leaves gain / (2 x full well) x f'' / f', 0.6 % at 5 % light and gain 8.
    """
    n, camera = 300, replace(CAMERA, vignette=CALM.vignette)
    given = {name: value[:1].repeat(n) for name, value in conditions(camera, 3).items()}
    given |= {"noise.seed": torch.arange(float(n)), "noise.gain_ratio": torch.full((n,), 8.0)}
    given |= {"exposure.gain_ev": torch.zeros(n)}
    ramp = torch.linspace(0.05, 0.7, 16).expand(n, 3, 16, 16).clone().requires_grad_()
    window = Window(torch.zeros(n, 2), (16, 16), Sensor())
    means = []
    for noisy_slope in (True, False):
        noise = camera.noise(Linear(ramp), below(given, "noise"), window)
        seen = noise if noisy_slope else ramp + (noise - ramp).detach()
        image = camera.tone(Linear(seen), below(given, "tone"), window)
        means.append(torch.autograd.grad(image.sum(), ramp)[0].mean(dim=(0, 1, 2)))
    torch.testing.assert_close(means[0], means[1], atol=0, rtol=0.01)


def test_the_slope_is_the_finite_difference() -> None:
    """Of each pixel on its own, in double precision, away from the ends of the scale."""
    scene = 0.05 + 0.5 * torch.rand(ROWS, 3, 8, 8, generator=generator(4)).double()
    factor = torch.tensor([0.7, 1.0, 1.2]).double().reshape(1, 3, 1, 1).repeat(ROWS, 1, 1, 1)
    power = torch.linspace(0.85, 1.15, ROWS).double().reshape(-1, 1, 1, 1)
    how, step = Development(factor, None, None, None, power), 1e-6
    steps = [developed(Linear(scene + side * step), how) for side in (1, -1)]
    scene.requires_grad_()
    (own,) = torch.autograd.grad(developed(Linear(scene), how).sum(), scene)
    torch.testing.assert_close(own, (steps[0] - steps[1]) / (2 * step), atol=1e-5, rtol=1e-5)


def test_clipped_light_has_no_slope() -> None:
    scene = torch.tensor([-0.1, 1.3]).reshape(2, 1, 1, 1).repeat(1, 3, 4, 4).requires_grad_()
    how = Development(torch.ones(2, 3, 1, 1), None, None, None, None)
    image = developed(Linear(scene), how)
    (own,) = torch.autograd.grad(image.sum(), scene)
    assert float(own.abs().max()) == 0
    assert image[:, 0, 0, 0].tolist() == pytest.approx([0, 1], abs=1e-6)


def test_a_mosaic_is_not_folded() -> None:
    """With other effects between noise and tone the camera goes through the chain."""
    camera = replace(CAMERA, mosaic=Mosaic(which=type(Mosaic().which)((0.0,))))
    given = conditions(camera)
    folded_away = folded(CAMERA, light(), given)
    assert float((folded(camera, light(), given) - folded_away).abs().mean()) > 0.01
