"""White-box attacks on linear victims reach optima in closed form; steps are their papers'."""

from math import inf

import pytest
import torch
from torch import Tensor

from physadv.attacks.digital import (
    LBFGS,
    PGD,
    DigitalAttack,
    FastGradient,
    Iterative,
    Rows,
    Smallest,
    Step,
    Universal,
    size,
)
from physadv.core import Encoded, UserError, generator
from physadv.objectives import as_labelled, cross_entropy, margin, targeted, untargeted
from physadv.victims import Asked
from tests.linear import distance, margins, optimum
from tests.victims import LinearVictim, linear_victim, small_victim

SIDE = (8, 8)


def images(n: int = 4, seed: int = 1) -> Encoded:
    return Encoded(torch.rand(n, 3, *SIDE, generator=generator(seed)))


def read(victim: LinearVictim, clean: Encoded) -> tuple[Rows, list[tuple[int, int]]]:
    """Return labels that the victim of two classes gives, and the ways to the other class."""
    labels = victim(clean).best
    return Rows(labels=labels), [(1 - int(k), int(k)) for k in labels]


REACHING: dict[str, tuple[DigitalAttack, float]] = {
    "fast gradient inf": (FastGradient(inf, 0.1), 0.9999),
    "fast gradient 2": (FastGradient(2.0, 0.8), 0.9999),
    "fast gradient 2, far": (FastGradient(2.0, 5.0), 0.9999),
    "fast gradient 1": (FastGradient(1.0, 4.0), 0.9999),
    "fast gradient 0": (FastGradient(0.0, 5), 0.9999),
    "iterative inf": (Iterative(inf, 0.1), 0.9999),
    "iterative 2": (Iterative(2.0, 0.8, rate=0.5, steps=40), 0.99),
    "momentum inf": (Iterative(inf, 0.1, decay=1.0), 0.9999),
    "momentum 2": (Iterative(2.0, 0.8, rate=0.5, steps=40, decay=0.9), 0.99),
    "pgd 0": (PGD(0.0, 5, rate=1e4, steps=5), 0.9999),
}
"""Attacks and the share of the way to the optimum that they must go."""


@pytest.mark.parametrize("name", REACHING)
def test_it_reaches_the_optimum(name: str) -> None:
    attack, share = REACHING[name]
    eps, norm = attack.eps, attack.norm  # type: ignore[attr-defined]  # these have both
    victim, clean = linear_victim(classes=2), images()
    rows, ways = read(victim, clean)
    made = attack(victim, clean, untargeted(cross_entropy), rows=rows, seed=3)
    best = margins(victim, optimum(victim, clean, ways, eps, norm), ways)
    start = margins(victim, clean, ways)
    gained = (margins(victim, made, ways) - start) / (best - start)
    assert float(gained.min()) > share
    assert float(gained.max()) <= 1 + 1e-5
    assert float(size(made - clean, norm).max()) <= eps * (1 + 1e-5)


def test_a_targeted_step_goes_to_the_target() -> None:
    victim, clean = linear_victim(classes=3), images()
    made = FastGradient(inf, 0.1)(victim, clean, targeted(2, margin))
    own = victim(clean).scores.scatter(1, torch.full((4, 1), 2), -torch.inf).argmax(dim=1)
    ways = [(2, int(k)) for k in own]
    assert torch.allclose(made.double(), optimum(victim, clean, ways, 0.1, inf), atol=1e-6)


def test_momentum_is_the_papers_recurrence() -> None:
    """Equation 6 and 7 of Dong et al. by hand, on slopes that turn: those that were asked for."""
    victim, clean = small_victim(), images()
    labels = torch.tensor([0, 1, 2, 3])
    seen: list[Step] = []
    how = Iterative(inf, 0.3, rate=0.05, steps=8, decay=0.7)
    how(victim, clean, untargeted(cross_entropy), rows=Rows(labels=labels), watch=seen.append)
    summed, point = torch.zeros_like(clean), clean.clone()
    for step in seen:
        assert torch.allclose(step.images, point, atol=1e-6)
        summed = 0.7 * summed + step.slope / step.slope.abs().sum(dim=(1, 2, 3), keepdim=True)
        point = point - 0.05 * summed.sign()
        point = torch.minimum(torch.maximum(point, clean - 0.3), clean + 0.3).clamp(0, 1)


