"""Trainings that harden as ART's trainers, and distillation as a transformer."""

from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import ProjectedGradientDescent
from art.defences.preprocessor import GaussianAugmentation
from art.defences.trainer import AdversarialTrainerTRADESPyTorch
from art.defences.transformer.evasion import DefensiveDistillation
from art.estimators.classification import PyTorchClassifier
from physadv_art import Distillation, RobustTrainer, from_victim
from torch import nn

from physadv.core import UserError, generator
from physadv.training.robust import (
    Fast,
    Free,
    Masks,
    Method,
    Mix,
    Noise,
    PatchTraining,
    Pgd,
    Physical,
    Pool,
    Schooling,
    Trades,
    teach,
)
from tests.plugins.cast import CLASSES, SIDE, accuracy, data, estimator, one_hot, victim

EPS = 0.05
IMAGES: Any = torch.rand(2, 3, SIDE, SIDE, generator=generator(0)).numpy()
PGD_CLASS: Any = Pgd
METHODS: list[Method] = [
    Fast(EPS),
    Free(EPS, 3),
    Mix(EPS),
    Pgd(EPS, 4),
    Trades(EPS, steps=4),
]


def sequential(clip_values: tuple[float, float] = (0.0, 1.0), **kwargs: Any) -> PyTorchClassifier:
    """Return an untrained `nn.Sequential` as ART's own classifier."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(3, 6, 4, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(96, CLASSES)
        )
    low, high = clip_values
    return PyTorchClassifier(
        net,
        nn.CrossEntropyLoss(),
        (3, SIDE, SIDE),
        CLASSES,
        optimizer=torch.optim.Adam(net.parameters(), 0.01),
        clip_values=clip_values,
        preprocessing=((low + high) / 2, (high - low) / 4),
        device_type="cpu",
        **kwargs,
    )


def attacked(on: Any, eps: float = EPS) -> float:
    """Return the accuracy under ART's own PGD."""
    x, y = data(on, 64, seed=8)
    wide = float(np.max(on.clip_values[1]) - np.min(on.clip_values[0]))
    attack = ProjectedGradientDescent(
        on, eps=eps * wide, eps_step=eps * wide / 4, max_iter=10, verbose=False
    )
    return accuracy(on, attack.generate(x, one_hot(y)), y)


@pytest.mark.parametrize("method", METHODS, ids=lambda one: type(one).__name__)
def test_a_sequential_network_is_hardened(method: Method) -> None:
    """Beside the same schooling without an adversary, under ART's own attack."""
    found = []
    for one in (Physical(), method):
        on = sequential()
        x, y = data(on, 256, seed=7)
        trainer = RobustTrainer(on, one, seed=1)
        trainer.fit(x, one_hot(y), batch_size=32, nb_epochs=12)
        made = trainer.get_classifier()
        assert made is on
        assert accuracy(made, *data(on, 64, seed=8)) >= 0.75
        found.append(attacked(made))
    assert found[1] > found[0] + 0.1


@pytest.mark.parametrize("method", [Noise(0.05), Masks(1, 0.25)], ids=("noise", "masks"))
def test_what_certified_defences_show_is_learnt(method: Method) -> None:
    """Bands of toys of one colour would tell nothing."""
    on = sequential()
    x, y = data(on, 256, seed=7)
    before = accuracy(on, *data(on, 64, seed=8))
    RobustTrainer(on, method, seed=1).fit(x, one_hot(y), batch_size=32, nb_epochs=12)
    assert accuracy(on, *data(on, 64, seed=8)) >= max(0.75, before + 0.1)


def test_training_is_teach_behind_range_order_and_preprocessing() -> None:
    """The same course on the bare network, whose images are brought to [0,1] by hand."""
    on, other = sequential((-1.0, 3.0)), sequential((-1.0, 3.0))
    x, y = data(on, 40)
    RobustTrainer(on, Pgd(EPS, 2), seed=5).fit(x, y, batch_size=16, nb_epochs=2)

    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = other.model

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.network((4 * images - 1 - 1) / 1)
            return scores

    images = torch.from_numpy((x + 1) / 4)
    course = Schooling(epochs=2, batch=16, seed=5)
    for _ in teach(Bare(), images, torch.from_numpy(y), Pgd(EPS, 2), other.optimizer, course):
        pass
    for one, wanted in zip(on.model.parameters(), other.model.parameters(), strict=True):
        assert torch.allclose(one, wanted, atol=1e-4)


