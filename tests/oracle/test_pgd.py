"""Projected gradient descent on a linear victim ends at the optimum in closed form."""

from dataclasses import replace
from math import inf

import pytest
import torch
from torch import Tensor

from physadv.attacks.digital import PGD, Rows, Step, pgd, project
from physadv.core import Answer, Encoded, UserError, generator
from physadv.objectives import as_labelled, margin, targeted, untargeted
from tests.victims import LinearVictim, linear_victim, small_victim

SIZE = (8, 8)
SETTINGS = {
    inf: PGD(inf, 0.1, steps=12),
    2.0: PGD(2.0, 0.8, rate=0.5, steps=40),
    1.0: PGD(1.0, 4.0, rate=0.2, steps=200),
}
REACHED = {inf: 0.9999, 2.0: 0.99, 1.0: 0.99}
"""Shares of the way to the optimum; steps of fixed size swing about it."""


def images(n: int = 4, seed: int = 1) -> Encoded:
    return Encoded(torch.rand(n, 3, *SIZE, generator=generator(seed)))


def optimum(victim: LinearVictim, clean: Tensor, pairs: list[tuple[int, int]], how: PGD) -> Tensor:
    """Return the images of largest margin: far along the gradient, projected onto ball and box.

    The projection of x + t g tends, for t to infinity, to the point of the set where g is largest.
    """
    slope = torch.cat([victim.margin_gradient(a, b, SIZE) for a, b in pairs])
    far = (1e5 * slope).double()
    return clean + project(far, -clean.double(), 1 - clean.double(), how.eps, how.norm).float()


@pytest.mark.parametrize("norm", SETTINGS)
def test_it_reaches_the_optimum(norm: float) -> None:
    victim, clean, how = linear_victim(classes=2), images(), SETTINGS[norm]
    labels = torch.tensor([0, 1, 0, 1])
    rows = Rows(labels=labels)
    ways = [(int(label), 1 - int(label)) for label in labels]
    made = how(victim, clean, as_labelled(margin), rows=rows, seed=3)
    best = optimum(victim, clean, ways, how)
    gained, most = (_margins(victim, one, labels) for one in (made, Encoded(best)))
    start = _margins(victim, clean, labels)
    assert bool((gained <= most + 1e-4).all())
    assert float(((gained - start) / (most - start)).min()) > REACHED[norm]


def _margins(victim: LinearVictim, made: Encoded, labels: Tensor) -> Tensor:
    scores = victim(made).scores
    own = scores.gather(1, labels[:, None])[:, 0]
    return own - scores.gather(1, 1 - labels[:, None])[:, 0]


def test_the_cube_is_reached_exactly() -> None:
    victim, clean = linear_victim(classes=2), images()
    how = PGD(inf, 0.1, steps=12)
    made = how(victim, clean, targeted(1, margin), seed=0)
    slope = victim.margin_gradient(1, 0, SIZE).sign()
    assert torch.allclose(made, (clean + 0.1 * slope).clamp(0, 1), atol=1e-6)


def test_the_best_point_is_returned_not_the_last() -> None:
    """A step as long as the ball is wide swings over the optimum of a bowl and back."""

    class Bowl(LinearVictim):
        def __call__(self, images: Encoded) -> Answer:
            bowl = -((images - 0.53) ** 2).flatten(1).sum(dim=1)
            return Answer(torch.stack([bowl, torch.zeros_like(bowl)], dim=1))

    victim = Bowl(torch.zeros(2, 3, *SIZE), torch.zeros(2))
    clean = Encoded(torch.full((1, 3, *SIZE), 0.5))
    seen: list[float] = []

    def watch(step: Step) -> None:
        seen.append(float(((step.images - 0.53) ** 2).sum()))

    how = PGD(inf, 0.2, rate=0.19, steps=7, random_starts=0)
    made = how(victim, clean, targeted(0, margin), watch=watch)
    assert float(((made - 0.53) ** 2).sum()) == pytest.approx(min(seen), rel=1e-5)
    assert seen[1] > 2 * seen[0], "with an odd number of steps the last point is a bad one"


def test_more_starts_are_never_worse() -> None:
    victim, clean = small_victim(), images()
    with torch.no_grad():
        rows = Rows(labels=victim(clean).best)
    goal = untargeted(margin)
    losses = []
    for starts in (1, 3):
        made = PGD(eps=0.02, steps=4, random_starts=starts)(victim, clean, goal, rows=rows, seed=5)
        photo = rows.photo(made)
        losses.append(goal.loss(victim(photo.pixels), photo).detach())
    assert bool((losses[1] <= losses[0] + 1e-6).all())