@pytest.mark.parametrize(("decay", "name"), [(0.0, "BIM"), (1.0, "MIFGSM")])
def test_iterated_steps_are_those_of_a_peer(decay: float, name: str) -> None:
    peers = pytest.importorskip("torchattacks")
    victim, clean = small_victim(), images()
    labels = torch.tensor([0, 1, 2, 3])
    kept = {} if name == "BIM" else {"decay": decay}
    peer = getattr(peers, name)(Asked(victim).eval(), eps=0.1, alpha=0.02, steps=6, **kept)
    seen: list[Tensor] = []
    Iterative(inf, 0.1, rate=0.02, steps=7, decay=decay)(
        victim,
        clean,
        untargeted(cross_entropy),
        rows=Rows(labels=labels),
        watch=lambda step: seen.append(step.images),
    )
    assert torch.allclose(seen[-1], peer(clean, labels), atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_lbfgs_finds_the_smallest_norm(classes: int) -> None:
    """Of all ways to another class the shortest; of three classes it need not be the runner-up."""
    victim, clean = linear_victim(classes=classes), images()
    labels = victim(clean).best
    ways = [[(k, own) for k in range(classes) if k != own] for own in labels.tolist()]
    least = torch.stack([_nearest(victim, one, way) for one, way in zip(clean, ways, strict=True)])
    made = LBFGS()(victim, clean, untargeted(cross_entropy), rows=Rows(labels=labels))
    assert bool((victim(made).best != labels).all())
    assert torch.allclose(size(made - clean, 2.0), least, rtol=0.02)


def _nearest(victim: LinearVictim, image: Tensor, ways: list[tuple[int, int]]) -> Tensor:
    return distance(victim, image.expand(len(ways), -1, -1, -1), ways, 2.0).min()


def test_lbfgs_finds_the_smallest_norm_to_a_target() -> None:
    victim, clean = linear_victim(classes=2), images()
    ways = read(victim, clean)[1]
    wanted = torch.tensor([way[0] for way in ways])
    made = LBFGS()(victim, clean, as_labelled(cross_entropy), rows=Rows(labels=wanted))
    assert torch.equal(victim(made).best, wanted)
    assert torch.allclose(size(made - clean, 2.0), distance(victim, clean, ways, 2.0), rtol=0.02)


def test_lbfgs_keeps_a_mask_and_takes_any_loss() -> None:
    """What may not change only moves the bias of a victim that weighs the rest alone."""
    victim, clean = linear_victim(classes=2), images(1)
    way = read(victim, clean)[1][0]
    mask = torch.zeros(SIDE)
    mask[:, :5] = 1
    kept = clean * (1 - mask)
    moved = (victim.weight * kept).flatten(1).sum(dim=1) + victim.bias
    least = distance(LinearVictim(victim.weight * mask, moved), clean, [way], 2.0)
    told = Rows(labels=torch.tensor(way[:1]), mask=mask)
    made = LBFGS()(victim, clean, as_labelled(margin), rows=told)
    assert torch.allclose(size(made - clean, 2.0), least, rtol=0.02)
    assert torch.equal(made * (1 - mask), kept)


@pytest.mark.parametrize("norm", [inf, 2.0, 1.0, 0.0])
def test_smallest_is_the_distance_to_the_boundary(norm: float) -> None:
    victim, clean = linear_victim(classes=2), images()
    rows, ways = read(victim, clean)
    how = Smallest(norm, attack=FastGradient(norm, 1.0), rounds=11)
    made = how(victim, clean, untargeted(cross_entropy), rows=rows)
    least = distance(victim, clean, ways, norm)
    assert bool((margins(victim, made, ways) > 0).all())
    if norm == 0:
        assert torch.equal(size(made - clean, norm), least.ceil())
    else:
        assert torch.allclose(size(made - clean, norm), least, rtol=0.01)


def test_smallest_by_descent_is_near_the_distance() -> None:
    victim, clean = linear_victim(classes=2), images()
    rows, ways = read(victim, clean)
    made = Smallest(inf)(victim, clean, untargeted(margin), rows=rows)
    least = distance(victim, clean, ways, inf)
    assert torch.allclose(size(made - clean, inf), least, rtol=0.01)


def test_what_succeeds_already_or_never_stays_as_it_is() -> None:
    victim, clean = linear_victim(classes=2), images()
    rows, ways = read(victim, clean)
    wrong = Rows(labels=torch.tensor([way[0] for way in ways]))
    made = Smallest(rounds=4)(victim, clean, untargeted(), rows=wrong)
    assert torch.equal(made, clean)
    made = Smallest(most=1e-6, rounds=4)(victim, clean, untargeted(), rows=rows)
    assert torch.equal(made, clean)


@pytest.mark.parametrize(("norm", "eps"), [(inf, 0.1), (2.0, 0.4)])
def test_one_perturbation_is_best_for_all_images_of_a_linear_victim(
    norm: float, eps: float
) -> None:
    """To one class all images have the same way; none of these meets the box's bounds."""
    victim, clean = linear_victim(classes=2), Encoded(0.3 + 0.4 * images(6))
    how = Universal(norm, eps, batch=4, steps=40, limit=1e3)
    noise = how.search(victim, clean, targeted(1, margin), seed=1)
    best = optimum(victim, clean, [(1, 0)] * 6, eps, norm) - clean
    assert torch.allclose(noise.expand_as(clean).double(), best, atol=1e-5)
    assert torch.equal(how(victim, clean, targeted(1, margin), seed=1), clean + noise)


def test_images_that_are_lost_pull_no_more() -> None:
    """Two classes pull two ways; beyond the limit an image's loss is flat."""
    victim, clean = linear_victim(classes=2), images(8)
    scores = victim(clean).scores
    far = (scores[:, 0] - scores[:, 1]).argsort()
    pair = Encoded(clean[far[[0, -1]]])
    labels = torch.tensor([0, 0])
    lost = float((scores[:, 1] - scores[:, 0])[far[0]])
    noise = Universal(2.0, 0.1, steps=1, rate=0.1, limit=lost - 0.1).search(
        victim, pair, untargeted(margin), rows=Rows(labels=labels)
    )
    alone = Universal(2.0, 0.1, steps=1, rate=0.1).search(
        victim, Encoded(pair[1:]), untargeted(margin), rows=Rows(labels=labels[1:])
    )
    assert float(lost) > 0.2
    assert torch.allclose(noise, alone, atol=1e-6)


@pytest.mark.parametrize(
    ("attack", "settings", "message"),
    [
        (FastGradient, {"norm": 3.0}, "norm: expected inf, 2, 1 or 0, got 3"),
        (FastGradient, {"eps": -1.0}, "eps: expected a number from 0 on"),
        (FastGradient, {"norm": 0.0, "eps": 0.5}, "eps: expected a whole number of pixels"),
        (Iterative, {"norm": 1.0}, "norm: expected inf or 2, got 1"),
        (Iterative, {"decay": -0.1}, "decay: expected a number from 0 on"),
        (Iterative, {"rate": 0.0}, "rate: expected a number above 0"),
        (Universal, {"batch": 0}, "batch: expected at least 1"),
        (Universal, {"limit": 0.0}, "limit: expected a number above 0"),
        (LBFGS, {"rounds": 0}, "rounds: expected at least 1"),
        (Smallest, {"most": 0.0}, "most: expected a number above 0"),
        (Smallest, {"attack": LBFGS()}, "attack: expected one with a setting eps, got LBFGS"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    attack: type, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        attack(**settings)
