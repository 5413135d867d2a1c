"""ART classifiers that only predict as physadv victims: black boxes, scikit-learn's, ensembles."""

from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import HopSkipJump
from art.defences.postprocessor import Rounded
from art.estimators.classification import (
    BlackBoxClassifier,
    BlackBoxClassifierNeuralNetwork,
    EnsembleClassifier,
    SklearnClassifier,
)
from art.estimators.object_detection import PyTorchFasterRCNN
from art.exceptions import EstimatorError
from physadv_art import EstimatorBlackBox, EstimatorVictim, StickerPatch, as_victim, from_victim
from physadv_art.frame import Array
from physadv_art.plugin import plugin
from sklearn.linear_model import LogisticRegression
from torch.nn.functional import interpolate

from physadv.attacks.digital import Rows
from physadv.core import Encoded, UserError, generator
from physadv.judge import Told, judge_images
from physadv.objectives import untargeted
from physadv.testing import check_victim
from tests.plugins.cast import SIDE, accuracy, blobs, data, estimator
from tests.victims import closed_victim

SIZE = (12, 16)
NAMES = ("red", "green", "blue")


def mean_colour(x: Array) -> Array:
    """Tell the mean of each channel of images (n,12,16,3) in [0,255]."""
    assert x.shape[1:] == (*SIZE, 3)
    assert x.dtype == np.float32
    return np.asarray(x.mean(axis=(1, 2)) - 100)


def last(**kwargs: Any) -> Any:
    return BlackBoxClassifier(mean_colour, (*SIZE, 3), 3, clip_values=(0, 255), **kwargs)


def logistic() -> Any:
    """Return a logistic regression on rows of 16 x 16 x 3 values in [0,255], trained on blobs."""
    images, labels = blobs(256, 1)
    rows = 255 * images.permute(0, 2, 3, 1).flatten(1).numpy()
    fitted = LogisticRegression(max_iter=200).fit(rows / 255, labels.numpy())
    return SklearnClassifier(fitted, clip_values=(0, 255), preprocessing=(0.0, 255.0))


MADE = {
    "channels last, as its shape says": lambda: as_victim(last(), NAMES),
    "a victim there and back": lambda: as_victim(
        from_victim(closed_victim(), channels_first=False)
    ),
    "scikit-learn, flattened": lambda: as_victim(logistic(), input_shape=(SIDE, SIDE, 3)),
}


@pytest.mark.parametrize("kind", MADE)
def test_they_keep_the_contract_of_victims(kind: str) -> None:
    victim = MADE[kind]()
    assert isinstance(victim, EstimatorBlackBox)
    check_victim(victim)


def test_it_is_shown_images_as_it_has_them_and_counts_them() -> None:
    """Resized, in bytes, channels last: the means are those that torch finds."""
    victim, images = as_victim(last(), NAMES), torch.rand(3, 3, 24, 20, generator=generator(0))
    assert (victim.labels, victim.size_px, victim.queries) == (NAMES, SIZE, 0)
    found = victim(Encoded(images.requires_grad_()))
    small = interpolate(images, SIZE, mode="bilinear", antialias=True)
    torch.testing.assert_close(found.scores, 255 * small.mean(dim=(2, 3)).detach() - 100)
    assert not found.scores.requires_grad
    assert victim.queries == 3
    assert repr(victim) == "<EstimatorBlackBox BlackBoxClassifier: 3 classes, 3 asked>"
    assert victim.label("green") == 1


def test_there_and_back_is_the_victim() -> None:
    own = closed_victim()
    images = Encoded(torch.rand(2, 3, *own.size_px, generator=generator(0)))
    back = as_victim(from_victim(own, clip_values=(-1, 1)), own.labels)
    assert torch.allclose(back(images).scores, own(images).scores, atol=1e-5)
    assert back.queries == 2


def test_channels_that_an_estimator_names_are_believed() -> None:
    """A shape of (3,16,3) could be either."""
    known = BlackBoxClassifierNeuralNetwork(
        lambda x: x.mean(axis=(2, 3)), (3, 16, 3), 3, clip_values=(0, 1), channels_first=True
    )
    assert as_victim(known).size_px == (16, 3)
    unknown = BlackBoxClassifier(lambda x: x, (3, 16, 3), 3, clip_values=(0, 1))
    with pytest.raises(UserError, match="input_shape: expected channels first or last, got"):
        as_victim(unknown)


