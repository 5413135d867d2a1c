"""Waves, camouflage and generators: cosines by numpy, colours in CIELAB by kornia, latents."""

import kornia
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000
from torch import Tensor

from physadv.core import UserError, generator
from physadv.patch import Camouflage, Latent, Waves
from physadv.scene import render, sign
from tests.worlds import two_bars

FACE = render(sign("stop"), 288)


def lab(pixels: Tensor) -> NDArray[np.float64]:
    """Return CIELAB (n,3) of encoded pixels (3,n) by kornia."""
    found: Tensor = kornia.color.rgb_to_lab(pixels[None, :, None].double())
    return found[0, :, 0].T.numpy()


def test_waves_are_a_cosine_series() -> None:
    patch = Waves(two_bars(), 4)
    theta = torch.randn(patch.shape, generator=generator(0))
    made = patch.touch(theta, 40).colour[0].numpy()
    place = (np.arange(40) + 0.5) / 40
    wanted = np.zeros((3, 40, 40))
    for i in range(4):
        for k in range(4):
            wave = np.cos(np.pi * i * place)[:, None] * np.cos(np.pi * k * place)
            wanted += theta[:, i, k].numpy()[:, None, None] * wave
    np.testing.assert_allclose(made, 1 / (1 + np.exp(-wanted)), atol=1e-5)


def test_controls_of_waves_have_their_spectrum() -> None:
    patch = Waves(two_bars(), 5)
    theta = torch.randn(patch.shape, generator=generator(1))
    found = patch.controls(theta, generator(2))
    torch.testing.assert_close(found["spectrum-matched"].abs(), theta.abs())
    values = found["shuffled"].flatten().sort().values
    torch.testing.assert_close(values, theta.flatten().sort().values)


@pytest.mark.parametrize("bound", [4.0, 15.0])
def test_camouflage_is_nowhere_farther_from_the_face_than_its_bound(bound: float) -> None:
    """At every pixel that the projection looks at, and most are near it."""
    patch = Camouflage(two_bars(), FACE, bound)
    theta = patch.project(torch.rand(patch.shape, generator=generator(3)) * 2 - 1)
    width = patch.shape[2] * 4
    made = patch.touch(theta, width).colour[0].flatten(1)
    bare = patch.touch(torch.zeros(patch.shape), width).colour[0].flatten(1)
    apart = np.asarray(deltaE_ciede2000(lab(bare), lab(made)))  # type: ignore[no-untyped-call]  # scikit-image has no types
    assert apart.max() <= bound + 0.1
    assert np.quantile(apart, 0.5) > 0.5 * bound


def test_what_is_within_the_bound_stays() -> None:
    patch = Camouflage(two_bars(), FACE, 20.0)
    theta = 0.01 * torch.randn(patch.shape, generator=generator(4))
    assert torch.equal(patch.project(theta), theta)


def test_a_latent_beyond_its_norm_is_the_nearest_within() -> None:
    patch = Latent(two_bars(), lambda z: z.sum() * torch.ones(1, 3, 4, 4), 9)
    theta = 5 * torch.randn(9, generator=generator(5))
    found = patch.project(theta)
    assert float(found.norm()) == pytest.approx(3, rel=1e-5)
    assert float(torch.cosine_similarity(found, theta, dim=0)) == pytest.approx(1)


def test_a_generator_that_makes_something_else_is_told() -> None:
    patch = Latent(two_bars(), lambda z: z, 4)
    with pytest.raises(UserError, match=r"generator: .*pictures"):
        patch.touch(torch.zeros(4))
