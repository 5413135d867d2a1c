"""Training on certificates: a toy whose best certified error is known, and what a recipe keeps."""

import pytest
import torch
from torch import Tensor, nn

from physadv.core import UserError, generator
from physadv.defences.certify import Method, certify
from physadv.training import CertifiedRecipe, train_certified

EPS = 0.1
STANDARD = CertifiedRecipe(0.0, epochs=40, batch=25, learning_rate=0.02)
QUICK = CertifiedRecipe(EPS, epochs=40, growing=15, batch=25, learning_rate=0.02, halve=100)


def stripes(n: int = 100, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two classes 0.48 apart in the first value, and by a hair in 60 others that are weak and many.

    A threshold of the first one certifies all at 0.1; what leans on the others certifies nothing
    where they are 0.05 apart, and they tell the classes just as well.
    """
    rng = generator(seed)
    labels = torch.randint(2, (n,), generator=rng)
    side = labels.float()[:, None] * 2 - 1
    strong = 0.5 + side * (0.24 + 0.1 * torch.rand(n, 1, generator=rng))
    weak = 0.5 + side * 0.025 * torch.ones(n, 60)
    return torch.cat([strong, weak], dim=1), labels


def network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(61, 16), nn.ReLU(), nn.Linear(16, 2))


@pytest.mark.parametrize("method", ["polytope", "interval", "both"])
def test_all_is_certified_that_can_be(method: Method) -> None:
    images, labels = stripes()
    others, truth = stripes(seed=1)
    recipe = CertifiedRecipe(**(vars(QUICK) | {"method": method}))
    made = train_certified(network(), images, labels, recipe)
    standard = train_certified(network(), images, labels, STANDARD)
    assert certify(made, others, truth, EPS).count().error.hits == 0
    assert certify(standard, others, truth, EPS).count().error.share >= 0.3
    assert float((standard(others).argmax(1) == truth).float().mean()) >= 0.95


def test_the_same_seed_gives_the_same_and_the_network_stays() -> None:
    images, labels = stripes(60)
    net, steps = network(), []
    before = [value.clone() for value in net.parameters()]
    recipe = CertifiedRecipe(epochs=2)
    one, other = (
        train_certified(net, images, labels, recipe, progress=lambda *at: steps.append(at))
        for _ in range(2)
    )
    assert all(map(torch.equal, one.parameters(), other.parameters()))
    assert all(map(torch.equal, before, net.parameters()))
    assert [(done, of) for done, of, _ in steps[:4]] == [(k, 4) for k in (1, 2, 3, 4)]
    apart = train_certified(net, images, labels, CertifiedRecipe(epochs=2, seed=1))
    assert not all(map(torch.equal, one.parameters(), apart.parameters()))


def test_eps_grows_in_a_line_and_the_clean_share_falls() -> None:
    recipe = CertifiedRecipe(0.1, growing=10, first_eps=0.02, clean_share=0.5)
    assert [recipe.eps_at(one) for one in (0, 5, 10, 40)] == pytest.approx([0.02, 0.06, 0.1, 0.1])
    assert [recipe.clean_at(one) for one in (0, 5, 10, 40)] == pytest.approx([1, 0.75, 0.5, 0.5])
    assert CertifiedRecipe(growing=0).eps_at(0) == 0.1
    assert CertifiedRecipe().clean_at(3) == 0


def test_bad_settings_and_networks_are_refused() -> None:
    for wrong in ({"eps": -1.0}, {"method": "lp"}, {"epochs": 0}, {"clean_share": 2.0}):
        with pytest.raises(UserError, match=next(iter(wrong))):
            CertifiedRecipe(**wrong)
    images, labels = stripes(60)
    net = nn.Sequential(nn.Linear(61, 2), nn.Tanh())
    with pytest.raises(UserError, match="Tanh at 1"):
        train_certified(net, images, labels, QUICK)
