"""EvadeHC against the closed form of its own model, exhaustive search, and its constraint."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import skellam
from torch import Tensor

from physadv.attacks.digital import EvadeHC, Rows
from physadv.attacks.digital.evade_hc import shift
from physadv.attacks.digital.morphing import Boxes, Ways, best_paths, climb, flips, walked
from physadv.core import Answer, Encoded, UserError, generator, quantise
from physadv.objectives import untargeted
from tests.victims import LinearVictim, small_victim

WAYS = Ways(paths=20, kept=5, length=80, jump=0.75)


def morph(samples: Tensor, seeds: Sequence[int]) -> Tensor:
    """Take exponential amounts of mean 1 from both hidden values of samples (N,2)."""
    drawn = torch.stack([torch.rand(2, generator=generator(seed)) for seed in seeds])
    return samples + torch.log1p(-drawn)


@dataclass
class Hidden:
    """The paper's model: a sample is malicious while its first value is above 0, and rejected
    while its second is; nobody sees the values."""

    queries: int = 10**9
    asked: int = 0

    def boxes(self) -> Boxes:
        return Boxes(morph, lambda s: s[:, 0] > 0, self.detector, lambda: self.queries - self.asked)

    def detector(self, samples: Tensor) -> Tensor:
        self.asked += len(samples)
        assert self.asked <= self.queries
        return samples[:, 1] <= 0


def test_gaps_are_distributed_as_the_model_says() -> None:
    """Sums of exponential steps pass a after 1 + Poisson(a) of them: gaps are Skellam's."""
    start, count = torch.tensor([6.0, 9.0]), 1500
    paths = walked(start, morph, WAYS._replace(paths=count, length=40), generator(0))
    malice, reject = (flips(lambda s, k=k: s[:, k] <= 0, paths) for k in (0, 1))  # type: ignore[misc]  # bound now
    gaps = (malice - reject).double()
    assert float(gaps.mean()) == pytest.approx(-3, abs=0.35)
    assert float(gaps.var()) == pytest.approx(15, rel=0.15)
    chance = 1 - skellam.cdf(0, 6, 9)
    assert float((gaps > 0).double().mean()) == pytest.approx(chance, abs=4 * 0.012)


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(1, 40))
def test_flips_are_those_of_a_scan(seed: int, count: int, length: int) -> None:
    falling = torch.rand(count, length + 1, generator=generator(seed)).cumsum(dim=1)
    limit = length / 3
    found = flips(lambda samples: samples > limit, falling)
    for path, at in zip(falling, found.tolist(), strict=True):
        beyond = [k for k in range(1, length + 1) if path[k] > limit]
        assert at == (beyond[0] if beyond else length + 1)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_the_best_paths_are_those_of_an_exhaustive_search(seed: int, kept: int) -> None:
    paths = walked(torch.tensor([5.0, 15.0]), morph, WAYS._replace(length=40), generator(seed))
    malice, reject = (
        torch.tensor([next((k for k in range(1, 41) if path[k, one] <= 0), 41) for path in paths])
        for one in (0, 1)
    )
    rejected = malice <= reject
    paths, gaps = paths[rejected], (malice - reject)[rejected]
    hidden = Hidden()
    best, _ = best_paths(paths, malice[rejected], hidden.boxes(), WAYS._replace(kept=kept))
    wanted = gaps.sort(descending=True).values[: min(kept, len(paths))]
    assert gaps[best].sort(descending=True).values.tolist() == wanted.tolist()
    assert len(set(best.tolist())) == len(best)


def test_what_cannot_be_among_the_best_is_asked_about_no_more() -> None:
    paths = walked(torch.tensor([5.0, 15.0]), morph, WAYS._replace(length=40), generator(1))
    malice = flips(lambda s: s[:, 0] <= 0, paths)
    some, every = Hidden(), Hidden()
    best_paths(paths, malice, some.boxes(), WAYS)
    flips(every.detector, paths)
    assert some.asked < 0.7 * every.asked


def test_climbing_evades_where_random_paths_rarely_do() -> None:
    """A path evades with a chance of 1 to 11,000, by Skellam's distribution."""
    start, chance = torch.tensor([40.0, 80.0]), float(skellam.sf(0, 40, 80))
    assert chance == pytest.approx(1 / 11_400, rel=0.01)
    ways, asked = Ways(paths=10, kept=5, length=120, jump=0.75), []
    for seed in range(3):
        hidden = Hidden(queries=int(1 / chance))
        found = climb(start, hidden.boxes(), ways, generator(seed))
        assert found.evades
        assert found.sample[0] > 0 >= found.sample[1]
        asked.append(hidden.asked)
    assert sorted(asked)[1] < 0.3 / chance


