"""Estimates of gradients against autograd's: exact where they must be, else at the known rates."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from physadv.attacks.digital import EstimatedPGD, Rows
from physadv.attacks.digital.estimated import METHODS, drawn, slopes, weight
from physadv.core import Encoded, UserError, generator
from physadv.objectives import as_labelled, margin
from tests.victims import linear_victim

N = 48
Loss = Callable[[Tensor], Tensor]


def estimate(method: str, loss: Loss, at: Tensor, m: int, radius: float, **how: bool) -> Tensor:
    """Return the estimated slope (n,) of a loss of points (...,n) at one point."""
    ways = radius * drawn(method, m, torch.ones(len(at)), generator(how.pop("seed", 0)))
    base = None if how.pop("both", True) else loss(at[None])
    found = slopes(lambda asked: loss(asked), at[None], ways[None], base, **how)[0]
    return found * weight(method, m, torch.tensor(float(len(at)))) / radius**2


def linear(slope: Tensor) -> Loss:
    return lambda points: points @ slope


def smooth(points: Tensor) -> Tensor:
    """Return a loss with a third derivative: sum of exp(3 x) over coordinates."""
    return (3 * points.double()).exp().sum(dim=-1)


def fitted(x: list[float], y: list[float]) -> float:
    """Return the slope of log y against log x."""
    logs = torch.tensor([x, y]).double().log()
    centred = logs - logs.mean(dim=1, keepdim=True)
    return float((centred[0] * centred[1]).sum() / centred[0].square().sum())


@pytest.fixture
def slope() -> Tensor:
    return torch.randn(N, generator=generator(3))


@pytest.fixture
def at() -> Tensor:
    return 0.3 + 0.4 * torch.rand(N, generator=generator(4))


def test_all_coordinates_tell_a_linear_slope_exactly(slope: Tensor, at: Tensor) -> None:
    for both in (True, False):
        found = estimate("coordinates", linear(slope), at, N, 0.01, both=both)
        assert torch.allclose(found, slope, atol=2e-4)


def test_groups_tell_the_mean_over_their_members(slope: Tensor, at: Tensor) -> None:
    m = 6
    found = estimate("groups", linear(slope), at, m, 0.01)
    ways = drawn("groups", m, torch.ones(N), generator(0))
    assert torch.equal(ways.sum(dim=0), torch.ones(N))
    assert ways.sum(dim=1).tolist() == [N / m] * m
    means = (ways @ slope) / ways.sum(dim=1)
    assert torch.allclose(found, means @ ways, atol=2e-4)


@pytest.mark.parametrize("method", ["nes", "spsa"])
def test_the_error_falls_with_the_root_of_the_samples(
    method: str, slope: Tensor, at: Tensor
) -> None:
    """|error|² is |g|² (n+1)/m for normal directions, |g|² (n-1)/m for signs, on average."""
    counts, errors = [16, 64, 256], []
    more = 1 if method == "nes" else -1
    for m in counts:
        tries = [
            estimate(method, linear(slope), at, m, 1e-3, seed=seed)  # type: ignore[arg-type]  # a seed is no bool
            for seed in range(150)
        ]
        square = float(torch.stack([(one - slope).square().sum() for one in tries]).mean())
        assert square == pytest.approx(float(slope.square().sum()) * (N + more) / m, rel=0.15)
        errors.append(square**0.5)
    assert fitted([float(m) for m in counts], errors) == pytest.approx(-0.5, abs=0.05)


@pytest.mark.parametrize(("both", "order"), [(True, 2.0), (False, 1.0)])
def test_the_error_falls_with_the_radius(both: bool, order: float, at: Tensor) -> None:
    """Central differences err by h² f'''/6, forward ones by h f''/2."""
    at = at.double()
    true = 3 * (3 * at).exp()
    radii, errors = [0.08, 0.04, 0.02, 0.01], []
    for radius in radii:
        found = estimate("coordinates", smooth, at, N, radius, both=both)
        errors.append(float((found - true).abs().max()))
    assert fitted(radii, errors) == pytest.approx(order, abs=0.1)


def test_rounding_is_known_to_the_estimate(slope: Tensor, at: Tensor) -> None:
    """Of a linear loss it is exact: what counts is the way between the bytes that were sent."""
    radius = 1.4 / 255
    at = (at * 255).round() / 255
    found = estimate("coordinates", linear(slope), at, N, radius, rounded=True)
    assert torch.allclose(found, slope * (1 / 1.4) ** 2, atol=2e-3)


def test_at_the_edge_of_what_images_may_be_only_the_way_that_is_left_counts(slope: Tensor) -> None:
    at = torch.ones(N)
    found = estimate("coordinates", linear(slope), at, N, 0.01)
    assert torch.allclose(found, slope / 4, atol=2e-4)


@pytest.mark.parametrize("method", METHODS)
def test_it_reaches_the_optimum_of_a_linear_victim(method: str) -> None:
    """Steps by signs end in the corner of the cube where the loss is least."""
    victim, size = linear_victim(classes=2, size_px=(4, 4)), (4, 4)
    victim.bias = torch.tensor([1e3, 0.0])
    images = Encoded((torch.rand(2, 3, *size, generator=generator(1)) * 255).round() / 255)
    labels, eps = torch.tensor([1, 1]), 8 / 255
    how = EstimatedPGD(method, eps=eps, queries=3000, samples=48, momentum=0.5)
    made = how(victim, images, as_labelled(margin), rows=Rows(labels=labels), seed=0)
    slope = victim.margin_gradient(1, 0, size)
    best = (images + eps * slope.sign()).clamp(0, 1)
    gained, most = (((one - images) * slope).flatten(1).sum(dim=1) for one in (made, best))
    share = 0.99 if method == "coordinates" else 0.9  # the others' estimates are noisy
    assert bool((gained <= most + 1e-4).all())
    assert float((gained / most).min()) > share


def test_what_a_mask_leaves_out_is_never_asked_about() -> None:
    free = torch.zeros(N)
    free[5:9] = 1
    for method in METHODS:
        ways = drawn(method, 3, free, generator(0))
        assert bool((ways[:, free == 0] == 0).all())
        assert bool((ways[:, 5:9] != 0).any())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "magic"}, "method: expected one of"),
        ({"queries": 0}, "queries: expected at least 1"),
        ({"radius": 0.001}, "radius: expected at least 0.5/255 for 8 bits"),
        ({"momentum": 1.0}, "momentum: expected from 0 to below 1"),
        ({"rate": 0.0}, "rate: expected a number above 0"),
    ],
)
def test_settings_that_move_nothing_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        EstimatedPGD(**settings)  # type: ignore[arg-type]  # wrong on purpose
