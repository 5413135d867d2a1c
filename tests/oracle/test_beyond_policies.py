"""Policies are attacked as closed forms say; a trained one falls to the attack, not to noise."""

import sys
from collections.abc import Sequence
from functools import partial
from math import inf, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.utils.env_checker import check_env
from torch import Tensor, nn

from physadv.beyond import (
    DQN,
    AtRandom,
    ObservationAttack,
    Preferred,
    Space,
    always,
    bounds,
    environment,
    judge,
    mean_of,
    noise_of,
    play,
    preference,
    spread,
    timed,
)
from physadv.beyond.gymnasium import Catch
from physadv.core import UserError, generator

CATCH = "physadv/Catch-v0"
CART = partial(environment, "CartPole-v1")
SEEDS = range(10)


class Upright(nn.Module):
    """Pushes where the pole falls: keeps it up for the whole 500 steps; linear."""

    def forward(self, seen: Tensor) -> Tensor:
        lean = seen @ torch.tensor([0.05, 0.2, 1.0, 0.6])
        return torch.stack([-lean, lean], dim=1)


class Odd:
    """An environment whose actions are no numbers."""

    observation_space: Any = Box(-1, 1, (2,), np.float32)
    action_space: Any = Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        return np.zeros(2), {}

    def step(self, action: int) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        return np.zeros(2), 0.0, True, False, {}


def linear(weight: Tensor) -> nn.Module:
    layer = nn.Linear(weight.shape[1], len(weight), bias=False)
    layer.weight.data.copy_(weight)
    return layer


def free(length: int, scale: float = 1.0) -> Space:
    end = torch.full((length,), 1e6)
    return Space(-end, end, torch.full((length,), scale))


@pytest.mark.parametrize("norm", [inf, 2.0, 1.0])
def test_on_linear_scores_the_step_is_the_one_in_closed_form(norm: float) -> None:
    """Of two actions the gap falls by the dual norm of the weights' difference times the radius."""
    rng, eps, d = generator(0), 0.3, 6
    weight, seen = torch.randn(2, d, generator=rng), torch.randn(5, d, generator=rng)
    policy, space = linear(weight), free(d, 0.5)
    made, touched = ObservationAttack(eps, norm)(policy, seen, space, rng)
    slope = 0.5 * (weight[0] - weight[1])
    dual = {
        inf: eps * slope.abs().sum(),
        2.0: eps * sqrt(d) * slope.norm(),
        1.0: eps * d * slope.abs().max(),
    }[norm]
    before, after = (policy(one).detach().diff(dim=1)[:, 0] for one in (seen, made))
    assert bool(touched.all())
    assert torch.allclose(after - before, -before.sign() * dual, atol=1e-4)


@pytest.mark.parametrize("norm", [inf, 2.0, 1.0])
def test_noise_has_the_attacks_size(norm: float) -> None:
    rng = generator(1)
    seen, policy, space = torch.randn(4, 6, generator=rng), linear(torch.randn(3, 6)), free(6, 2.0)
    way = ObservationAttack(0.1, norm)
    sizes = [
        ((how(policy, seen, space, rng)[0] - seen) / 2).norm(p=norm, dim=1)
        for how in (way, noise_of(way))
    ]
    assert torch.allclose(sizes[0], sizes[1], rtol=1e-3)
    assert torch.allclose(sizes[0], torch.tensor(0.1 * {inf: 1, 2.0: sqrt(6), 1.0: 6}[norm]))


def test_the_least_preferred_action_is_aimed_at() -> None:
    """Three actions: towards the worst is another direction than away from the best."""
    weight = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -2.0]])
    seen = torch.tensor([[2.0, 1.0]])
    made, _ = ObservationAttack(3.0, aim="least")(linear(weight), seen, free(2), generator(0))
    assert torch.allclose(made, seen - 3)


