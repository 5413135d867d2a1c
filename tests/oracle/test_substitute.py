"""Substitutes of linear victims are known: their direction, their queries, what transfers."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from physadv.attacks.digital import PGD, Rows
from physadv.attacks.digital.substitute import (
    SubstituteRecipe,
    Transfer,
    jacobian_step,
    reservoir,
    step_of,
    train_substitute,
)
from physadv.core import Answer, Encoded, UserError, generator, quantise
from physadv.objectives import cross_entropy, untargeted
from physadv.testing import check_digital
from physadv.victims import Classifier, Ensemble
from tests.victims import LinearVictim, closed_victim, linear_victim, small_victim

SIZE = (4, 4)
QUICK = SubstituteRecipe(
    400, "scores", rounds=1, network="linear", side_px=4, epochs=60, learning_rate=0.02
)


def pictures(n: int, seed: int = 0) -> Encoded:
    return Encoded(quantise(torch.rand(n, 3, *SIZE, generator=generator(seed))))


def direction(victim: LinearVictim, substitute: Classifier) -> float:
    """Return the cosine between the boundaries' normals, of the first two classes."""
    image = pictures(1).requires_grad_()
    scores = substitute(Encoded(image)).scores[0]
    (slope,) = torch.autograd.grad(scores[1] - scores[0], image)
    wanted = victim.margin_gradient(1, 0, SIZE)
    return float(torch.cosine_similarity(slope.flatten(), wanted.flatten(), dim=0))


@pytest.mark.parametrize(("answers", "least"), [("scores", 0.99), ("label", 0.9)])
def test_a_linear_substitute_finds_the_direction_of_a_linear_victim(
    answers: str, least: float
) -> None:
    victim = linear_victim(2, SIZE)
    victim.bias = victim.bias - victim(pictures(500, 9)).scores.mean(dim=0)
    recipe = replace(QUICK, answers=answers)  # type: ignore[arg-type]  # one of the two
    made = train_substitute(victim, pictures(200), recipe)
    assert made.state.queries == 400
    assert direction(victim, made.substitute) > least


def test_labels_alone_are_used_where_only_they_are_to_be() -> None:
    class Louder(LinearVictim):
        def __call__(self, images: Encoded) -> Answer:
            scores = super().__call__(images).scores
            return Answer(scores**3)

    plain = linear_victim(3, SIZE)
    loud = Louder(plain.weight, plain.bias)
    few = replace(QUICK, answers="label", epochs=2)
    one, other = (train_substitute(v, pictures(30), few).state for v in (plain, loud))
    assert one.tensors.keys() == other.tensors.keys()
    same = {name: torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors}
    assert [name for name, equal in same.items() if not equal] == ["counts"], "the clock differs"


def test_the_jacobian_step_is_the_formula() -> None:
    victim, images = linear_victim(3, SIZE), pictures(6)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    point = images.double().requires_grad_()
    scores = point.flatten(1) @ victim.weight.double().flatten(1).T + victim.bias.double()
    chances = scores.softmax(dim=1).gather(1, labels[:, None])
    (slope,) = torch.autograd.grad(chances.sum(), point)
    wanted = (images + 0.1 * slope.sign()).clamp(0, 1).float()
    assert torch.allclose(jacobian_step(victim, images, labels, 0.1), wanted, atol=1e-6)


def test_with_two_classes_the_step_is_the_sign_of_the_weights_however_sure_it_is() -> None:
    victim = linear_victim(2, SIZE)
    sure = LinearVictim(1000 * victim.weight, 1000 * victim.bias)
    images, labels = Encoded(0.2 + 0.6 * pictures(5)), torch.tensor([0, 1, 1, 0, 1])
    towards = (victim.weight[1] - victim.weight[0]).sign()
    ways = torch.where(labels[:, None, None, None] == 1, towards, -towards)
    for one in (victim, sure):
        made = jacobian_step(one, images, labels, -0.05)
        assert torch.allclose(made, images - 0.05 * ways, atol=1e-6)


def test_the_sign_of_the_step_turns_periodically() -> None:
    assert [step_of(0.1, 2, k) for k in range(6)] == [0.1, 0.1, -0.1, -0.1, 0.1, 0.1]
    assert {step_of(0.1, None, k) for k in range(6)} == {0.1}


def test_the_reservoir_holds_each_number_as_often() -> None:
    rng, draws, (n, k) = generator(0), 2000, (12, 4)
    found = torch.stack([reservoir(n, k, rng) for _ in range(draws)])
    assert all(len(set(one.tolist())) == k for one in found)
    share, spread = k / n, (draws * (k / n) * (1 - k / n)) ** 0.5
    assert float((found.flatten().bincount(minlength=n) - share * draws).abs().max()) < 4.5 * spread
    assert reservoir(3, 5, rng).tolist() == [0, 1, 2]
    assert reservoir(3, 0, rng).tolist() == []