@pytest.mark.parametrize("norm", [inf, 2.0])
def test_searches_that_stop_turn_the_same_images_and_ask_less(norm: float) -> None:
    victim, clean = small_victim(), images(12)
    with torch.no_grad():
        labels = victim(clean).best
    rows, asked, turned = Rows(labels=labels), list[int](), list[Tensor]()

    def counting(stop: bool) -> None:
        shown = list[int]()
        seen = victim.module.register_forward_pre_hook(lambda _, args: shown.append(len(args[0])))
        how = PGD(norm, {inf: 0.03, 2.0: 0.3}[norm], steps=6, random_starts=2, stop=stop)
        made = how(victim, clean, untargeted(margin), rows=rows, seed=5)
        seen.remove()
        asked.append(sum(shown))
        with torch.no_grad():
            turned.append(victim(made).best != labels)

    counting(stop=False)
    counting(stop=True)
    assert torch.equal(*turned)
    assert 0 < int(turned[0].sum()) < 12, "some fall, some do not"
    assert asked[1] < 0.9 * asked[0]


def test_no_search_goes_on_when_all_have_stopped() -> None:
    victim, clean = linear_victim(classes=2), images()
    steps = list[Step]()
    goal, how = targeted(1, margin), PGD(eps=1.0, steps=9, random_starts=3, stop=True)
    made = how(victim, clean, goal, watch=steps.append)
    assert bool((victim(made).best == 1).all())
    assert len(steps) < 9
    assert all(one.images.shape == clean.shape for one in steps)


def test_it_begins_where_it_is_told() -> None:
    victim, clean = linear_victim(), images()
    start = (clean + 0.01).clamp(0, 1)
    first: list[Tensor] = []

    def watch(step: Step) -> None:
        first.append(step.images)

    how = PGD(eps=0.05, steps=1)
    how(victim, clean, targeted(1), rows=Rows(start=start), watch=watch)
    assert torch.allclose(first[0], start, atol=1e-6)
    how = replace(how, random_starts=0)
    how(victim, clean, targeted(1), watch=watch)
    assert torch.equal(first[1].detach(), clean)


@pytest.mark.parametrize("norm", [inf, 2.0, 1.0])
def test_random_starts_lie_as_often_near_the_image_as_far_from_it(norm: float) -> None:
    """Drawn evenly from the ball nearly all would be at its surface."""
    seen = list[Tensor]()
    clean = Encoded(torch.full((400, 3, *SIZE), 0.5))

    def watch(step: Step) -> None:
        seen.append(step.images - clean)

    PGD(norm, 0.1, steps=1)(linear_victim(), clean, targeted(1), watch=watch)
    share = torch.linalg.vector_norm(seen[0].flatten(1), norm, dim=1).sort().values / 0.1
    assert float((share - torch.linspace(0, 1, 400)).abs().max()) < 0.1


def test_the_function_is_the_settings_call() -> None:
    victim, clean = linear_victim(), images()
    one = pgd(victim, clean, targeted(1), seed=2, eps=0.05, steps=3)
    assert torch.equal(one, PGD(eps=0.05, steps=3)(victim, clean, targeted(1), seed=2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"norm": 3.0}, "norm: expected inf, 2, 1 or 0"),
        ({"eps": -1.0}, "eps: expected a number from 0 on"),
        ({"eps": inf}, "eps: expected a number from 0 on"),
        ({"rate": 0.0}, "rate: expected a number above 0"),
        ({"steps": 0}, "steps: expected at least 1"),
        ({"random_starts": -1}, "random_starts: expected 0 or more"),
    ],
)
def test_a_budget_of_nothing_is_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        PGD(**settings)  # type: ignore[arg-type]  # wrong on purpose


def test_what_does_not_fit_is_refused_at_the_door() -> None:
    victim, clean = linear_victim(), images()
    with pytest.raises(UserError, match="mask: expected a shape that broadcasts"):
        pgd(victim, clean, targeted(1), rows=Rows(mask=torch.ones(5)))
    with pytest.raises(UserError, match="labels: expected shape"):
        pgd(victim, clean, targeted(1), rows=Rows(labels=torch.zeros(3).long()))
    with pytest.raises(UserError, match=r"images: expected values in \[0,1\]"):
        pgd(victim, Encoded(clean * 255), targeted(1))
    black = linear_victim()
    black.differentiable = False
    with pytest.raises(UserError, match="linear, a black box"):
        pgd(black, clean, targeted(1))
