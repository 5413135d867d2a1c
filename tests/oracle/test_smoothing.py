"""Randomized smoothing against closed forms of linear victims, the binomial law, and attacks."""

import numpy as np
import pytest
import torch
from scipy.stats import binom
from torch import Tensor

from physadv.attacks.digital import PGD, Rows
from physadv.core import Encoded, UserError
from physadv.defences import RandomizedSmoothing, straight_through
from physadv.defences.smoothing import lower_bound
from physadv.objectives import margin, untargeted
from tests.victims import LinearVictim, linear_victim, small_victim

SIGMA = 0.05


def two_classes() -> tuple[LinearVictim, Tensor]:
    """Return a victim whose boundary goes through grey, and the unit step (3,8,8) into class 1.

    In closed form: what is smoothed is the victim itself, and the distance its radius.
    """
    victim = linear_victim(classes=2)
    step = victim.weight[1] - victim.weight[0]
    victim.bias = torch.stack([0.5 * step.sum(), torch.zeros(())])
    return victim, step / step.norm()


def at(distances: list[float]) -> tuple[LinearVictim, Encoded]:
    victim, step = two_classes()
    return victim, Encoded(0.5 + torch.tensor(distances)[:, None, None, None] * step)


def test_the_bound_solves_the_binomial_equation() -> None:
    for n, alpha in ((20, 0.05), (1000, 0.001)):
        found = lower_bound(torch.tensor([0, 1, n // 2, n - 1, n]), n, alpha).tolist()
        assert found[0] == 0
        assert found[-1] == pytest.approx(alpha ** (1 / n))
        for k, low in zip((1, n // 2, n - 1), found[1:-1], strict=True):
            assert binom.sf(k - 1, n, low) == pytest.approx(alpha)


@pytest.mark.parametrize("p", [0.55, 0.9, 0.99])
def test_the_bound_is_too_high_at_most_as_often_as_it_may_be(p: float) -> None:
    alpha, draws = 0.05, 20_000
    hits = torch.from_numpy(np.random.default_rng(0).binomial(1000, p, draws))
    wrong = float((lower_bound(hits, 1000, alpha) > p).float().mean())
    assert alpha / 4 < wrong <= alpha + 3 * (alpha * (1 - alpha) / draws) ** 0.5


def test_a_linear_victims_radius_is_its_distance() -> None:
    distances = [0.5 * SIGMA, SIGMA, 1.8 * SIGMA]
    victim, images = at([*distances, -SIGMA])
    found = RandomizedSmoothing(SIGMA).certify(victim, images, estimate=20_000)
    assert found.labels.tolist() == [1, 1, 1, 0]
    truth = torch.tensor([*distances, SIGMA])
    assert bool((found.radius <= truth).all())
    assert bool((found.radius > truth - 0.08 * SIGMA).all())
    assert found.holds(torch.ones(4), 0.8 * SIGMA).tolist() == [False, True, True, False]


def test_certificates_are_wrong_at_most_as_often_as_they_may_be() -> None:
    victim, images = at([0.8 * SIGMA] * 1000)
    how = RandomizedSmoothing(SIGMA)
    found = how.certify(victim, images, select=5, estimate=40, alpha=0.1)
    claimed = (found.labels == 0) | (found.radius > 0.8 * SIGMA)
    assert 0 < float(claimed.float().mean()) <= 0.1 + 3 * (0.09 / 1000) ** 0.5
    assert found.labels[found.lower <= 0.5].eq(-1).all()
    assert found.radius[found.labels == -1].eq(0).all()


def test_a_prediction_abstains_on_the_boundary_and_is_right_off_it() -> None:
    victim, images = at([0.0] * 500 + [1.2 * SIGMA] * 100)
    told = RandomizedSmoothing(SIGMA).predict(victim, images, samples=60, alpha=0.05)
    wrong = float((told[:500] != -1).float().mean())
    assert 0 < wrong <= 0.05 + 3 * (0.05 * 0.95 / 500) ** 0.5
    assert told[500:].eq(1).all()


def test_scores_are_votes_with_the_slope_of_the_mean() -> None:
    victim = small_victim()
    images = Encoded(torch.rand(3, 3, 12, 16, generator=torch.Generator().manual_seed(1)))
    hard = RandomizedSmoothing(0.3, samples=40)(victim)
    soft = RandomizedSmoothing(0.3, samples=40, soft=True)(victim)
    counts = hard(images).scores.exp() * 41 - 1 / 5
    assert torch.allclose(counts, counts.round(), atol=1e-3)
    assert torch.allclose(counts.sum(dim=1), torch.full((3,), 40.0), atol=1e-3)
    slopes = []
    for made in (hard, soft):
        made.reset()
        point = images.clone().requires_grad_()
        weights = torch.arange(15.0).reshape(3, 5)
        (slope,) = torch.autograd.grad((made(Encoded(point)).scores * weights).sum(), point)
        slopes.append(slope)
    assert torch.allclose(slopes[0], slopes[1], atol=1e-6)


def test_the_slope_is_that_of_finite_differences() -> None:
    victim, images = at([0.01, -0.02])
    victim.weight, victim.bias = victim.weight.double(), victim.bias.double()
    made = RandomizedSmoothing(SIGMA, samples=8, soft=True)(victim)

    def told(point: Tensor) -> Tensor:
        made.reset()
        return made(Encoded(point)).scores

    point = images.double().requires_grad_()
    assert torch.autograd.gradcheck(told, (point,), fast_mode=True)


def test_no_attack_within_a_radius_turns_a_certified_class() -> None:
    victim, images = at([0.7 * SIGMA, 1.2 * SIGMA])
    how = RandomizedSmoothing(SIGMA, samples=64)
    found = how.certify(victim, images, estimate=4000)
    labels = found.labels
    for share, kept in ((0.95, True), (1.6, False)):
        for k in range(2):
            eps = share * float(found.radius[k])
            row = Encoded(images[k : k + 1])
            attack, goal = PGD(2.0, eps, steps=15), untargeted(margin)
            made = attack(how(victim), row, goal, rows=Rows(labels=labels[k : k + 1]))
            strong = how.predict(victim, made, samples=20_000)
            assert (int(strong) == int(labels[k])) == kept


def test_what_is_put_straight_through_is_exact() -> None:
    made, like = torch.tensor([0.1, 0.1]), torch.tensor([1e6, -3.3])
    assert torch.equal(straight_through(made, like), made)


def test_what_cannot_be_certified_is_refused() -> None:
    victim, images = at([0.0])
    with pytest.raises(UserError, match="alpha: expected a probability"):
        RandomizedSmoothing().certify(victim, images, alpha=1.0)
    with pytest.raises(UserError, match="estimate: expected at least 1"):
        RandomizedSmoothing().certify(victim, images, estimate=0)
    with pytest.raises(UserError, match="samples: expected at least 1"):
        RandomizedSmoothing().predict(victim, images, samples=0)