@pytest.mark.parametrize("rounds", [0, 1, 2, 4])
def test_queries_are_those_of_the_paper(rounds: int) -> None:
    """Papernot, McDaniel & Goodfellow 2016: n 2^sigma + kappa (rho - sigma); n 2^rho without."""
    few = replace(QUICK, queries=10**6, epochs=1, rounds=rounds)
    victim, own = linear_victim(3, SIZE), pictures(5)
    assert train_substitute(victim, own, few).state.queries == 5 * 2**rounds
    thrifty = replace(few, doublings=2, reservoir=7)
    sigma = min(2, rounds)
    asked = train_substitute(victim, own, thrifty).state.queries
    assert asked == 5 * 2**sigma + 7 * (rounds - sigma)


def margins(victim: LinearVictim, images: Tensor, labels: Tensor) -> Tensor:
    scores = victim(Encoded(images)).scores
    return scores.gather(1, labels[:, None])[:, 0] - scores.gather(1, 1 - labels[:, None])[:, 0]


def test_what_is_made_on_the_substitute_comes_near_the_victims_optimum() -> None:
    """The white box lowers the margin by eps |w|_1; the transfer by most of it; chance by none."""
    victim, eps = linear_victim(2, SIZE), 0.05
    images = Encoded(0.1 + 0.8 * pictures(20, 3))
    labels = victim(images).best
    made = train_substitute(victim, pictures(300), replace(QUICK, queries=600))
    attack = Transfer(made.substitute, PGD(eps=eps, steps=5))
    moved = attack(victim, images, untargeted(cross_entropy), rows=Rows(labels=labels))
    before = margins(victim, images, labels)
    most = eps * float((victim.weight[1] - victim.weight[0]).abs().sum())
    drop = (before - margins(victim, moved, labels)) / most
    assert float(drop.min()) > 0.9
    assert float(drop.max()) <= 1 + 1e-4
    signs = torch.randint(2, images.shape, generator=generator(4)) * 2 - 1
    chance = (before - margins(victim, images + eps * signs, labels)) / most
    assert float(chance.max()) < 0.6


def test_a_transfer_keeps_the_contract_and_asks_the_victim_nothing() -> None:
    victim = closed_victim()
    attack = Transfer(small_victim(seed=3), PGD(eps=0.05, steps=3))
    images = Encoded(torch.rand(3, 3, 12, 16, generator=generator(0)))
    check_digital(attack, victim)
    before, rows = victim.queries, Rows(labels=torch.tensor([0, 1, 2]))
    made = attack(victim, images, untargeted(), rows=rows, seed=5)
    assert victim.queries == before
    direct = PGD(eps=0.05, steps=3)(small_victim(seed=3), images, untargeted(), rows=rows, seed=5)
    assert torch.equal(made, direct)


def test_several_substitutes_are_attacked_as_an_ensemble() -> None:
    both = Ensemble([small_victim(seed=3), small_victim(seed=4)], mean="logits")
    check_digital(Transfer(both, PGD(eps=0.05, steps=2)), closed_victim())


def test_a_substitute_of_other_classes_is_refused() -> None:
    attack = Transfer(small_victim(classes=4), PGD(steps=1))
    images = Encoded(torch.rand(1, 3, 12, 16))
    with pytest.raises(UserError, match=r"substitute: expected the 5 labels .* got 4 labels"):
        attack(closed_victim(), images, untargeted(), rows=Rows(labels=torch.tensor([0])))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"queries": 0}, "queries: expected at least 1"),
        ({"answers": "all"}, "answers: expected one of label, scores"),
        ({"network": "deep"}, "network: expected one of convolutional, linear"),
        ({"rounds": -1}, "rounds: expected 0 or more"),
        ({"step": 0.0}, "step: expected above 0 and at most 1"),
        ({"period": 0}, "period: expected at least 1, or None"),
        ({"doublings": -1}, "doublings: expected 0 or more"),
        ({"side_px": 3}, "side_px: expected at least 4"),
    ],
)
def test_a_recipe_of_nothing_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        SubstituteRecipe(**settings)  # type: ignore[arg-type]  # wrong on purpose


def test_what_does_not_fit_is_refused_before_anything_is_asked() -> None:
    victim = closed_victim()
    asked = victim.queries
    with pytest.raises(UserError, match="queries: expected at least 7, one for each image"):
        train_substitute(victim, pictures(7), replace(QUICK, queries=6))
    with pytest.raises(UserError, match=r"images: expected shape \(N,3,H,W\)"):
        train_substitute(victim, Encoded(torch.rand(3, 4, 4)), QUICK)
    assert victim.queries == asked
