"""What ART's own estimator tests ask of a PyTorch classifier, of every one that is exported."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import physadv_art
import pytest
import torch
from art.data_generators import PyTorchDataGenerator
from art.defences.preprocessor import FeatureSqueezing, JpegCompression, SpatialSmoothing
from art.estimators.classification import PyTorchClassifier
from physadv_art import (
    BoundedClassifier,
    PatchCertifiedClassifier,
    PhysicalClassifier,
    SmoothedClassifier,
    VictimClassifier,
    as_victim,
    detector_classifier,
    from_victim,
)
from physadv_art.frame import Array
from torch.utils.data import DataLoader, TensorDataset

from physadv.core import Encoded
from physadv.defences import DerandomizedSmoothing, PatchCleanser, RandomizedSmoothing
from tests.plugins.cast import CLASSES, SIDE, data, grey_estimator, one_hot, victim
from tests.victims import cell_detector


def learner() -> VictimClassifier:
    known = victim()
    return from_victim(known, optimizer=torch.optim.SGD(known.module.parameters(), lr=0.02))


def detector() -> Any:
    """Return a detector of three colours, and nothing."""
    known = cell_detector((SIDE, SIDE))
    net: Any = known.module
    net.norm.eps = 1e-5  # torch 2.14 does not train with the toy's none
    optimizer = torch.optim.SGD(known.module.parameters(), lr=0.02)
    return detector_classifier(known, optimizer=optimizer)


SOFT = RandomizedSmoothing(0.1, samples=40, soft=True)
"""Tells mean probabilities, which show every change; votes are tried in test_art_certified.py."""

MADE: dict[str, Callable[[], Any]] = {
    "victim": learner,
    "physical": lambda: PhysicalClassifier(learner(), "lab"),
    "grey": lambda: PhysicalClassifier(grey_estimator(learns=True), "lab"),
    "detector": detector,
    "smoothed": lambda: SmoothedClassifier(learner(), SOFT),
    "banded": lambda: PatchCertifiedClassifier(learner(), DerandomizedSmoothing(band_px=6)),
    "masked": lambda: PatchCertifiedClassifier(learner(), PatchCleanser(patch_px=(3, 3), masks=3)),
    "bounded": lambda: BoundedClassifier(learner()),
}


@pytest.fixture(params=MADE)
def on(request: pytest.FixtureRequest) -> Any:
    return MADE[request.param]()


def asked(on: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    """Ask an estimator from the beginning of its sequence of conditions, or noises, if any."""
    if isinstance(on, PhysicalClassifier):
        on.reset()
    if isinstance(on, SmoothedClassifier):
        on.reset_noise()
    return getattr(on, method)(*args, **kwargs)


def predicted(on: Any, x: Array) -> Array:
    return np.asarray(asked(on, "predict", x))


def scored(on: Any, x: Array) -> Array:
    """Return the scores that classes are told by: smoothing tells one-hot classes alone."""
    smoothed = isinstance(on, SmoothedClassifier)
    return asked(on, "get_activations", x, 0) if smoothed else predicted(on, x)


def scored_behind(on: Any, defence: Any, x: Array) -> Array:
    """Return the scores for images that a preprocessing defence has changed.

    What certifies hides, or adds noise, first, so that certificates are of the images that came.
    """
    seen, _ = defence(x)
    if not isinstance(on, SmoothedClassifier | PatchCertifiedClassifier):
        return scored(on, seen)
    bare = learner()
    bare.set_params(preprocessing_defences=[defence])
    guarded = on.defence(as_victim(bare))
    return np.asarray(guarded(Encoded(torch.from_numpy(x))).scores.detach().numpy())


def test_every_classifier_is_tried() -> None:
    public = [getattr(physadv_art, name) for name in physadv_art.__all__]
    kinds = {one for one in public if isinstance(one, type) and issubclass(one, PyTorchClassifier)}
    assert kinds == {type(make()) for make in MADE.values()}


def test_layers_by_name_and_by_number(on: Any) -> None:
    x, _ = data(on, 5)
    assert on.layer_names
    for number, name in enumerate(on.layer_names):
        one, other = (asked(on, "get_activations", x, key, batch_size=8) for key in (number, name))
        assert np.array_equal(one, other)
        assert len(one) == 5


def test_shapes_and_labels_of_every_kind(on: Any) -> None:
    x, labels = data(on, 6)
    shape = on.input_shape
    assert on.nb_classes == CLASSES
    assert predicted(on, x).shape == (6, CLASSES)
    assert on.loss_gradient(x, one_hot(labels)).shape == x.shape
    every = asked(on, "class_gradient", x)
    assert every.shape == (6, CLASSES, *shape)
    for label in (1, np.int64(1), [1] * 6, np.full(6, 1), np.array([1] * 6, dtype=object)):
        one = asked(on, "class_gradient", x, label=label)
        assert one.shape == (6, 1, *shape)
        assert np.allclose(one[:, 0], every[:, 1], atol=1e-5)


def test_losses_of_arrays_and_tensors(on: Any) -> None:
    x, labels = data(on, 6)
    y = one_hot(labels)
    ways = {way: asked(on, "compute_loss", x, y, reduction=way) for way in ("none", "mean", "sum")}
    assert ways["none"].shape == (6,)
    assert float(ways["sum"]) == pytest.approx(float(ways["none"].sum()), rel=1e-4)
    assert float(ways["mean"]) == pytest.approx(float(ways["none"].mean()), rel=1e-4)
    by_class = asked(on, "compute_loss", x, labels)
    assert np.allclose(by_class, ways["none"], atol=1e-5)
    pair = torch.from_numpy(x), torch.from_numpy(y)
    slope = asked(on, "loss_gradient", *pair)
    assert isinstance(slope, torch.Tensor)
    wanted = asked(on, "loss_gradient", x, y)
    assert np.allclose(slope.numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", [FeatureSqueezing, JpegCompression, SpatialSmoothing])
def test_defences_that_are_set_later_are_those_by_hand(on: Any, kind: Any) -> None:
    x, labels = data(on, 4)
    clean = scored(on, x)
    settings: dict[Any, dict[str, Any]] = {
        FeatureSqueezing: {"clip_values": (0, 1), "bit_depth": 2},
        JpegCompression: {"clip_values": (0, 1), "quality": 10, "channels_first": True},
        SpatialSmoothing: {"channels_first": True},
    }
    defence = kind(**settings[kind])
    if kind is JpegCompression:
        defence._apply_predict = True
    wanted = scored_behind(on, defence, x)
    on.set_params(preprocessing_defences=[defence])
    assert len(on.preprocessing_defences) == 1
    assert np.allclose(scored(on, x), wanted, atol=1e-4)
    assert not np.allclose(wanted, clean, atol=1e-4)
    assert on.loss_gradient(x, one_hot(labels)).shape == x.shape


def test_copies_and_pickles_are_the_same_and_their_own(
    on: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("art.config.ART_DATA_PATH", str(tmp_path))
    x, labels = data(on, 16)
    wanted = predicted(on, x)
    before = [weight.detach().clone() for weight in on.model.parameters()]
    for again in (copy.deepcopy(on), pickle.loads(pickle.dumps(on))):
        assert type(again) is type(on)
        assert again.__dict__.keys() == on.__dict__.keys()
        assert np.array_equal(again.clip_values, on.clip_values)
        assert np.allclose(predicted(again, x), wanted, atol=1e-5)
        again.fit(x, one_hot(labels), batch_size=8, nb_epochs=1)
        pairs = zip(before, again.model.parameters(), strict=True)
        assert any(not torch.equal(one, other) for one, other in pairs)
    assert all(map(torch.equal, before, on.model.parameters()))


def test_it_is_fitted_from_arrays_and_generators(on: Any) -> None:
    x, labels = data(on, 32)
    y, rate = one_hot(labels), torch.optim.lr_scheduler.StepLR(on.optimizer, 1)
    first = scored(on, x)
    on.fit(x, y, batch_size=8, nb_epochs=1, drop_last=True, scheduler=rate, unknown=1)
    second = scored(on, x)
    rows = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    loader = DataLoader(rows, batch_size=8)
    on.fit_generator(PyTorchDataGenerator(loader, size=32, batch_size=8), nb_epochs=1)
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, scored(on, x))


def test_clones_learn_alone(on: Any) -> None:
    x, labels = data(on, 16)
    before, clone = scored(on, x), on.clone_for_refitting()
    assert type(clone) is type(on)
    clone.fit(x, one_hot(labels), batch_size=8, nb_epochs=1)
    assert scored(clone, x).shape == before.shape
    assert np.allclose(scored(on, x), before, atol=1e-6)


def test_it_is_saved_and_says_what_it_is(on: Any, tmp_path: Path) -> None:
    on.save("network", path=str(tmp_path / "sub"))
    assert {file.name for file in (tmp_path / "sub").iterdir()} == {
        "network.model",
        "network.optimizer",
    }
    told = repr(on)
    assert f"{type(on).__name__}(model=" in told
    for part in ("nb_classes=4", "clip_values=array([0., 1.]", "preprocessing_defences=None"):
        assert part in told.replace("\n", "")
