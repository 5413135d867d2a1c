"""Disguise keeps its bounds on 8-bit images, by scikit-image, and uses them well."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity
from torch import Tensor

from physadv.attacks.digital import Disguise, Rows
from physadv.attacks.digital.budget import colour_difference
from physadv.core import Encoded, UserError, generator, quantise, ssim
from physadv.objectives import margin, targeted, untargeted
from tests.victims import linear_victim, small_victim

GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def images(size: tuple[int, int] = (16, 16), n: int = 3, low: float = 0.3) -> Encoded:
    rand = torch.rand(n, 3, *size, generator=generator(5))
    return Encoded(quantise(low + (1 - 2 * low) * rand))


def alike(one: Tensor, other: Tensor) -> list[float]:
    """Return the structural similarity by scikit-image."""
    return [
        float(structural_similarity(a, b, channel_axis=2, data_range=1.0, **GAUSSIAN))  # type: ignore[no-untyped-call]  # scikit-image has no types
        for a, b in zip(rows(one), rows(other), strict=True)
    ]


def apart(one: Tensor, other: Tensor) -> list[float]:
    """Return the mean CIEDE2000 by scikit-image, image by image."""
    return [
        float(np.mean(deltaE_ciede2000(rgb2lab(a), rgb2lab(b))))  # type: ignore[no-untyped-call]  # scikit-image has no types
        for a, b in zip(rows(one), rows(other), strict=True)
    ]


def rows(images: Tensor) -> list[NDArray[np.float64]]:
    return list(images.permute(0, 2, 3, 1).double().numpy())


@pytest.mark.parametrize("size", [(24, 30), (11, 40)])
def test_similarity_is_that_of_scikit_image(size: tuple[int, int]) -> None:
    one = images(size, low=0.0)
    other = quantise(one + 0.1 * torch.randn(one.shape, generator=generator(6)))
    assert ssim(one.double(), other.double()).tolist() == pytest.approx(alike(one, other), abs=1e-9)
    assert colour_difference(one, other).tolist() == pytest.approx(apart(one, other), abs=1e-9)


@pytest.mark.parametrize(
    "how",
    [
        Disguise(ssim=0.99, steps=25),
        Disguise(ssim=0.8, steps=25, rate=0.2),
        Disguise(ssim=None, de2000=1.0, steps=15),
        Disguise(ssim=0.9, de2000=3.0, steps=15, rate=0.1),
    ],
)
def test_the_bounds_hold_on_8_bits(how: Disguise) -> None:
    clean = images((12, 16), low=0.0)
    victim = small_victim()
    with torch.no_grad():
        rows = Rows(labels=victim(clean).best)
    seen: list[Tensor] = []
    goal = untargeted(margin)
    made = how(victim, clean, goal, rows=rows, watch=lambda step: seen.append(step.images))
    assert torch.equal(made, quantise(made))
    for one in (made, *seen[::5]):
        if how.ssim is not None:
            assert min(alike(clean, one)) >= how.ssim
        if how.de2000 is not None:
            assert max(apart(clean, one)) <= how.de2000
    before, after = (goal.loss(victim(one), rows.photo(one)) for one in (clean, made))
    assert bool((after < before).all())


def test_it_gains_more_than_the_gradient_at_the_same_similarity() -> None:
    """The way of the gradient, the optimum of norm 2, is one of those that the bound allows."""
    victim, clean, floor = linear_victim(classes=2, size_px=(16, 16)), images(), 0.9
    made = Disguise(ssim=floor, steps=100)(victim, clean, targeted(1, margin), seed=1)
    way = victim.margin_gradient(1, 0, (16, 16))
    low, high = torch.zeros(3, 1, 1, 1), torch.ones(3, 1, 1, 1) / way.abs().max()
    for _ in range(25):
        middle = (low + high) / 2
        fits = ssim(clean.double(), (clean + middle * way).double()) >= floor
        low, high = (
            torch.where(fits.reshape(-1, 1, 1, 1), one, other)
            for one, other in ((middle, low), (high, middle))
        )
    assert max(alike(clean, made)) < floor + 0.005, "the budget is used up"
    gains = [(one - clean).flatten(1) @ way.flatten() for one in (made, clean + low * way)]
    assert bool((gains[0] > 1.1 * gains[1]).all()), gains


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ssim": None}, "ssim: expected a bound, or one of de2000, got none of both"),
        ({"ssim": 1.0}, "ssim: expected a similarity between 0 and 1"),
        ({"de2000": 0.0}, "de2000: expected a number above 0"),
        ({"steps": 0}, "steps: expected at least 1"),
        ({"rate": 0.0}, "rate: expected above 0"),
    ],
)
def test_a_budget_of_nothing_is_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Disguise(**settings)  # type: ignore[arg-type]  # wrong on purpose
