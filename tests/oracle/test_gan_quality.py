"""Quality of made pictures: scipy's root, known distances, loops, and what must be doubted."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from physadv.core import UserError, generator
from physadv.generative import (
    Measured,
    Quality,
    collapsed,
    compare,
    doubts,
    expected_coverage,
    frechet,
    mean_distance,
    neighbours,
)


def normal(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=generator(seed), dtype=torch.float64)


def with_moments(n: int, mean: Tensor, root: Tensor, seed: int = 0) -> Tensor:
    """Return n features whose sample mean and covariance are exactly mean and root root'."""
    drawn = normal(n, len(mean), seed)
    drawn = drawn - drawn.mean(dim=0)
    whitener = torch.linalg.inv(torch.linalg.cholesky(torch.cov(drawn.T)))
    made: Tensor = drawn @ whitener.T @ root.T + mean
    return made


def test_the_frechet_distance_is_scipys() -> None:
    real, made = normal(80, 12) @ normal(12, 12, 1), 0.5 + normal(60, 12, 2) @ normal(12, 12, 3)
    s1, s2 = np.cov(real.numpy().T), np.cov(made.numpy().T)
    root = scipy.linalg.sqrtm(s1 @ s2).real
    shift = (real.mean(dim=0) - made.mean(dim=0)).square().sum().item()
    expected = shift + np.trace(s1 + s2 - 2 * root)
    assert frechet(real, made) == pytest.approx(expected, rel=1e-9)


def test_the_frechet_distance_of_normal_features_is_known() -> None:
    """|m|^2 + sum (a - b)^2 for diagonal deviations a and b."""
    a, b = torch.tensor([1.0, 2.0, 0.5]).double(), torch.tensor([3.0, 1.0, 0.5]).double()
    mean = torch.tensor([1.0, -2.0, 0.0]).double()
    real = with_moments(50, torch.zeros(3).double(), a.diag())
    made = with_moments(70, mean, b.diag(), seed=1)
    assert frechet(real, made) == pytest.approx(5 + 4 + 1, abs=1e-9)
    assert frechet(real, real) == pytest.approx(0, abs=1e-9)
    assert frechet(real, made) == pytest.approx(frechet(made, real), rel=1e-9)


def test_fewer_features_than_numbers_are_no_trouble() -> None:
    real, made = normal(5, 20), normal(6, 20, 1)
    s1, s2 = np.cov(real.numpy().T), np.cov(made.numpy().T)
    mixed = np.linalg.eigvals(s1 @ s2).real.clip(0)
    shift = (real.mean(dim=0) - made.mean(dim=0)).square().sum().item()
    expected = shift + np.trace(s1) + np.trace(s2) - 2 * np.sqrt(mixed).sum()
    assert frechet(real, made) == pytest.approx(expected, rel=1e-6)


def test_the_frechet_distance_of_one_distribution_falls_with_n() -> None:
    """It is biased upward, about as 1/n: figures of the same n alone can be compared."""
    found = [frechet(normal(n, 8, 1), normal(n, 8, 2)) for n in (50, 200, 800)]
    assert found[0] > 2.5 * found[1] > 2.5 * 2.5 * found[2]


def slow(real: Tensor, made: Tensor, k: int) -> tuple[float, float, float, float]:
    """The definitions, in loops."""

    def radius(of: list[np.ndarray], i: int) -> float:
        others = [float(np.linalg.norm(of[i] - x)) for j, x in enumerate(of) if j != i]
        return sorted(others)[k - 1]

    r, m = list(real.numpy()), list(made.numpy())
    balls = [(x, radius(r, i)) for i, x in enumerate(r)]
    own = [(x, radius(m, i)) for i, x in enumerate(m)]
    inside = [[float(np.linalg.norm(x - y)) <= size for x, size in balls] for y in m]
    precision = np.mean([any(row) for row in inside])
    coverage = np.mean([any(row[i] for row in inside) for i in range(len(r))])
    density = sum(sum(row) for row in inside) / (k * len(m))
    recall = np.mean([any(np.linalg.norm(x - y) <= size for y, size in own) for x in r])
    return float(precision), float(recall), float(density), float(coverage)