def test_bounds_are_kept() -> None:
    rng = generator(2)
    seen = torch.rand(8, 5, generator=rng)
    space = Space(torch.zeros(5), torch.ones(5), torch.ones(5))
    for norm in (inf, 2.0, 1.0):
        made, _ = ObservationAttack(0.7, norm)(linear(torch.randn(2, 5)), seen, space, rng)
        assert 0 <= float(made.min()) <= float(made.max()) <= 1 + 1e-6


def test_no_eps_changes_nothing() -> None:
    plain = play(CART, Upright(), SEEDS)
    null = play(CART, Upright(), SEEDS, ObservationAttack(0.0))
    assert torch.equal(plain.returns, null.returns)
    assert torch.equal(null.attacked, null.steps)
    assert float(null.turned.sum()) == 0
    assert float(plain.attacked.sum()) == 0


def test_the_moments_are_those_of_strong_preference() -> None:
    scores = torch.tensor([[0.0, 0.0], [0.0, 4.0]])
    expected = (torch.e**4 - 1) / (torch.e**4 + 1)
    assert torch.allclose(preference(scores), torch.tensor([0.0, expected]))
    assert Preferred(0.5)(scores, generator(0)).tolist() == [False, True]
    assert Preferred(0.99, temperature=0.1)(scores, generator(0)).tolist() == [False, True]
    assert always(scores, generator(0)).tolist() == [True, True]
    space = spread(CART, Upright(), SEEDS)
    for when in (timed(CART, Upright(), SEEDS, 0.25), AtRandom(0.25)):
        played = play(CART, Upright(), SEEDS, ObservationAttack(0.0, when=when), space=space)
        assert played.share == pytest.approx(0.25, abs=0.02)


def test_a_balanced_pole_falls_to_the_attack_and_not_to_noise() -> None:
    space = spread(CART, Upright(), SEEDS)
    way = ObservationAttack(0.8)
    plain = play(CART, Upright(), SEEDS).returns
    noisy, fallen = (
        play(CART, Upright(), SEEDS, how, space=space).returns for how in (noise_of(way), way)
    )
    assert float(plain.min()) == 500
    assert mean_of(fallen).high < mean_of(noisy).low


def test_a_trained_agent_falls_to_the_attack_before_noise_and_its_episodes_are_judged() -> None:
    agent = DQN(steps=7000, rate=1e-3, look=1000, trials=3, goal=300.0)(CART, seed=0)
    space, attack = spread(CART, agent, range(3)), ObservationAttack(0.6)

    def stands(plans: Sequence[tuple[int, ObservationAttack | None]]) -> list[bool]:
        seeds, attacks = zip(*plans, strict=True)  # one attack for all
        returns = play(CART, agent, seeds, attacks[0], space=space).returns
        return [float(one) >= 150 for one in returns]

    plans: list[tuple[int, ObservationAttack | None]] = [(seed, None) for seed in range(4)]
    found = judge(
        plans,
        [True] * 4,
        stands,
        lambda plans, _truth: [(seed, attack) for seed, _ in plans],
        control=lambda _plans, made: [(seed, noise_of(attack)) for seed, _ in made],
    )
    assert found.control is not None
    assert found.right.hits >= 2
    assert found.success.hits > found.control.hits
    ways = (None, noise_of(attack), attack)
    played = [play(CART, agent, SEEDS, one, space=space) for one in ways]
    means = [float(one.returns.mean()) for one in played]
    assert means == sorted(means, reverse=True)


def test_convolutions_learn_from_frames() -> None:
    """A frame that is white or black says which of two actions is rewarded."""

    class Blink(Odd):
        observation_space, action_space = Box(0, 1, (1, 8, 8), np.float32), Discrete(2)

        rng = np.random.default_rng(0)

        def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
            self.rng = self.rng if seed is None else np.random.default_rng(seed)
            self.white = int(self.rng.integers(2))
            return np.full((1, 8, 8), self.white, np.float32), {}

        def step(self, action: int) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
            return np.zeros((1, 8, 8)), float(action == self.white), True, False, {}

    agent = DQN(steps=2400, look=800, trials=20, goal=1.0)(Blink, seed=0)
    assert float(play(Blink, agent, SEEDS).returns.mean()) == 1
    turned = play(Blink, agent, SEEDS, ObservationAttack(1.0))
    assert float(turned.returns.mean()) < 0.5
    assert torch.equal(turned.turned, 1 - turned.returns)