def test_what_art_adds_is_part_of_it() -> None:
    """Preprocessing before, postprocessing after; an ensemble's mean."""
    images = Encoded(torch.rand(2, 3, *SIZE, generator=generator(0)))
    plain = as_victim(last())(images).scores
    assert torch.equal(
        as_victim(last(postprocessing_defences=Rounded(1)))(images).scores, plain.round(decimals=1)
    )
    halved = as_victim(last(preprocessing=(0.0, 2.0)))(images).scores
    assert torch.allclose(halved, plain / 2 - 50, atol=1e-4)
    two = EnsembleClassifier([estimator(), estimator()], channels_first=True, clip_values=(0, 1))
    x = data(estimator())[0]
    told = as_victim(two)(Encoded(torch.from_numpy(x))).scores
    assert np.allclose(told.numpy(), two.predict(x), atol=1e-4)


def test_labels_alone_become_logarithms_and_do_for_a_decision() -> None:
    told = BlackBoxClassifier(
        lambda x: np.eye(3)[mean_colour(x).argmax(axis=1)], (*SIZE, 3), 3, clip_values=(0, 255)
    )
    images = Encoded(torch.rand(2, 3, *SIZE, generator=generator(0)))
    scores = as_victim(told)(images).scores
    assert torch.equal(scores.argmax(dim=1), as_victim(last())(images).best)
    assert sorted(scores.exp().flatten().tolist()) == pytest.approx([0, 0, 0, 0, 1, 1], abs=1e-9)


def test_probabilities_become_logarithms() -> None:
    victim = as_victim(logistic(), input_shape=(SIDE, SIDE, 3))
    blob, labels = blobs(64, 2)
    scores = victim(Encoded(blob)).scores
    assert torch.allclose(scores.logsumexp(dim=1), torch.zeros(64), atol=1e-4)
    right = float((scores.argmax(dim=1) == labels).float().mean())
    on = logistic()
    rows = 255 * blob.permute(0, 2, 3, 1).flatten(1).numpy()
    assert right == accuracy(on, rows, labels.numpy())
    assert right > 0.9


def test_black_box_attacks_run_on_it_and_are_judged() -> None:
    victim = as_victim(last(), NAMES)
    images = torch.full((2, 3, *SIZE), 0.4)
    images[:, 0] += 0.05
    images += 0.02 * torch.rand(images.shape, generator=generator(0))
    labels = victim(Encoded(images)).best
    settings = {"max_iter": 2, "max_eval": 30, "init_eval": 10, "init_size": 50}
    attack = plugin.attack("HopSkipJump", settings)
    rows = Rows(labels=labels)
    attacked = attack(victim, Encoded(images), untargeted(), rows=rows)
    before = victim.queries
    report = judge_images(victim, Encoded(images), attacked, untargeted(), Told(labels, labels))
    assert (report.success.hits, report.clean.hits, report.n) == (2, 0, 2)
    assert victim.queries == before + 4


def test_pytorch_classifiers_keep_their_gradients() -> None:
    on = estimator()
    victim = as_victim(on, input_shape=on.input_shape)
    assert isinstance(victim, EstimatorVictim)
    assert victim.differentiable
    with pytest.raises(UserError, match=r"input_shape: expected the estimator's, \(3, 16, 16\)"):
        as_victim(on, input_shape=(16, 16, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: as_victim(object()), "estimator: expected a classifier of ART's, got object"),
        (lambda: as_victim(HopSkipJump), "estimator: expected a classifier of ART's, got"),
        (
            lambda: as_victim(PyTorchFasterRCNN.__new__(PyTorchFasterRCNN)),
            "estimator: expected a classifier of ART's, got PyTorchFasterRCNN",
        ),
        (lambda: as_victim(last(), ["red"]), "labels: expected 3 names, got 1"),
        (lambda: as_victim(logistic()), r"one that takes images, got \(768,\); give as_victim inp"),
        (
            lambda: as_victim(logistic(), input_shape=(3, 8, 8)),
            r"input_shape: expected what fits the estimator's \(768,\), got \(3, 8, 8\)",
        ),
        (
            lambda: as_victim(last(), input_shape=(3, *SIZE)),
            r"input_shape: expected what fits the estimator's \(12, 16, 3\), got \(3, 12, 16\)",
        ),
        (
            lambda: as_victim(BlackBoxClassifier(mean_colour, (*SIZE, 3), 3)),
            r"estimator: expected one with clip_values, got clip_values: expected \(min, max\)",
        ),
        (
            lambda: as_victim(last())(Encoded(torch.zeros(1, 1, *SIZE))),
            r"images: expected \(B,3,H,W\), got \(1, 1, 12, 16\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_our_own_attacks_still_ask_for_gradients() -> None:
    with pytest.raises(EstimatorError, match="StickerPatch"):
        StickerPatch(last(), verbose=False)