@pytest.mark.parametrize("k", [1, 3])
def test_neighbours_are_those_of_the_loops(k: int) -> None:
    real, made = normal(25, 3), 0.7 * normal(18, 3, 1) + 0.4
    assert neighbours(real, made, k) == pytest.approx(slow(real, made, k))


def test_the_same_features_are_covered_wholly() -> None:
    """Each is in its own ball and in those of k others on average: density is (k + 1) / k."""
    real = normal(60, 4)
    assert neighbours(real, real.clone(), 5) == pytest.approx((1, 1, 6 / 5, 1))


def test_features_far_away_cover_nothing() -> None:
    assert neighbours(normal(40, 4), normal(40, 4, 1) + 100) == (0, 0, 0, 0)


def test_further_real_features_cover_what_is_expected() -> None:
    """Whatever the distribution and the dimension: Naeem et al. 2020, equation 9; density is 1."""
    n, m, k = 60, 40, 3
    for d in (1, 6):
        found = [neighbours(normal(n, d, 2 * s), normal(m, d, 2 * s + 1), k) for s in range(100)]
        coverage = np.array([one[3] for one in found])
        error = 4 * coverage.std() / len(found) ** 0.5
        assert coverage.mean() == pytest.approx(expected_coverage(n, m, k), abs=error)
        density = np.array([one[2] for one in found])
        assert density.mean() == pytest.approx(1, abs=4 * density.std() / len(found) ** 0.5)


def test_distances_between_normal_features_are_known() -> None:
    """E |x - y| in one dimension is 2 / sqrt(pi)."""
    assert mean_distance(normal(2000, 1)) == pytest.approx(2 / np.pi**0.5, rel=0.05)
    assert mean_distance(torch.tensor([[0.0], [3.0], [6.0]])) == pytest.approx(4)


def test_features_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UserError, match=r"made: expected features \(9, 2\), got \(8, 2\)"):
        compare(normal(9, 2), normal(8, 2))
    with pytest.raises(UserError, match="real: expected more than 5 features, got 5"):
        compare(normal(5, 2), normal(5, 2))


def test_a_collapsed_generator_is_doubted() -> None:
    real = normal(200, 6)
    one_picture = real[:1] + 0.01 * normal(200, 6, 1)
    said = " ".join(collapsed(compare(real, one_picture)))
    assert "has collapsed" in said
    assert "misses most of the data: it covers" in said
    assert "n=200" in said


def test_a_generator_of_half_the_modes_covers_half() -> None:
    centres = torch.where(torch.arange(200) < 100, -50.0, 50.0)[:, None].double()
    real, made = normal(200, 4) + centres, normal(200, 4, 1) - 50
    assert compare(real, made).coverage == pytest.approx(0.5, abs=0.03)
    assert compare(real, made).precision > 0.9


def test_a_generator_like_the_data_is_not_doubted() -> None:
    real = normal(200, 6)
    assert collapsed(compare(real, normal(200, 6, 1))) == ()


GOOD = Quality(100, 10.0, 0.9, 0.9, 1.0, 0.9, 1.0, 1.0)


def course(*distances: float, **figures: float) -> list[Measured]:
    figures = {"discriminator_loss": 1.0} | figures
    return [
        Measured(epoch, replace(GOOD, frechet=value), figures)
        for epoch, value in enumerate(distances)
    ]


@pytest.mark.parametrize(
    ("history", "said"),
    [
        (course(9.0, 5.0, 4.9), ""),
        (course(9.0, 5.0, 4.0), "falling still"),
        (course(9.0, 5.0, 9.0), "did not converge: the Frechet distance was 5.0 and is 9.0"),
        (course(5.0, 5.0, generator_loss=float("nan")), "came apart"),
        (course(5.0, 5.0, discriminator_loss=0.01), "discriminator is saturated"),
        (course(5.0, 5.0, discriminator_loss=6.0), "discriminator is beaten"),
    ],
)
def test_a_course_is_doubted(history: list[Measured], said: str) -> None:
    found = doubts(history)
    assert len(found) == (1 if said else 0)
    assert said in "".join(found)


def test_a_critic_under_a_penalty_may_be_sure() -> None:
    assert doubts(course(5.0, 5.0, discriminator_loss=-3.0), "wgan-gp") == ()
