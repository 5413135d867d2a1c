"""What others offer: ART's patch attack and PGD, kornia's augmentations as a camera."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.cases import Case, pictures
from benchmarks.steps import TARGET, Step
from physadv.attacks.digital import DigitalAttack, Rows
from physadv.core import Encoded
from physadv.victims import Classifier

PASTED_RATIO = 3
"""The pasted patch is a third of the picture wide; its size hardly costs anything."""


def art(case: Case, network: nn.Module) -> Step:
    """One training step of ART's AdversarialPatchPyTorch, its defaults, on ready pictures.

    As in its `generate` after the data loader: `use_logits` as found there, then `_train_step`
    (overlay, prediction, loss, backward to the patch, Adam). Raises ImportError without ART or
    torchvision, which it needs.
    """
    from art.attacks.evasion import AdversarialPatchPyTorch
    from art.estimators.classification import PyTorchClassifier

    shape = (3, case.size_px, case.size_px)
    estimator = PyTorchClassifier(
        network,
        loss=nn.CrossEntropyLoss(),
        input_shape=shape,
        nb_classes=case.classes,
        clip_values=(0.0, 1.0),
        device_type="cpu" if case.device == "cpu" else "gpu",
    )
    attack = AdversarialPatchPyTorch(
        estimator, batch_size=case.batch, patch_shape=shape, verbose=False
    )
    attack.use_logits = True
    ready = pictures(case)
    target = torch.from_numpy(np.eye(case.classes, dtype=np.float32)[[TARGET] * case.batch])
    target = target.to(case.device)
    return lambda _: attack._train_step(images=ready, target=target, mask=None)


def kornia(case: Case, network: nn.Module) -> Step:
    """Paste a patch on ready pictures, photograph them by kornia's augmentations, ask, go back.

    About what the street does: pose, white balance, exposure, tone, two blurs, noise, JPEG.
    """
    from kornia.augmentation import RandomJPEG

    ready, side = pictures(case), case.size_px // PASTED_RATIO
    before = (case.size_px - side) // 2
    after = case.size_px - side - before
    border = (before, after, before, after)
    theta = torch.full((3, side, side), 0.5, device=case.device, requires_grad=True)
    mask = F.pad(torch.ones(1, side, side, device=case.device), border)
    camera, jpeg = _camera(), RandomJPEG((50.0, 95.0), p=1.0)

    def step(_: int) -> object:
        pasted = torch.lerp(ready, F.pad(theta, border), mask)
        photos = jpeg(camera(pasted).clamp(0, 1))
        return torch.autograd.grad(network(photos)[:, TARGET].sum(), theta)

    return step


def _camera() -> nn.Module:
    """Return the augmentations before JPEG, each applied to every row."""
    from kornia import augmentation as chain

    return nn.Sequential(
        chain.RandomAffine(5.0, (0.06, 0.06), (0.7, 1.2), padding_mode="border", p=1.0),
        chain.RandomPerspective(0.3, p=1.0),
        chain.RandomPlanckianJitter(p=1.0),
        chain.ColorJiggle(brightness=(0.5, 1.5), contrast=(0.85, 1.15), p=1.0),
        chain.RandomGaussianBlur((5, 5), (0.1, 1.5), p=1.0),
        chain.RandomMotionBlur(5, (-90.0, 90.0), 0.0, p=1.0),
        chain.RandomGaussianNoise(std=0.02, p=1.0),
    )


def art_alone(settings: dict[str, Any]) -> DigitalAttack:
    """Return ART's PGD on ART's own PyTorchClassifier, for the network as torch loads it.

    The weights ask for gradients, as those of a network just loaded do, and ART computes them in
    each step. Raises ImportError without ART.
    """
    from art.attacks.evasion import ProjectedGradientDescentPyTorch

    def attack(victim: Any, images: Encoded, _goal: Any, *, rows: Rows, **_: Any) -> Encoded:
        assert rows.labels is not None
        with _as_loaded(victim) as network:
            estimator = _art_classifier(network, tuple(images.shape[1:]), len(victim.labels))
            made = ProjectedGradientDescentPyTorch(estimator, verbose=False, **settings)
            return Encoded(torch.from_numpy(made.generate(images.numpy(), rows.labels.numpy())))

    return attack


@contextmanager
def _as_loaded(victim: Classifier) -> Iterator[nn.Module]:
    """Give a victim's network, what is done to images first included, with weights that learn."""
    network = nn.Sequential(_Prepared(victim), victim.module).eval()
    before = [(weight, weight.requires_grad) for weight in network.parameters()]
    try:
        yield network.requires_grad_(True)
    finally:
        for weight, learns in before:
            weight.grad = None
            weight.requires_grad_(learns)


def _art_classifier(network: nn.Module, shape: tuple[int, ...], classes: int) -> Any:
    from art.estimators.classification import PyTorchClassifier

    return PyTorchClassifier(
        network,
        loss=nn.CrossEntropyLoss(),
        input_shape=shape,
        nb_classes=classes,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )


class _Prepared(nn.Module):
    """What a victim does to images before its network sees them."""

    def __init__(self, victim: Classifier) -> None:
        super().__init__()
        self.prepare = victim.prepare

    def forward(self, images: Tensor) -> Tensor:
        prepared: Tensor = self.prepare(Encoded(images))
        return prepared
