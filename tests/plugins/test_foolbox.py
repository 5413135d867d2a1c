"""Foolbox: our attack as theirs, their model as our victim."""

from typing import Any

import foolbox
import pytest
import torch
from foolbox.models.pytorch import PyTorchModel
from physadv_foolbox import PGD, as_model, as_victim

from physadv.core import Encoded, UserError
from physadv.testing import check_victim
from tests.plugins.cast import CLASSES, SIDE, blobs, victim

LABELS = [f"quarter {k}" for k in range(CLASSES)]


def model(bounds: tuple[float, float] = (0, 1)) -> PyTorchModel:
    """Return the cast's network with Foolbox's own preprocessing."""
    low, high = bounds
    middle, spread = low + 0.5 * (high - low), 0.25 * (high - low)
    pre = {"mean": [middle] * 3, "std": [spread] * 3, "axis": -3}
    net = victim().module.eval()
    return PyTorchModel(net, bounds=bounds, preprocessing=pre, device="cpu")


@pytest.mark.parametrize("bounds", [(0, 1), (-1, 1)])
@pytest.mark.parametrize("norm", [float("inf"), 2.0, 1.0])
def test_the_triple(bounds: tuple[float, float], norm: float) -> None:
    images, labels = blobs(8, 2)
    wide = bounds[1] - bounds[0]
    x = images * wide + bounds[0]
    eps = {float("inf"): 0.2, 2.0: 3.0, 1.0: 60.0}[norm] * wide
    on = model(bounds)
    raw, clipped, success = PGD(norm, steps=10)(on, x, labels, epsilons=[0.01 * eps, eps])
    assert len(raw) == len(clipped) == 2
    assert success.shape == (2, 8)
    sizes = (clipped[1] - x).flatten(1).norm(p=norm, dim=1)
    assert float(sizes.max()) <= eps * (1 + 1e-4)
    assert torch.allclose(raw[1], clipped[1], atol=1e-4)
    wrong = on(clipped[1]).argmax(dim=1) != labels
    assert torch.equal(wrong, success[1])
    assert int(success[1].sum()) >= int(success[0].sum()) + 4


def test_targets_and_other_criteria() -> None:
    images, labels = blobs(8, 2)
    targets = (labels + 1) % CLASSES
    goal = foolbox.criteria.TargetedMisclassification(targets)
    _, clipped, success = PGD(steps=10)(model(), images, goal, epsilons=0.2)
    assert torch.equal(model()(clipped).argmax(dim=1) == targets, success)
    assert int(success.sum()) >= 6
    with pytest.raises(UserError, match="criterion: expected Misclassification"):
        PGD(steps=2).run(model(), images, Other(), epsilon=0.1)


class Other(foolbox.criteria.Criterion):
    def __repr__(self) -> str:
        return "Other()"

    def __call__(self, perturbed: Any, outputs: Any) -> Any:
        return outputs.argmax(axis=-1) == 0


def test_their_model_as_a_victim() -> None:
    known = as_victim(model((-1, 1)), LABELS, (SIDE, SIDE))
    images = Encoded(blobs(4, 3)[0])
    with torch.no_grad():
        assert torch.allclose(known(images).scores, victim()(images).scores, atol=1e-5)
    assert known.label("quarter 2") == known.label(2) == 2
    with pytest.raises(UserError, match="model: expected a foolbox Model"):
        as_victim(torch.nn.Identity(), LABELS, (SIDE, SIDE))  # type: ignore[arg-type]  # wrong on purpose


def test_it_keeps_the_contract_of_victims() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten())
        net.append(torch.nn.Linear(48, CLASSES))
    known = as_victim(PyTorchModel(net.eval(), (0, 1), device="cpu"), LABELS, (8, 8))
    check_victim(known)


def test_our_victim_as_their_model() -> None:
    images, _ = blobs(4, 3)
    with torch.no_grad():
        wanted = victim()(Encoded(images)).scores
        assert torch.allclose(as_model(victim())(images), wanted, atol=1e-5)
