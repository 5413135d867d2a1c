"""What attacks that only ask share: whole bytes, exact counts, the best point, an end of budget."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from physadv.attacks.digital import DigitalAttack, EstimatedPGD, EvadeHC, GenAttack, Rows
from physadv.attacks.digital.asking import Asking, Question, inward
from physadv.core import Answer, Encoded, generator, quantise
from physadv.objectives import margin, targeted, untargeted
from physadv.victims import BudgetError
from tests.victims import LinearVictim, linear_victim, small_victim

SIZE = (8, 8)
ATTACKS: dict[str, DigitalAttack] = {
    "spsa": EstimatedPGD("spsa", eps=8 / 255, queries=200, samples=10),
    "coordinates": EstimatedPGD("coordinates", eps=8 / 255, queries=200, samples=10),
    "genetic": GenAttack(eps=8 / 255, queries=200, guided=True, cells=4),
    "evade": EvadeHC(eps=8 / 255, queries=200, paths=10, kept=2, length=10),
}


class Sent:
    """A victim that keeps all images it is asked about."""

    def __init__(self, victim: Any) -> None:
        self.victim, self.images = victim, list[Tensor]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.victim, name)

    def __call__(self, images: Encoded) -> Answer:
        self.images.append(images.detach().clone())
        answer: Answer = self.victim(images)
        return answer


def clean(n: int = 3, seed: int = 0) -> Encoded:
    return Encoded(quantise(torch.rand(n, 3, *SIZE, generator=generator(seed))))


def on_grid(images: Tensor) -> bool:
    return bool(((images * 255) - (images * 255).round()).abs().max() < 1e-3)


@given(st.integers(0, 2**32), st.booleans(), st.floats(0.0, 0.2))
def test_rounding_makes_no_change_larger(seed: int, whole: bool, eps: float) -> None:
    images, change = torch.rand(2, 1, 1, 3, 9, generator=generator(seed)).unbind()
    images = quantise(images) if whole else images
    points = (images + eps * (2 * change - 1)).clamp(0, 1)
    made = inward(points, images)
    assert bool(((made - images).abs() <= (points - images).abs() + 2e-6).all())
    assert bool((((made - images) * (points - images)) >= -1e-9).all())
    at_home = made == images
    assert on_grid(made[~at_home]) if bool((~at_home).any()) else True
    assert torch.equal(inward(images, images), images)


def test_rounding_takes_the_nearest_byte_of_those_allowed() -> None:
    images = torch.tensor([100.0, 100.0, 100.0, 100.3]) / 255
    points = torch.tensor([107.6, 92.4, 104.4, 108.2]) / 255
    wanted = torch.tensor([107.0, 93.0, 104.0, 108.0]) / 255
    assert torch.allclose(inward(points, images), wanted, atol=1e-6)


@pytest.mark.parametrize("name", ATTACKS)
def test_only_bytes_are_sent_and_kept_and_success_survives_rounding(name: str) -> None:
    victim, images = Sent(small_victim()), clean(4)
    with torch.no_grad():
        labels = small_victim()(images).best
    goal, rows = untargeted(margin), Rows(labels=labels)
    made = ATTACKS[name](victim, images, goal, rows=rows, seed=0)
    assert all(on_grid(sent) for sent in victim.images)
    assert on_grid(made)
    assert float((made - images).abs().max()) <= 8 / 255 + 1e-6
    photo = rows.photo(quantise(made))
    told, kept = (victim.victim(Encoded(one)).best for one in (made, photo.pixels))
    assert torch.equal(told, kept)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_image_is_asked_about_more_than_the_budget_allows(name: str) -> None:
    victim = Sent(linear_victim(classes=2, size_px=SIZE))
    never = targeted(1, margin, confidence=1e9)
    images = clean(1)
    hopeless = victim.victim
    hopeless.bias = torch.tensor([1e4, 0.0])
    ATTACKS[name](victim, images, never, seed=0)
    assert 150 < sum(len(sent) for sent in victim.images) <= 200


def test_the_best_of_each_image_is_kept() -> None:
    victim = LinearVictim(
        torch.ones(2, 3, *SIZE) * torch.tensor([1.0, -1.0])[:, None, None, None], torch.zeros(2)
    )
    images = Encoded(torch.full((2, 3, *SIZE), 100 / 255))
    asking = Asking(Question(victim, targeted(1, margin)), images, Rows(), 9, rounded=True)
    steps = torch.tensor([3.0, -2.0, 5.0, -4.0])[:, None, None, None] / 255
    which = torch.tensor([0, 0, 1, 1])
    asking(images[which] + steps, which)
    best = (asking.best.images * 255).round().flatten(1)
    assert best[:, 0].tolist() == [98, 96]
    assert asking.spent.tolist() == [3, 3]
    assert asking.open(6).tolist() == [0, 1]
    assert asking.open(7).tolist() == []


class Short(LinearVictim):
    """Answers for some images, and no more."""

    budget = 0

    def __call__(self, images: Encoded) -> Answer:
        answer = super().__call__(images)
        if len(images) <= self.budget:
            self.budget -= len(images)
            return answer
        error = BudgetError("budget", expected="less", got="more")
        error.scores = answer.scores.clone()
        error.scores[self.budget :] = torch.nan
        self.budget = 0
        raise error


def short(budget: int) -> Short:
    plain = linear_victim(classes=2, size_px=SIZE)
    victim = Short(plain.weight, plain.bias)
    victim.budget = budget
    return victim


@pytest.mark.parametrize("name", ["spsa", "genetic"])
def test_a_budget_that_ends_on_the_way_leaves_the_best_so_far(name: str) -> None:
    goal, images = targeted(1, margin, confidence=1e9), clean(2)
    plain = linear_victim(classes=2, size_px=SIZE)
    plain.bias = torch.tensor([1e4, 0.0])
    losses = []
    for budget in (2, 60, 10**6):
        victim = short(budget)
        victim.bias = plain.bias
        made = ATTACKS[name](victim, images, goal, seed=0)
        losses.append(goal.loss(plain(made), Rows().photo(made)))
    assert bool((losses[1] < losses[0]).all())
    assert bool((losses[2] < losses[1]).all())


@pytest.mark.parametrize("name", ATTACKS)
def test_a_budget_that_is_none_is_told(name: str) -> None:
    with pytest.raises(BudgetError):
        ATTACKS[name](short(1), clean(2), targeted(1, margin), seed=0)
