"""What calibration is worth on a print: a hidden printer, another camera, a real recogniser.

The truth is the virtual rig's, whose ink model and camera know nothing of ours. `python -m
tests.rig_experiment` is the long version.
"""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from physadv.core import generator
from physadv.design import read_design
from physadv.design.build import build_problem, build_victim
from physadv.objectives import margin
from physadv.problem import Problem
from tests.rig_experiment import TARGET, answers, bare_sign, profile_of, stuck, under
from tests.rig_photos import shots
from tests.shared_data import ROOT
from tests.virtual_rig import OFFICE, VirtualRig

KEPT = ROOT / "patches" / "stop-as-speed-limit-80"
RIG = VirtualRig(0, OFFICE)
N, STEPS = 16, 6


@pytest.fixture(scope="module")
def plain() -> Problem:
    design = read_design(KEPT / "design.toml")
    return build_problem(design, build_victim(design))


@pytest.fixture(scope="module")
def profiled(plain: Problem) -> Problem:
    return under(profile_of(OFFICE), plain)


@pytest.fixture(scope="module")
def theta() -> Tensor:
    return load_file(KEPT / "theta.safetensors")["theta"]


def lacking(scores: Tensor, aim: Problem) -> Tensor:
    """Return by how much the target lacks the best score, (n,)."""
    return margin(scores, torch.full((len(scores),), aim.victim.labels.index(TARGET)))


def came(aim: Problem, theta: Tensor) -> Tensor:
    """Photograph the rig's print by the rig."""
    return lacking(answers(aim.victim, stuck(aim, theta, RIG), shots(N, 7)), aim)


def foreseen(aim: Problem, theta: Tensor) -> float:
    seen = aim.judge(theta, aim.draw(2 * N, generator(3)))
    return float(lacking(seen.answer.scores, aim).mean())


def refined(aim: Problem, theta: Tensor) -> Tensor:
    """Go on from a finished sticker for a few steps."""
    given = aim.draw(N, generator(5))
    theta = theta.clone().requires_grad_()
    adam = torch.optim.Adam([theta], lr=0.08)
    for _ in range(STEPS):
        adam.zero_grad()
        aim.evaluate(theta, given).loss.mean().backward()
        adam.step()
        theta.data.clamp_(0, 1)
    return theta.detach()


def test_the_rig_shows_the_bare_sign_as_it_is(plain: Problem) -> None:
    """Else what follows would tell of a camera that spoils everything."""
    read = answers(plain.victim, bare_sign(plain), shots(N, 7)).argmax(dim=1)
    assert float((read == plain.world.label).float().mean()) > 0.95


def test_the_profile_foresees_what_a_print_is_worth(
    plain: Problem, profiled: Problem, theta: Tensor
) -> None:
    """The printer of no profile promises too much of a sticker on plain paper."""
    truth = float(came(plain, theta).mean())
    promised, expected = foreseen(plain, theta), foreseen(profiled, theta)
    assert promised < truth
    assert abs(expected - truth) < 0.7 * abs(promised - truth)


def test_a_sticker_made_with_the_profile_works_better_in_print(
    plain: Problem, profiled: Problem, theta: Tensor
) -> None:
    """As many steps from the same start, photographed alike: paired, three standard errors."""
    usual, suited = (came(plain, refined(aim, theta)) for aim in (plain, profiled))
    gain = (usual - suited).numpy()
    assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(N)
