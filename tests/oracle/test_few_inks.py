"""Few inks: pure when printed, what hardening changes, a linear victim's best, and bad names."""

import pytest
import torch
from torch import Tensor

from physadv.attacks import Gradient
from physadv.core import Encoded, Ink, UserError, generator
from physadv.objectives import margin, targeted
from physadv.patch import FewInks, read_inks
from physadv.printing import hard
from physadv.problem import Problem
from tests.victims import linear_victim
from tests.worlds import linear_world, two_bars

THREE = read_inks(("black", "white", "#ffd700"))


def patch(inks: tuple[tuple[float, float, float], ...] = THREE) -> FewInks:
    return FewInks(two_bars(), inks, 50.0)


def theta(seed: int, of: FewInks) -> Tensor:
    return 2 * torch.rand(of.shape, generator=generator(seed)) - 1


def test_names_are_colours() -> None:
    assert THREE == ((0, 0, 0), (1, 1, 1), (1, 215 / 255, 0))


def test_what_is_printed_is_pure_and_the_likeliest() -> None:
    """With two inks the nearest is the wanted one; each printed pixel is one of them."""
    two = patch(read_inks(("black", "white")))
    values = theta(0, two)
    printed = hard(two.touch(values, 300))
    shown = printed.colour[0][:, printed.cover[0, 0] > 0]
    assert set(map(tuple, shown.T.tolist())) == {(0.0, 0.0, 0.0), (1.0, 1.0, 1.0)}
    wanted = torch.nn.functional.interpolate(
        values[None], printed.cover.shape[-2:], mode="bilinear"
    )
    white = (wanted[0, 1] > wanted[0, 0])[printed.cover[0, 0] > 0]
    assert torch.equal(shown[0] > 0.5, white)


def test_printing_takes_the_nearest_ink_of_each_pixel() -> None:
    """Against distances written down one by one."""
    palette = torch.tensor(THREE)
    colour = torch.rand(1, 3, 9, 7, generator=generator(1))
    printed = hard(Ink(Encoded(colour), torch.ones(1, 1, 9, 7), palette)).colour
    for y in range(9):
        for x in range(7):
            apart = [sum((colour[0, c, y, x] - ink[c]) ** 2 for c in range(3)) for ink in THREE]
            nearest = THREE[min(range(3), key=lambda k: float(apart[k]))]
            assert printed[0, :, y, x].tolist() == pytest.approx(nearest, abs=0.5 / 255)


def test_decided_cells_look_as_they_are_printed() -> None:
    """Where all cells are at their limits only the lines between two inks change."""
    chosen = torch.zeros(patch().shape[1:], dtype=torch.long)
    chosen[:, chosen.shape[1] // 2 :] = 2
    soft = patch().touch(patch()._pure(chosen), 300)
    change = (hard(soft).colour - soft.colour).abs().amax(dim=1)[0][hard(soft).cover[0, 0] > 0]
    assert float((change > 0.02).float().mean()) < 0.06
    assert patch().doubts(patch()._pure(chosen)) == ()


def test_undecided_cells_are_doubted() -> None:
    (told,) = patch().doubts(torch.zeros(patch().shape))
    assert told == "100 % of the cells are undecided between inks"


def test_the_search_finds_a_linear_victim_s_best_inks() -> None:
    """A linear loss asks of every cell for one ink; the best is found ink by ink, cell by cell."""
    two = patch(read_inks(("black", "white")))
    trial = Problem(linear_victim(), targeted(2, margin, confidence=1e3), two, linear_world())
    given = trial.draw(64, generator(3))
    zero = torch.zeros(two.shape, requires_grad=True)
    (slope,) = torch.autograd.grad(trial.evaluate(zero, given).loss.mean(), zero)
    best = torch.where(slope < 0, 1.0, -1.0)
    searched = Gradient(steps=80, batch=16, held_out=16, rate=0.1, enough=2.0)
    found = searched(trial, seed=0, n=20).theta
    losses = [float(trial.judge(one, given).loss.mean()) for one in (zero.detach(), best, found)]
    assert (losses[0] - losses[2]) >= 0.95 * (losses[0] - losses[1])


def test_controls_are_of_the_same_inks() -> None:
    few = patch()
    values = few.controls(theta(4, few), generator(5))
    assert list(values) == ["blank", "mean colour", "random noise", "shuffled", "spectrum-matched"]
    white = hard(few.touch(values["blank"], 200))
    assert bool((white.colour[0][:, white.cover[0, 0] > 0] == 1).all())
    for value in values.values():
        assert value.shape == few.shape
        shown = hard(few.touch(value, 200))
        colours = set(map(tuple, shown.colour[0][:, shown.cover[0, 0] > 0].T.tolist()))
        assert len(colours) <= 3


@pytest.mark.parametrize(
    ("names", "got"),
    [(("black",), "black"), (("black", "black"), "black,black"), (("blak", "white"), "blak,white")],
)
def test_bad_inks_are_told(names: tuple[str, ...], got: str) -> None:
    with pytest.raises(UserError, match=f"inks: .*{got}"):
        read_inks(names)