def test_patches_and_victims() -> None:
    """A `Classifier` of ours with batch normalisation and dropout, NHWC, in [0,255]."""
    known = victim()
    on = from_victim(
        known,
        clip_values=(0.0, 255.0),
        channels_first=False,
        optimizer=torch.optim.Adam(known.module.parameters(), 0.002),
    )
    x, y = data(on, 64, seed=7)
    before = [one.clone() for one in known.module.parameters()]
    modes = [part.training for part in known.module.modules()]
    RobustTrainer(on, PatchTraining(steps=3)).fit(x, y, batch_size=32, nb_epochs=2)
    assert not any(map(torch.equal, before, known.module.parameters()))
    assert [part.training for part in known.module.modules()] == modes
    assert accuracy(on, *data(on, 64, seed=8)) > 0.8


def test_arts_trades_crashes_where_ours_does_not() -> None:
    on = sequential()
    x, y = data(on, 32)
    attack = ProjectedGradientDescent(on, eps=EPS, eps_step=EPS, max_iter=1, verbose=False)
    theirs = AdversarialTrainerTRADESPyTorch(on, attack, beta=6.0)
    with pytest.raises(RuntimeError, match="size of tensor"):  # the first layer for answers
        theirs.fit(x, y, nb_epochs=1, batch_size=16)
    RobustTrainer(sequential(), Trades(EPS, steps=1)).fit(x, y, batch_size=16, nb_epochs=1)


def test_a_pool_is_taught_beside_clean_images() -> None:
    on = sequential()
    x, y = data(on, 128, seed=7)
    RobustTrainer(on, Pool(16, 2, rounds=2, steps=4)).fit(
        x, one_hot(y), batch_size=32, nb_epochs=12
    )
    assert accuracy(on, *data(on, 64, seed=8)) >= 0.75


def test_distillation_trains_teacher_and_student_on_logits() -> None:
    teacher = sequential()
    x, y = data(teacher, 256, seed=7)
    test, truth = data(teacher, 64, seed=8)
    transformer = Distillation(teacher, temperature=10.0, batch_size=32, nb_epochs=25)
    assert not transformer.is_fitted
    transformer.fit(x, one_hot(y))
    assert transformer.is_fitted
    made = transformer(x, sequential())
    assert accuracy(teacher, test, truth) > 0.85
    assert accuracy(made, test, truth) > 0.85
    first, second = (torch.from_numpy(on.predict(test)) / 10 for on in (teacher, made))
    assert (first.softmax(dim=1) - second.softmax(dim=1)).abs().mean() < 0.1
    margins = torch.from_numpy(made.predict(test)).topk(2).values
    assert float((margins[:, 0] - margins[:, 1]).median()) > 5  # sure of itself at 1
    with pytest.raises(ValueError, match="probability outputs"):
        DefensiveDistillation(teacher, nb_epochs=1)(x, sequential())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Distillation(sequential(), 0.0), "temperature: expected above 0, got 0.0"),
        (lambda: Distillation(sequential(), -2.0), "temperature: expected above 0, got -2.0"),
        (
            lambda: Distillation(sequential()).set_params(temperature=-1.0),
            "temperature: expected above 0, got -1.0",
        ),
        (lambda: Distillation(sequential(), nb_epochs=0), "epochs: expected at least 1"),
        (lambda: Distillation(sequential()).fit(IMAGES), "y: expected labels"),
        (lambda: RobustTrainer(estimator(), Pgd()), "classifier: expected one with an optimizer"),
        (lambda: RobustTrainer(sequential(), PGD_CLASS), "method: expected a method, .* got Pgd"),
        (lambda: RobustTrainer(object(), Pgd()), "classifier: expected a PyTorchClassifier"),
        (
            lambda: RobustTrainer(sequential(), Pgd()).fit(IMAGES.reshape(2, -1), [0, 1]),
            r"images: expected images \(N,C,h,w\)",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_preprocessing_defences_that_are_for_fitting_stay_out() -> None:
    """What is only applied when fitting, as noise, is not seen; TRADES brings its own."""
    noise = GaussianAugmentation(sigma=0.5, augmentation=False, apply_fit=True, apply_predict=False)
    ends = []
    for kwargs in ({}, {"preprocessing_defences": noise}):
        on = sequential(**kwargs)
        x, y = data(on, 32)
        RobustTrainer(on, Fast(EPS)).fit(x, y, batch_size=16, nb_epochs=1)
        ends.append(torch.cat([one.detach().flatten() for one in on.model.parameters()]))
    assert torch.equal(*ends)
