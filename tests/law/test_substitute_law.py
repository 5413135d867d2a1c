"""A substitute's training never asks beyond its budget, and goes on as if it had never stopped."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.attacks.digital.substitute import (
    SubstituteRecipe,
    SubstituteState,
    SubstituteWatch,
    train_substitute,
)
from physadv.core import Answer, Encoded, UserError, generator
from physadv.victims import BudgetError
from tests.victims import LinearVictim, linear_victim

SIZE = (4, 4)
RECIPE = SubstituteRecipe(40, rounds=3, network="linear", side_px=4, epochs=2, batch=16)


class Counted(LinearVictim):
    """Counts what it is shown, and may stop answering."""

    differentiable = False

    def __init__(
        self, last: int = 10**9, how: type[UserError | KeyboardInterrupt] = UserError
    ) -> None:
        plain = linear_victim(3, SIZE)
        super().__init__(plain.weight, plain.bias)
        self.queries, self.last, self.how = 0, last, how

    def __call__(self, images: Encoded) -> Answer:
        if self.queries + len(images) > self.last:
            raise self._refusal(images)
        self.queries += len(images)
        return super().__call__(images)

    def _refusal(self, images: Encoded) -> BaseException:
        if not issubclass(self.how, UserError):
            return KeyboardInterrupt()
        error = self.how("budget", expected="less", got="more")
        if isinstance(error, BudgetError):
            room = self.last - self.queries
            error.scores = super().__call__(images).scores
            error.scores[room:] = torch.nan
            self.queries = self.last
        return error


def pictures(n: int) -> Encoded:
    return Encoded((torch.rand(n, 3, *SIZE, generator=generator(0)) * 255).round() / 255)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 12),
    more=st.integers(0, 60),
    rounds=st.integers(0, 4),
    doublings=st.none() | st.integers(0, 3),
    kappa=st.integers(1, 9),
)
def test_the_budget_is_never_exceeded_and_every_image_counts_once(
    n: int, more: int, rounds: int, doublings: int | None, kappa: int
) -> None:
    recipe = replace(RECIPE, queries=n + more, rounds=rounds, doublings=doublings, reservoir=kappa)
    recipe = replace(recipe, epochs=1)
    victim = Counted()
    state = train_substitute(victim, pictures(n), recipe).state
    assert state.queries == victim.queries <= n + more
    assert len(state.tensors["images"]) == len(state.tensors["targets"]) == state.queries
    if state.trained < rounds + 1:
        assert state.queries == n + more, "it ends early where the budget is spent alone"


def last_state(victim: Counted, recipe: SubstituteRecipe = RECIPE) -> SubstituteState:
    """Return the last state that is told before whatever stops the training."""
    told: list[SubstituteState] = []
    with pytest.raises((UserError, KeyboardInterrupt)):
        train_substitute(victim, pictures(10), recipe, watch=SubstituteWatch(state=told.append))
    return told[-1]


def weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in tensors.items() if name != "counts"}


def check_same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    torch.testing.assert_close(weights(one), weights(other), rtol=0, atol=0)
    assert torch.equal(one["counts"][:3], other["counts"][:3])


@pytest.mark.parametrize("last", [7, 10, 13, 25, 39])
@pytest.mark.parametrize("how", [UserError, BudgetError])
def test_it_goes_on_after_a_refusal_as_if_there_had_been_none(
    last: int, how: type[UserError]
) -> None:
    whole = train_substitute(Counted(), pictures(10), RECIPE).state
    state = last_state(Counted(last, how))
    if how is BudgetError:
        assert state.queries == last, "answers that were paid for are kept"
    again = Counted()
    made = train_substitute(again, pictures(10), RECIPE, resume=state.tensors)
    check_same(made.state.tensors, whole.tensors)
    assert again.queries == 40 - state.queries, "what was answered is not asked again"


@pytest.mark.parametrize("tick", range(1, 10, 2))
def test_it_goes_on_after_ctrl_c_wherever_that_comes(tick: int) -> None:
    whole = train_substitute(Counted(), pictures(10), RECIPE).state
    told: list[SubstituteState] = []
    count = 0

    def stop(_done: float, _what: str) -> None:
        nonlocal count
        count += 1
        if count == tick:
            raise KeyboardInterrupt

    try:
        found = train_substitute(
            Counted(), pictures(10), RECIPE, watch=SubstituteWatch(stop, told.append)
        )
        assert found.interrupted
        assert found.state.trained == told[-1].trained > 0
    except KeyboardInterrupt:
        assert told[-1].trained == 0, "before the first training there is nothing to return"
    made = train_substitute(Counted(), pictures(10), RECIPE, resume=told[-1].tensors)
    check_same(made.state.tensors, whole.tensors)


def test_the_share_that_is_told_goes_forward() -> None:
    told: list[float] = []
    watch = SubstituteWatch(tick=lambda done, _: told.append(done))
    train_substitute(Counted(), pictures(10), RECIPE, watch=watch)
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] <= 1


def test_the_seed_alone_decides() -> None:
    def tensors(seed: int) -> Mapping[str, Tensor]:
        return train_substitute(Counted(), pictures(10), RECIPE, seed=seed).state.tensors

    before = torch.get_rng_state()
    one, same, other = tensors(1), tensors(1), tensors(2)
    assert torch.equal(torch.get_rng_state(), before)
    check_same(one, same)
    assert not torch.equal(one["net.1.weight"], other["net.1.weight"])


def test_a_larger_budget_goes_on_where_a_smaller_one_ended() -> None:
    small = train_substitute(Counted(), pictures(10), replace(RECIPE, queries=20)).state
    victim = Counted()
    large = train_substitute(victim, pictures(10), RECIPE, resume=small.tensors).state
    assert (small.queries, victim.queries, large.queries) == (20, 20, 40)


def test_what_does_not_belong_to_a_state_is_refused() -> None:
    state = last_state(Counted(25))
    with pytest.raises(UserError, match="images: expected those the training began with"):
        train_substitute(
            Counted(),
            pictures(9),
            RECIPE,
            resume=dict(state.tensors) | {"images": 0 * state.tensors["images"]},
        )
    fewer = replace(RECIPE, queries=12)
    with pytest.raises(UserError, match="queries: expected at least"):
        train_substitute(Counted(), pictures(10), fewer, resume=state.tensors)