def test_it_ends_with_its_queries_and_still_is_what_it_was() -> None:
    hidden = Hidden(queries=333)
    found = climb(torch.tensor([1.0, 1e6]), hidden.boxes(), WAYS, generator(0))
    assert not found.evades
    assert found.sample[0] > 0
    assert hidden.asked == 333


def clean(n: int = 3) -> Encoded:
    return Encoded(quantise(torch.rand(n, 3, 12, 16, generator=generator(0))))


@pytest.mark.parametrize(("norm", "eps", "step"), [(inf, 9, 2), (2.0, 120, 2), (1.0, 2000, 3)])
@pytest.mark.parametrize("rounded", [True, False])
def test_the_constraint_is_kept_exactly(
    norm: float, eps: float, step: float, rounded: bool
) -> None:
    victim, images = small_victim(), clean()
    with torch.no_grad():
        labels = victim(images).best
    how = EvadeHC(norm, eps / 255, 60, 5, 2, 20, step=step / 255, rounded=rounded)
    made = how(victim, images, untargeted(), rows=Rows(labels=labels), seed=0)
    change = 255 * (made - images).flatten(1)
    size = torch.linalg.vector_norm(change, norm, dim=1)
    assert bool((size <= eps + 3e-4).all())
    assert float(size.max()) > eps / 4
    assert float(made.min()) >= 0
    assert float(made.max()) <= 1


class Labels:
    """A victim that tells labels alone."""

    def __init__(self) -> None:
        self.victim = small_victim()
        self.labels, self.size_px = self.victim.labels, self.victim.size_px
        self.name, self.differentiable, self.label = "labels", False, self.victim.label

    def __call__(self, images: Encoded) -> Answer:
        scores = self.victim(images).scores
        return Answer(torch.nn.functional.one_hot(scores.argmax(dim=1), scores.shape[1]).float())


def test_labels_alone_are_enough() -> None:
    images = clean()
    with torch.no_grad():
        rows = Rows(labels=small_victim()(images).best)
    how = EvadeHC(eps=12 / 255, queries=60, paths=6, kept=2, length=12)
    one, other = (
        how(victim, images, untargeted(), rows=rows, seed=1)
        for victim in (small_victim(), Labels())
    )
    assert torch.equal(one, other)


def test_it_finds_what_there_is_to_find() -> None:
    """Where more of one colour is all it takes, an image evades, and within the change allowed."""
    weight = torch.zeros(2, 3, 12, 16)
    weight[1, 0] = 1
    victim, images = LinearVictim(weight, torch.zeros(2)), Encoded(torch.full((2, 3, 12, 16), 0.4))
    most = 8 / 255 * 12 * 16
    victim.bias = torch.tensor([float((images[0] * weight[1]).sum()) + 0.12 * most, 0.0])
    how, rows = EvadeHC(queries=600, paths=8, length=16), Rows(labels=torch.tensor([0, 0]))
    made = how(victim, images, untargeted(), rows=rows, seed=0)
    assert victim(made).best.tolist() == [1, 1]
    assert float((made - images).abs().max()) <= 8 / 255 + 1e-6


def test_morphs_are_decided_by_their_seeds_and_reach_every_pixel() -> None:
    image = torch.zeros(3, 6, 7)
    assert torch.equal(shift(image, 0.1, 5), shift(image, 0.1, 5))
    drawn = torch.stack([shift(image, 0.1, seed) for seed in range(400)])
    assert bool((drawn != 0).any(dim=0).all())
    assert drawn.abs().unique().tolist() == pytest.approx([0, 0.1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"norm": 0.0}, "norm: expected inf, 2 or 1"),
        ({"jump": 0.0}, "jump: expected above 0"),
        ({"step": 0.001}, "step: expected more than 0.5/255 for 8 bits"),
        ({"paths": 0}, "paths: expected at least 1"),
    ],
)
def test_settings_that_move_nothing_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        replace(EvadeHC(), **settings)  # type: ignore[arg-type]  # wrong on purpose
