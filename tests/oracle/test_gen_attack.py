"""The genetic search: laws of its operators, what occlusion tells exactly, and how far it comes."""

import pytest
import torch
from torch import Tensor

from physadv.attacks.digital import GenAttack, Rows, Step
from physadv.attacks.digital.asking import Asking, Question
from physadv.attacks.digital.evolved import _People, importance
from physadv.core import Encoded, UserError, generator, quantise
from physadv.objectives import margin, targeted
from tests.victims import LinearVictim, linear_victim

SIZE, NEVER = (8, 8), 1e9
GOAL = targeted(1, margin, confidence=NEVER)


def clean(n: int = 2) -> Encoded:
    return Encoded(quantise(torch.rand(n, 3, *SIZE, generator=generator(2))))


def far(victim: LinearVictim) -> LinearVictim:
    """Move the border out of reach, so that the search goes on."""
    victim.bias = torch.tensor([1e4, 0.0])
    return victim


def asking(victim: LinearVictim, queries: int = 1000) -> Asking:
    return Asking(Question(victim, GOAL), clean(), Rows(), queries, rounded=True)


def test_occlusion_tells_a_linear_victims_weights() -> None:
    """Covering a cell changes the margin by the weights times (mean - image), and is paid for."""
    victim, images = far(linear_victim(classes=2, size_px=SIZE)), clean()
    asked = asking(victim)
    found = importance(asked, torch.tensor([0, 1]), 4)
    slope = victim.margin_gradient(1, 0, SIZE)
    exact = slope * (images.mean(dim=(2, 3), keepdim=True) - images)
    cells = exact.sum(dim=1).unfold(1, 2, 2).unfold(2, 2, 2).sum(dim=(3, 4)).abs()
    wanted = 0.5 + 0.5 * cells / cells.mean(dim=(1, 2), keepdim=True)
    assert torch.allclose(found[:, 0], wanted, atol=0.05)  # rounded to bytes, differences of 1e4
    assert torch.allclose(found.mean(dim=(1, 2, 3)), torch.ones(2), atol=1e-5)
    assert asked.spent.tolist() == [17, 17]


def test_children_are_of_their_parents_in_proportion_to_their_shares() -> None:
    people = _People(GenAttack(population=3), asking(far(linear_victim(classes=2))), generator(0))
    old = torch.arange(3.0)[None, :, None, None, None].expand(1, 3, 3, 40, 40)
    share = torch.tensor([[0.2, 0.0, 0.8]])
    counts = torch.zeros(3)
    for _ in range(60):
        counts += torch.bincount(people._crossed(old, share).long().flatten(), minlength=3)
    counts /= counts.sum()
    # both parents: 0.04 of them 0, 0.64 of them 2, 0.32 mixed, and there by 0.2 to 0.8
    assert counts.tolist() == pytest.approx([0.04 + 0.32 * 0.2, 0.0, 0.64 + 0.32 * 0.8], abs=0.06)


def test_mutations_are_as_many_and_as_large_as_is_said_and_fall() -> None:
    how = GenAttack(mutation=0.5, size=0.4)
    people = _People(how, asking(far(linear_victim(classes=2))), generator(0))
    still, which = torch.zeros(2, 5, 3, *SIZE), torch.tensor([0, 1])
    people.idle = torch.tensor([0.0, 250.0])
    made = torch.stack([people._mutated(still, which) for _ in range(20)], dim=1)
    parts = (made != 0).float().flatten(1).mean(dim=1)
    assert parts.tolist() == pytest.approx([0.5, 0.5 * 0.81], abs=0.02)
    assert made.abs().flatten(1).amax(dim=1).tolist() == pytest.approx([0.4, 0.4 * 0.81], abs=0.01)
    people.idle = torch.tensor([1e5, 1e5])
    parts = (people._mutated(still.repeat(1, 20, 1, 1, 1), which) != 0).float()
    assert float(parts.mean()) == pytest.approx(0.1, abs=0.01)


def test_the_best_is_never_lost() -> None:
    victim, seen = far(linear_victim(classes=2, size_px=SIZE)), list[Tensor]()

    def watch(step: Step) -> None:
        seen.append(GOAL.loss(victim(Encoded(step.images)), Rows().photo(step.images)))

    GenAttack(queries=300)(victim, clean(), GOAL, seed=0, watch=watch)
    losses = torch.stack(seen)
    assert bool((losses[1:] <= losses[:-1]).all())


@pytest.mark.parametrize("guided", [False, True])
def test_it_comes_near_the_optimum_of_a_linear_victim(guided: bool) -> None:
    victim, images, eps = far(linear_victim(classes=2, size_px=(4, 4))), clean(), 8 / 255
    how = GenAttack(eps, 1500, detail=4, guided=guided, cells=4)
    made = how(victim, images, GOAL, seed=0)
    slope = victim.margin_gradient(1, 0, SIZE)
    best = (images + eps * slope.sign()).clamp(0, 1)
    gained, most = (((one - images) * slope).flatten(1).sum(dim=1) for one in (made, best))
    assert bool((gained <= most + 1e-4).all())
    assert float((gained / most).min()) > 0.5


def test_noise_of_few_cells_is_smooth_and_masks_hold() -> None:
    victim, images = (
        far(linear_victim(classes=2, size_px=SIZE)),
        Encoded(torch.full((1, 3, 8, 8), 0.5)),
    )
    mask = torch.zeros(8, 8)
    mask[:, :4] = 1
    how = GenAttack(queries=40, detail=1, rounded=False)
    made = how(victim, images, GOAL, rows=Rows(mask=mask), seed=0)
    change = made - images
    assert bool((change[..., 4:] == 0).all())
    assert torch.allclose(change[..., :4], change[..., :1, :1].expand(-1, -1, 8, 4), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"population": 1}, "population: expected at least 2"),
        ({"mutation": 0.0}, "mutation: expected above 0"),
        ({"detail": 0}, "detail: expected at least 1"),
        ({"temperature": 0.0}, "temperature: expected above 0"),
    ],
)
def test_settings_that_move_nothing_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        GenAttack(**settings)  # type: ignore[arg-type]  # wrong on purpose
