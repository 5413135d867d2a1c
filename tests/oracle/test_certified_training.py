"""Training on certificates: a toy whose best certified error is known, and what a recipe keeps."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from physadv.core import UserError, generator
from physadv.defences.certify import Method, certify
from physadv.training import CertifiedRecipe, Jitter, train_certified

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


def test_the_rate_rises_stays_and_falls_as_a_cosine_or_is_halved() -> None:
    recipe = CertifiedRecipe(epochs=100, growing=50, learning_rate=2.0, schedule="cosine")
    found = [recipe.rate_at(one) for one in (0, 2.5, 5, 50, 75, 100)]
    assert found == pytest.approx([0, 1, 2, 2, 1, 0])
    halved = CertifiedRecipe(learning_rate=2.0, halve=20)
    assert [halved.rate_at(one) for one in (0, 19.9, 20, 40)] == [2, 2, 1, 0.5]


def test_what_comes_out_is_the_running_mean() -> None:
    """After one step it has come 10/11 of the way, however slow it gets later."""
    images, labels = stripes(20)
    net, recipe = network(), CertifiedRecipe(epochs=1, batch=20)
    last, mean = (
        train_certified(net, images, labels, replace(recipe, average=share)) for share in (0, 0.99)
    )
    for first, end, found in zip(
        net.parameters(), last.parameters(), mean.parameters(), strict=True
    ):
        assert torch.allclose(found, first + (end - first) * 10 / 11, atol=1e-6)
        assert not torch.equal(end, first)


def test_each_batch_is_changed_with_a_chance_of_the_recipes() -> None:
    images, labels = stripes(60)
    seen: list[Tensor] = []

    def change(batch: Tensor, rng: torch.Generator) -> Tensor:
        seen.append(batch)
        return (batch + 0.01 * torch.rand(batch.shape, generator=rng)).clamp(0, 1)

    recipe = CertifiedRecipe(epochs=2, batch=20)
    one, other = (
        train_certified(network(), images, labels, recipe, change=change) for _ in range(2)
    )
    assert [len(batch) for batch in seen] == [20] * 12
    assert all(map(torch.equal, one.parameters(), other.parameters()))
    plain = train_certified(network(), images, labels, recipe)
    assert not all(map(torch.equal, one.parameters(), plain.parameters()))


def blobs(n: int) -> Tensor:
    """Return images (n,1,16,16) of a round spot in the middle."""
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    return torch.exp(-((x - 7.5) ** 2 + (y - 7.5) ** 2) / 8).expand(n, 1, -1, -1)


def centroids(images: Tensor) -> Tensor:
    """Return (n,2), (x, y) in pixels from the middle."""
    place = torch.arange(16.0) - 7.5
    mass = images.sum(dim=(1, 2, 3))
    across, down = (images[:, 0].sum(dim=1) * place), (images[:, 0].sum(dim=2) * place)
    return torch.stack([across.sum(dim=1), down.sum(dim=1)], dim=1) / mass[:, None]


def test_jitter_shifts_evenly_within_its_reach_and_turns_about_the_middle() -> None:
    spots = blobs(400)
    moved = centroids(Jitter(0.0, 0.0, 0.0, 0.8)(spots, generator(0)))
    assert float(moved.abs().max()) <= 0.81
    assert moved.std(dim=0).tolist() == pytest.approx([0.8 / 3**0.5] * 2, rel=0.1)
    assert moved.mean(dim=0).tolist() == pytest.approx([0, 0], abs=0.08)
    turned = Jitter(turn_deg=90.0, scale_ratio=0.0, shear_ratio=0.0, shift_px=0.0)
    assert float(centroids(turned(spots, generator(0))).abs().max()) < 0.01
    dash = blobs(400).clone()
    dash[:, :, :6], dash[:, :, 10:] = 0, 0  # lies along x
    spread = [
        float((made[:, 0].sum(dim=1) * (torch.arange(16.0) - 7.5) ** 2).sum(dim=1).mean())
        for made in (dash, turned(dash, generator(0)))
    ]
    assert spread[1] < 0.9 * spread[0]


def test_without_reach_jitter_is_a_slight_blur_and_each_image_has_its_own() -> None:
    none = Jitter(0.0, 0.0, 0.0, 0.0)
    spots = blobs(2)
    assert torch.allclose(none(spots, generator(0)), spots, atol=0.02)
    one, other = Jitter()(spots, generator(0))
    assert not torch.allclose(one, other, atol=1e-3)
    with pytest.raises(UserError, match="shift_px: expected 0 or above"):
        Jitter(shift_px=-1)


def test_bad_settings_and_networks_are_refused() -> None:
    for wrong in (
        {"eps": -1.0},
        {"method": "lp"},
        {"epochs": 0},
        {"clean_share": 2.0},
        {"average": 1.0},
        {"schedule": "line"},
    ):
        with pytest.raises(UserError, match=next(iter(wrong))):
            CertifiedRecipe(**wrong)
    images, labels = stripes(60)
    net = nn.Sequential(nn.Linear(61, 2), nn.Tanh())
    with pytest.raises(UserError, match="Tanh at 1"):
        train_certified(net, images, labels, QUICK)
