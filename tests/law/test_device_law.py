"""A victim elsewhere: the same pictures, losses and gradients, and hardly a value is waited for."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from physadv.core import generator
from physadv.core.device import CPU, device_now, here, kept, moved, on
from physadv.judge import judge
from physadv.objectives import margin, targeted, untargeted
from physadv.patch import Limits, Pixels, candidates
from physadv.presets import NAMES, world
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from physadv.victims import Classifier
from tests.elsewhere import ELSEWHERE, Far, apart

WORLDS = [name for name in NAMES if name != "any"]
ROWS, CLASSES, SIDE = 2, 5, 32


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = [nn.Conv2d(3, 4, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()]
        return nn.Sequential(*parts, nn.Linear(16, CLASSES)).eval()


def problem(preset: str, module: nn.Module) -> Problem:
    victim = Classifier(module, [str(k) for k in range(CLASSES)], size_px=SIDE)
    scene = StreetScene(sign("stop"))
    patch = Pixels(candidates(scene.face(), Limits())["middle"])
    return Problem(victim, targeted(2, margin), patch, world(preset, scene, label=1))


def near(value: object) -> Tensor:
    assert isinstance(value, Tensor)
    return value.held if isinstance(value, Far) else value


def stepped(trial: Problem) -> tuple[Tensor, Tensor, Tensor]:
    """Return pictures, losses and the gradient to theta, whatever the device."""
    theta = trial.patch.start(generator(0)).requires_grad_()
    outcome = trial.evaluate(theta, trial.draw(ROWS, generator(1)))
    (slope,) = torch.autograd.grad(outcome.loss.sum(), theta)
    return near(outcome.photo.pixels.detach()), outcome.loss.detach(), slope


@pytest.mark.parametrize("preset", WORLDS)
def test_a_step_elsewhere_is_the_step_here(preset: str) -> None:
    own = stepped(problem(preset, network()))
    with apart() as reads:
        far = stepped(problem(preset, network().to(ELSEWHERE)))
    for one, other in zip(own, far, strict=True):
        assert not isinstance(other, Far)
        torch.testing.assert_close(other, one, atol=2e-4, rtol=1e-3)
    assert len(reads) <= 40, reads


def test_the_judge_s_report_is_the_same() -> None:
    module = network()
    trial = problem("street", module)
    theta = trial.patch.start(generator(0))
    own = judge(trial, theta, seed=3, n=4)
    with apart():
        far = judge(problem("street", module.to(ELSEWHERE)), theta, seed=3, n=4)
    assert far == own


def test_untargeted_labels_are_where_the_scores_are() -> None:
    trial = replace(problem("lab", network()), objective=untargeted())
    own = stepped(trial)
    with apart():
        far = stepped(replace(problem("lab", network().to(ELSEWHERE)), objective=untargeted()))
    torch.testing.assert_close(far[1], own[1], atol=2e-4, rtol=1e-3)


def test_tensors_of_two_devices_do_not_meet() -> None:
    with apart(), pytest.raises(RuntimeError, match="two devices"):
        torch.ones(2).to(ELSEWHERE) + torch.ones(2)


def test_what_is_kept_is_built_once_and_moved_once() -> None:
    built = []

    @kept
    def numbers(count: int) -> Tensor:
        built.append(device_now())
        return torch.arange(count)

    with apart():
        with on(ELSEWHERE):
            far = numbers(3)
            assert far is numbers(3)
            table = torch.ones(2).to(ELSEWHERE)
            assert here(table) is here(table)
        assert isinstance(far, Far)
        assert numbers(3).tolist() == [0, 1, 2]
        assert built == [CPU]
        assert moved({"a": (far, "b")}, CPU)["a"][0].tolist() == [0, 1, 2]
