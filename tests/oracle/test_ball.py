"""Balls cut by boxes: projections against slow references, steps and draws against their laws."""

from itertools import combinations
from math import inf

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import Tensor

from physadv.attacks.digital import lowest, project, random_point, steepest
from physadv.attacks.digital.ball import check_norm
from physadv.core import UserError, generator

NORMS = (inf, 2.0, 1.0)
FREE = torch.full((1, 1), inf)


def drawn(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=generator(seed)).double()


def slow(change: Tensor, low: Tensor, high: Tensor, eps: float, norm: float) -> Tensor:
    """Project row by row: bisect the multiplier of the norm's constraint in the KKT conditions."""
    rows = []
    for u, a, b in zip(change, low, high, strict=True):

        def point(t: float, u: Tensor = u, a: Tensor = a, b: Tensor = b) -> Tensor:
            moved = u.sign() * (u.abs() - t).clamp_min(0) if norm == 1 else u / (1 + t)
            return torch.minimum(torch.maximum(moved, a), b)

        least, most = 0.0, 1e12
        if float(point(0.0).norm(p=norm)) > eps:
            for _ in range(200):
                middle = (least + most) / 2
                inside = float(point(middle).norm(p=norm)) <= eps
                least, most = (least, middle) if inside else (middle, most)
            rows.append(point(most))
        else:
            rows.append(point(0.0))
    return torch.stack(rows)


@pytest.mark.parametrize("norm", [2.0, 1.0])
@pytest.mark.parametrize("eps", [0.0, 0.3, 1.5, 100.0])
def test_projection_is_the_slow_one(norm: float, eps: float) -> None:
    change = drawn((40, 17), 1)
    low, high = -drawn((40, 17), 2).abs() * 0.3, drawn((40, 17), 3).abs() * 0.3
    low[:, 3], high[:, 5] = 0, 0
    found = project(change, low, high, eps, norm)
    assert torch.allclose(found, slow(change, low, high, eps, norm), atol=1e-6)
    assert float(found.norm(p=norm, dim=1).max()) <= eps + 1e-9
    assert bool(((found >= low) & (found <= high)).all())


def test_projection_onto_the_simplex_ball_is_duchis() -> None:
    """Duchi et al. 2008, figure 1, for vectors that are longer than the ball is wide."""
    change = drawn((30, 11), 4) * 3
    for u, found in zip(change, project(change, -FREE, FREE, 1.0, 1.0), strict=True):
        mu = u.abs().sort(descending=True).values
        rho = max(j for j in range(1, 12) if mu[j - 1] - (mu[:j].sum() - 1) / j > 0)
        theta = (mu[:rho].sum() - 1) / rho
        assert torch.allclose(found, u.sign() * (u.abs() - theta).clamp_min(0), atol=1e-12)


def test_projection_onto_the_round_ball_is_radial() -> None:
    change = drawn((30, 11), 5)
    found = project(change, -FREE, FREE, 0.5, 2.0)
    assert torch.allclose(found, 0.5 * change / change.norm(dim=1, keepdim=True), atol=1e-12)


def test_projection_onto_the_cube_clips() -> None:
    change = drawn((5, 7), 6)
    found = project(change, torch.tensor(-0.1), torch.tensor(2.0), 0.5, inf)
    assert torch.allclose(found, change.clamp(-0.1, 0.5), atol=1e-8)


@pytest.mark.parametrize("norm", NORMS)
def test_what_is_inside_stays(norm: float) -> None:
    change = drawn((8, 3, 4, 5), 7) * 1e-3
    found = project(change, torch.tensor(-1.0), torch.tensor(1.0), 10.0, norm)
    assert torch.allclose(found, change, atol=1e-15)


@pytest.mark.parametrize("norm", [inf, 2.0])
def test_the_step_is_the_steepest(norm: float) -> None:
    """No direction of unit norm grows the linear function more: the dual norm is reached."""
    slope = drawn((6, 3, 5, 5), 8)
    step = steepest(slope, norm)
    dual = {inf: 1.0, 2.0: 2.0}[norm]
    gained = (step * slope).flatten(1).sum(dim=1)
    assert torch.allclose(gained, slope.flatten(1).norm(p=dual, dim=1))
    assert torch.allclose(step.flatten(1).norm(p=norm, dim=1), torch.ones(6).double())