def test_another_policy_lends_its_gradient() -> None:
    class Silent(nn.Module):
        def forward(self, seen: Tensor) -> Tensor:
            return torch.round(Upright()(seen)).detach()

    with pytest.raises(UserError, match="policy: expected a gradient to observations"):
        play(CART, Silent(), [0], ObservationAttack(0.1))
    played = play(CART, Silent(), [0], ObservationAttack(0.1, through=Upright()))
    assert float(played.attacked[0]) > 0


def test_training_is_its_seed_and_leaves_torchs_own_generator_alone() -> None:
    how, before = DQN(steps=400, look=400, trials=1), torch.get_rng_state()
    one, two = (how(CART, seed=4) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    seen = torch.rand(3, 4)
    assert torch.equal(one(seen), two(seen))
    assert not any(weight.requires_grad for weight in one.parameters())


def test_catch_is_a_proper_environment() -> None:
    check_env(Catch(balls=2), skip_render_check=True)


def test_a_ball_is_caught_where_the_paddle_follows_it() -> None:
    world = Catch(balls=3)
    for seed in range(5):
        world.reset(seed=seed)
        total, ended = 0.0, False
        while not ended:
            middle = world.column + 1.5 - (world.paddle + 3.5)
            _, reward, ended, _, _ = world.step(1 + (middle > 1) - (middle < -1))
            total += reward
        assert total == 3


def test_without_gymnasium_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    monkeypatch.delitem(sys.modules, "physadv.beyond.gymnasium", raising=False)
    with pytest.raises(UserError, match=r"environment: .* pip install 'physadv\[beyond\]'"):
        environment("CartPole-v1")


def test_a_mean_is_the_mean() -> None:
    found = mean_of(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert (found.value, found.n) == (2.5, 4)
    assert 1 < found.low < 2.5 < found.high < 4
    values = torch.randn(400, generator=generator(0))
    half = 1.96 * float(values.std()) / 20
    found = mean_of(values)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ObservationAttack(-1.0), "eps: expected a number from 0 on"),
        (lambda: ObservationAttack(0.1, 0.0), "norm: expected inf, 2 or 1"),
        (lambda: ObservationAttack(0.1, along="luck"), "along: expected one of"),
        (lambda: ObservationAttack(0.1, aim="home"), "aim: expected one of"),
        (lambda: AtRandom(2.0), "share: expected a number from 0 to 1"),
        (lambda: Preferred(0.5, 0.0), "temperature: expected a number above 0"),
        (lambda: environment("NoSuch-v0"), "environment: expected the name"),
        (lambda: environment(CATCH, balls=0), "balls: expected at least 1"),
        (lambda: play(CART, Upright(), []), "seeds: expected at least one episode"),
        (lambda: play(CART, linear(torch.ones(3, 4)), [0]), r"policy: expected scores \(B,2\)"),
        (lambda: play(CART, linear(torch.full((2, 4), torch.nan)), [0]), "scores that are numbers"),
        (lambda: play(Odd, linear(torch.ones(2, 2)), [0]), "environment: expected .* numbered"),
        (lambda: DQN(steps=0), "steps: expected at least 1"),
        (lambda: mean_of(torch.zeros(0)), "values: expected at least one"),
    ],
)
def test_what_is_wrong_is_said(call: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()


def test_bounds_are_the_environments() -> None:
    space = bounds(partial(environment, CATCH))
    assert (float(space.low.min()), float(space.high.max())) == (0, 1)
    assert bool(bounds(CART).high.isfinite().all())
