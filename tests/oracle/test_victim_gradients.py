"""Gradients of every differentiable victim against difference quotients, in doubles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from physadv.core import Answer, Encoded, generator
from physadv.objectives import cross_entropy, margin, untargeted
from physadv.victims import (
    Classifier,
    Detector,
    Ensemble,
    Prepare,
    Victim,
    nanodet,
    onnx_classifier,
    onnx_detector,
    timm_classifier,
    torchvision_classifier,
    torchvision_detector,
)
from tests.onnx_files import write
from tests.oracle.test_torchvision_detectors import ssd
from tests.oracle.test_vanish import photo
from tests.shared_data import DATA, needs_data
from tests.victims import SmallNetwork, cell_detector, cells, small_victim

MEAN, STD = (0.3, 0.4, 0.5), (0.2, 0.3, 0.4)
STD_BYTES = (57.4, 57.1, 58.4)
SIZE = (40, 56)
"""Images are larger than what the small victims take, and of another shape."""


def small(**options: Any) -> Classifier:
    return Classifier.of(SmallNetwork(), small_victim().labels, Prepare((12, 16), **options))


PREPARED: dict[str, Callable[[], Victim]] = {
    "mean and std": lambda: small(mean=MEAN, std=STD),
    "minus one to one": lambda: small(mean=(0.5,) * 3, std=(0.5,) * 3),
    "bytes, BGR": lambda: small(
        mean=(103.5, 116.3, 123.7), std=(57.4, 57.1, 58.4), bgr=True, scale=255
    ),
    "crop, bicubic": lambda: small(fit="crop", resize_px=20, interpolation="bicubic"),
    "letterbox": lambda: small(fit="letterbox", mean=MEAN, std=STD),
    "detector": lambda: cell_detector((24, 32)),
    "detector, letterbox": lambda: Detector(
        cell_detector().module, list("rgb"), Prepare(32, MEAN, STD, fit="letterbox"), cells
    ),
    "mean of logits": lambda: Ensemble([small_victim(seed=1), small(bgr=True)]),
    "mean of losses": lambda: Ensemble([small_victim(seed=1), small_victim(seed=2)], mean="losses"),
    "mean of probabilities": lambda: Ensemble(
        [small_victim(seed=1), small_victim(seed=2)], mean="probabilities"
    ),
    "torchvision": lambda: torchvision_classifier("squeezenet1_1"),
    "timm": lambda: timm_classifier("test_resnet", labels=list("abc")),
    "torchvision detector": lambda: torchvision_detector(ssd(), labels=list("abcd")),
}


def doubled(victim: Any) -> Any:
    """Turn a victim's networks to doubles."""
    for one in getattr(victim, "victims", (victim,)):
        one.module.double()
    return victim


def check_slope(ask: Callable[[Encoded], Tensor], n: int = 2) -> None:
    """Hold that the gradient of a number is its difference quotient, along three random ways.

    The step is small because deep networks have many kinks: larger ones cross some. The ways are
    random but lean uphill, so that the difference stands out from the values' rounding.
    """
    step = 1e-9
    rng = generator(0)
    images = 0.1 + 0.8 * torch.rand(n, 3, *SIZE, generator=rng, dtype=torch.float64)
    asked = images.clone().requires_grad_()
    (slope,) = torch.autograd.grad(ask(Encoded(asked)), asked)
    for _ in range(3):
        way = torch.rand(images.shape, generator=rng, dtype=torch.float64) - 0.5 + slope.sign() / 2
        with torch.no_grad():
            there, back = (ask(Encoded(images + sign * step * way)) for sign in (1, -1))
        quotient = float(there - back) / (2 * step)
        assert float((slope * way).sum()) == pytest.approx(quotient, rel=1e-3, abs=1e-6)


def number(answer: Answer) -> Tensor:
    """Return one number that weighs all scores differently."""
    weights = torch.rand(answer.scores.shape, generator=generator(7), dtype=torch.float64)
    return (answer.scores * weights).sum()


@pytest.mark.parametrize("kind", PREPARED)
def test_the_gradient_is_the_difference_quotient(kind: str) -> None:
    victim = doubled(PREPARED[kind]())
    check_slope(lambda images: number(victim(images)))


def test_the_gradient_of_an_onnx_file_is_the_difference_quotient(tmp_path: Path) -> None:
    ready = Prepare((12, 16), MEAN, STD, bgr=True)
    victim = onnx_classifier(write(tmp_path / "net.onnx"), None, ready, output="scores")
    doubled(victim)
    check_slope(lambda images: number(victim(images)))


def test_the_gradient_of_boxes_is_the_difference_quotient() -> None:
    """With a head whose box numbers depend on the image."""
    network = nn.Conv2d(3, 2 + 32, 8, 8)
    torch.nn.init.normal_(network.weight, std=0.5, generator=generator(0))

    def decode(output: Tensor) -> Any:
        rows = output.flatten(2).mT
        return nanodet((24, 32), strides=(8,))([rows[..., :2].sigmoid(), rows[..., 2:]])

    victim = doubled(Detector(network, ["a", "b"], Prepare((24, 32), MEAN, STD), decode))
    check_slope(lambda images: (victim(images).boxes * torch.arange(1, 5)).sum())


@needs_data
def test_the_gradient_of_a_real_detector_is_the_difference_quotient() -> None:
    mean, std = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
    prepare = Prepare(416, mean, std, bgr=True, scale=255)
    names = (DATA / "detectors" / "coco_names.txt").read_text().splitlines()
    file = DATA / "detectors" / "nanodet_m_416_batch.onnx"
    victim = doubled(onnx_detector(file, names, prepare, nanodet(416)))
    check_slope(lambda images: number(victim(images)), n=1)


@pytest.mark.parametrize("loss", [cross_entropy, margin])
def test_an_ensemble_of_losses_has_the_mean_loss_and_the_mean_gradient(loss: Any) -> None:
    members = [small_victim(seed=1), small_victim(seed=2)]
    together, goal = Ensemble(members, mean="losses"), untargeted(loss)
    where = photo(torch.zeros(2, 4))
    images = torch.rand(2, 3, *SIZE, generator=generator(0)).requires_grad_()
    mean = goal.loss(together(Encoded(images)), where)
    each = torch.stack([goal.loss(one(Encoded(images)), where) for one in members])
    torch.testing.assert_close(mean, each.mean(dim=0))
    (slope,) = torch.autograd.grad(mean.sum(), images)
    slopes = [torch.autograd.grad(one.sum(), images, retain_graph=True)[0] for one in each]
    torch.testing.assert_close(slope, torch.stack(slopes).mean(dim=0))