def test_the_sparse_step_takes_the_largest_free_hundredth() -> None:
    slope = torch.arange(1.0, 1001.0).reshape(1, 10, 10, 10)
    room = torch.where(slope <= 900, 1.0, 0.0)
    step = steepest(-slope, 1.0, room, 0.5).flatten()
    assert torch.equal(step.nonzero()[:, 0], torch.arange(890, 900))
    assert torch.allclose(step[890:900], torch.full((10,), -0.1))
    assert float(steepest(slope, 1.0, 0 * slope, 0.5).abs().sum()) == 0
    assert torch.equal(steepest(slope, 1.0).flatten().nonzero()[:, 0], torch.arange(990, 1000))


@pytest.mark.parametrize("rate", [0.3, 2.0, 1000.0])
def test_the_sparse_step_in_a_box_solves_the_linear_program(rate: float) -> None:
    """Largest slope * step with |step| at most the even part and the room, in sum at most 1."""
    slope, count = drawn((3, 300), 8), 3
    room = torch.rand(3, 300, generator=generator(4)).double() * 0.2
    room[:, ::7] = 0
    step = steepest(slope, 1.0, room, rate)
    assert bool((step.abs() * rate <= room + 1e-12).all())
    assert float(step.abs().amax()) <= 1 / count + 1e-12
    for row, most, one in zip(slope, room / rate, step, strict=True):
        ends = [(0.0, float(end)) for end in most.clamp_max(1 / count)]
        best = linprog(-row.abs().numpy(), A_ub=[[1.0] * 300], b_ub=[1.0], bounds=ends)
        assert float((row * one).sum()) == pytest.approx(-best.fun, rel=1e-9)
        assert float(one.abs().sum()) == pytest.approx(min(1.0, sum(end for _, end in ends)))


@pytest.mark.parametrize("norm", NORMS)
def test_draws_fill_the_ball_evenly(norm: float) -> None:
    """The share of the volume inside the radius of an even draw is itself evenly spread."""
    length = 5
    change = random_point(torch.zeros(20_000, length), 0.7, norm, generator(9))
    share = (change.norm(p=norm, dim=1) / 0.7).double() ** length
    grid = torch.linspace(0, 1, 11).double()
    cumulated = (share[:, None] <= grid).double().mean(dim=0)
    assert float((cumulated - grid).abs().max()) < 1.95 / np.sqrt(20_000)  # Kolmogorov, 0.1 %
    assert float(change.mean(dim=0).abs().max()) < 0.02


def test_other_norms_are_refused() -> None:
    with pytest.raises(UserError, match="norm: expected inf, 2, 1 or 0, got 3"):
        check_norm(3)


def test_the_lowest_point_solves_the_linear_program() -> None:
    """For 1: change = up - down, both from 0 on, at most eps in sum."""
    slope, room = drawn((4, 30), 10), drawn((2, 4, 30), 11).abs() * 0.3
    found = lowest(slope, -room[0], room[1], 1.2, 1.0)
    for row, low, high, one in zip(slope, *room, found, strict=True):
        ends = [(0.0, float(end)) for end in torch.cat([high, low])]
        both = torch.cat([row, -row]).numpy()
        best = linprog(both, A_ub=[[1.0] * 60], b_ub=[1.2], bounds=ends)
        assert float((row * one).sum()) == pytest.approx(best.fun, rel=1e-9)


def test_the_lowest_point_of_the_round_ball_meets_its_conditions() -> None:
    """For 2: clip(-slope / t), with the t at which the norm is eps, found by bisection."""
    slope, room = drawn((4, 30), 12), drawn((2, 4, 30), 13).abs() * 0.3
    found = lowest(slope, -room[0], room[1], 0.6, 2.0)
    for row, low, high, one in zip(slope, *room, found, strict=True):
        small, large = 1e-6, 1e6
        for _ in range(200):
            t = (small * large) ** 0.5
            point = torch.minimum(torch.maximum(-row / t, -low), high)
            small, large = (t, large) if float(point.norm()) > 0.6 else (small, t)
        assert torch.allclose(one, point, atol=1e-7)


def test_projection_onto_few_pixels_is_the_nearest_of_all_choices() -> None:
    change, room = drawn((5, 3, 2, 3), 14), drawn((2, 5, 3, 2, 3), 15).abs() * 0.5
    found = project(change, -room[0], room[1], 2, 0.0)
    inside = change.clamp(-room[0], room[1])
    for row, whole, one in zip(change.flatten(2), inside.flatten(2), found.flatten(2), strict=True):
        tried = []
        for pair in combinations(range(6), 2):
            kept = torch.zeros_like(whole)
            kept[:, pair] = whole[:, pair]
            tried.append(float((row - kept).norm()))
        assert float((row - one).norm()) == pytest.approx(min(tried))
        assert int((one != 0).any(dim=0).sum()) == 2
