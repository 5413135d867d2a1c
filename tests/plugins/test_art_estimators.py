"""Adapters between victims and ART's classifiers: answers, gradients, and nothing left behind."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import AutoProjectedGradientDescent
from art.defences.preprocessor import SpatialSmoothing
from art.estimators.classification import PyTorchClassifier
from physadv_art import PGD, PhysicalClassifier, as_victim, from_victim
from physadv_art.frame import Array
from torch import Tensor, nn

from physadv.camera import Camera, Jpeg, Noise
from physadv.core import Answer, Encoded, Span, UserError, generator
from physadv.presets import PRESETS
from physadv.testing import check_victim
from physadv.victims import Ensemble
from tests.plugins.cast import (
    CLASSES,
    SIDE,
    accuracy,
    data,
    estimator,
    grey_estimator,
    network,
    one_hot,
    victim,
)
from tests.victims import linear_victim, small_victim
from tests.worlds import tiny_world

RANGES = [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]


@dataclass(frozen=True)
class NoJpeg(Jpeg):
    """Lets pictures pass: rounding has no slope that differences would show."""

    def __call__(self, image: Encoded, given: Any, window: Any) -> Encoded:
        return image


SMOOTH = replace(PRESETS["street"].camera, jpeg=NoJpeg(), noise=Noise(gain_ratio=Span.at(0.0)))


def physical(camera: Camera | str = SMOOTH, **kwargs: Any) -> PhysicalClassifier:
    kept = {name: kwargs.pop(name) for name in ("clip_values", "channels_first") if name in kwargs}
    return PhysicalClassifier(estimator(**kept), camera, **kwargs)


def pair(mean: Any) -> Ensemble:
    return Ensemble([linear_victim(CLASSES, (SIDE, SIDE), seed) for seed in (1, 2)], mean=mean)


ESTIMATORS: dict[str, Callable[..., Any]] = {
    "victim": estimator,
    "resized": lambda **kw: from_victim(small_victim(CLASSES), input_px=(20, 24), **kw),
    "answers": lambda **kw: from_victim(linear_victim(CLASSES, (SIDE, SIDE)), **kw),
    **{
        f"ensemble of {mean}": lambda mean=mean, **kw: from_victim(pair(mean), **kw)
        for mean in ("logits", "losses", "probabilities")
    },
    "probabilities": lambda **kw: estimator(probabilities=True, **kw),
    "physical": lambda **kw: physical(samples=2, **kw),
    "grey": lambda **kw: PhysicalClassifier(grey_estimator(**kw), SMOOTH, samples=2),
}


def batch(on: Any, n: int = 3) -> Array:
    low, high = (float(np.min(on.clip_values[0])), float(np.max(on.clip_values[1])))
    share = torch.rand(n, *on.input_shape, generator=generator(3)).numpy()
    return (0.2 + 0.6 * share).astype(np.float32) * (high - low) + low


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("clip_values", RANGES)
@pytest.mark.parametrize("name", ["victim", "resized"])
def test_answers_are_the_victims(
    name: str, clip_values: tuple[float, float], channels_first: bool
) -> None:
    on = ESTIMATORS[name](clip_values=clip_values, channels_first=channels_first)
    original = victim() if name == "victim" else small_victim(CLASSES)
    x = batch(on)
    unit = (x - clip_values[0]) / (clip_values[1] - clip_values[0])
    unit = unit if channels_first else unit.transpose(0, 3, 1, 2)
    with torch.no_grad():
        wanted = original(Encoded(torch.from_numpy(unit))).scores.numpy()
    assert np.allclose(on.predict(x), wanted, atol=1e-4)
    assert np.allclose(on.predict(x.astype(np.float64)), wanted, atol=1e-4)
    back = as_victim(on)
    with torch.no_grad():
        assert np.allclose(back(Encoded(torch.from_numpy(unit))).scores, wanted, atol=1e-4)


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("clip_values", RANGES[1:])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_gradients_of_the_module_are_the_difference_quotients(
    name: str, clip_values: tuple[float, float], channels_first: bool
) -> None:
    """In float64, along directions that the module does not know; relative error below 1e-3."""
    on = ESTIMATORS[name](clip_values=clip_values, channels_first=channels_first)
    module = copy.deepcopy(on.model).double().eval()
    if hasattr(module, "asked"):
        for toy in getattr(module.asked.victim, "victims", [module.asked.victim]):
            toy.weight, toy.bias = toy.weight.double(), toy.bias.double()
    x = torch.from_numpy(batch(on)).double()
    weight = torch.randn(len(x), CLASSES, generator=generator(5)).double()
    step = 1e-7 * (clip_values[1] - clip_values[0])
    for seed in range(3):
        along = torch.randn(x.shape, generator=generator(10 + seed)).double()
        product = float((_slope(module, x, weight) * along).sum())
        there, back = (_value(module, x + way * step * along, weight) for way in (1, -1))
        assert product == pytest.approx((there - back) / (2 * step), rel=1e-3)


def _value(module: Any, x: Tensor, weight: Tensor) -> float:
    """Return a weighted sum of the scores, under the same conditions each time."""
    if hasattr(module, "shots"):
        module.shots.reset()
    with torch.enable_grad():
        return float((module(x) * weight).sum().detach())


def _slope(module: Any, x: Tensor, weight: Tensor) -> Tensor:
    if hasattr(module, "shots"):
        module.shots.reset()
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad((module(x) * weight).sum(), x)
    return slope


@pytest.mark.parametrize("name", ESTIMATORS)
def test_arts_gradients_are_the_modules(name: str) -> None:
    on = ESTIMATORS[name](clip_values=(0.0, 255.0))
    x, labels = batch(on), np.array([0, 1, 2])
    if isinstance(on, PhysicalClassifier):
        on.reset()
    found = on.class_gradient(x, label=labels.tolist())
    if isinstance(on, PhysicalClassifier):
        on.reset()
    tensor = torch.from_numpy(x).requires_grad_()
    module = on.model.eval()
    picked = module(tensor).gather(1, torch.from_numpy(labels)[:, None]).sum()
    (wanted,) = torch.autograd.grad(picked, tensor)
    assert np.allclose(found[:, 0], wanted, atol=1e-6)
    assert on.loss_gradient(x, one_hot(labels)).shape == x.shape
    assert on.compute_loss(x, one_hot(labels)).shape == (3,)
    assert on.class_gradient(x).shape == (3, CLASSES, *x.shape[1:])


@pytest.mark.parametrize("name", ["victim", "physical"])
def test_nothing_is_left_behind(name: str) -> None:
    """BatchNorm statistics, modes, flags and gradients are as found after every way of use."""
    on = ESTIMATORS[name]()
    net = getattr(on, "original", on).model.network
    net.train()
    net[1].eval()
    for weight in net.parameters():
        weight.grad = torch.ones_like(weight)
    next(net.parameters()).requires_grad_(False)
    before = [value.clone() for value in net.state_dict().values()]
    x, labels = data(on, 3)
    on.predict(x)
    on.loss_gradient(x, one_hot(labels))
    on.class_gradient(x, label=1)
    on.compute_loss(x, one_hot(labels))
    assert all(map(torch.equal, before, net.state_dict().values()))
    modes = [part.training for part in net.modules()]
    assert modes == [True, True, False, True, True, True, True, True]
    assert [w.requires_grad for w in net.parameters()] == [False, True, True, True, True, True]
    assert all(bool((weight.grad == 1).all()) for weight in net.parameters())


def test_it_can_be_trained_and_cloned() -> None:
    on = from_victim(victim())
    x, labels = data(on, 64)
    net = on.model.network
    with pytest.raises(ValueError, match="optimizer"):
        on.fit(x, labels, nb_epochs=1)
    learner = from_victim(victim_of(net), optimizer=torch.optim.Adam(net.parameters(), lr=0.01))
    first = float(learner.compute_loss(x, one_hot(labels)).mean())
    learner.fit(x, labels, nb_epochs=3, batch_size=16)
    assert float(learner.compute_loss(x, one_hot(labels)).mean()) < first
    fresh = learner.clone_for_refitting()
    assert fresh.predict(x).shape == (64, CLASSES)


def victim_of(net: nn.Module) -> Any:
    known = victim()
    known.module = net
    return known


def test_detectors_dense_scores_become_one_a_class() -> None:
    class Dense:
        name, labels, size_px, differentiable = "dense", ("a", "b"), (4, 4), True

        def __call__(self, images: Encoded) -> Answer:
            flat = images.flatten(1)[:, :6].reshape(-1, 3, 2)
            return Answer(flat)

        def label(self, name_or_index: str | int) -> int:
            return int(name_or_index)

    on = from_victim(Dense())
    x = np.random.default_rng(0).random((2, 3, 4, 4)).astype(np.float32)
    assert np.allclose(on.predict(x), x.reshape(2, -1)[:, :6].reshape(2, 3, 2).max(axis=1))


def test_specs_and_ranges() -> None:
    on = from_victim("bundled", clip_values=(0.0, 255.0))
    assert on.nb_classes == 43
    assert on.input_shape == (3, 48, 48)
    with pytest.raises(ValueError, match="clip_values: expected"):
        from_victim(victim(), clip_values=(1.0, 0.0))


def test_an_estimator_keeps_the_contract_of_victims() -> None:
    check_victim(as_victim(estimator(clip_values=(-1.0, 1.0), channels_first=False)))
    with pytest.raises(UserError, match="estimator: expected a classifier of ART's, got Linear"):
        as_victim(nn.Linear(3, 4))
    with pytest.raises(UserError, match="labels: expected 4 names, got 2"):
        as_victim(estimator(), ("a", "b"))


def test_probabilities_become_logarithms() -> None:
    on, logits = as_victim(estimator(probabilities=True)), victim()
    x = Encoded(torch.rand(3, 3, SIDE, SIDE, generator=generator(0)))
    with torch.no_grad():
        wanted = logits(x).scores.log_softmax(dim=1)
        assert torch.allclose(on(x).scores, wanted, atol=1e-4)


def test_defences_and_standardisation_are_on_the_way_back_too() -> None:
    net = victim().module.eval()
    on = PyTorchClassifier(
        net,
        nn.CrossEntropyLoss(),
        (3, SIDE, SIDE),
        CLASSES,
        clip_values=(0.0, 1.0),
        preprocessing=(0.5, 0.25),
        preprocessing_defences=SpatialSmoothing(window_size=3, channels_first=True),
        device_type="cpu",
    )
    x, _ = data(on, 4)
    images = Encoded(torch.from_numpy(x)).requires_grad_()
    scores = as_victim(on)(Encoded(images)).scores
    assert np.allclose(scores.detach(), on.predict(x), atol=1e-4)
    (slope,) = torch.autograd.grad(scores[:, 0].sum(), images)
    wanted = on.class_gradient(x, label=0)[:, 0]
    assert np.allclose(slope, wanted, atol=1e-4)


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("clip_values", RANGES)
@pytest.mark.parametrize("at_predict", ["draw", "mean"])
def test_conditions_are_keyed_by_seed_call_and_row(
    at_predict: Any, clip_values: tuple[float, float], channels_first: bool
) -> None:
    on = physical(
        "street",
        samples=3,
        at_predict=at_predict,
        seed=4,
        clip_values=clip_values,
        channels_first=channels_first,
    )
    x, _ = data(on, 7)
    first, second = on.predict(x), on.predict(x)
    assert not np.allclose(first, second, atol=1e-5)
    on.reset()
    assert np.array_equal(on.predict(x), first)
    assert np.allclose(on.predict(x, batch_size=2), second, atol=1e-5)
    on.reset()
    assert np.allclose(on.predict(x[:3]), first[:3], atol=1e-5)
    other = PhysicalClassifier(on.original, "street", samples=3, at_predict=at_predict, seed=5)
    assert not np.allclose(other.predict(x), first, atol=1e-5)


def test_means_are_means_and_vary_less() -> None:
    on = physical("street", samples=16, at_predict="mean")
    single = physical("street")
    x, _ = data(on, 2)
    spread = {
        name: np.std([one.predict(x) for _ in range(8)], axis=0).mean()
        for name, one in {"mean": on, "draw": single}.items()
    }
    assert spread["mean"] < 0.5 * spread["draw"]


def test_the_loss_gradient_is_the_mean_over_photographs() -> None:
    on = physical(samples=4)
    x, labels = data(on, 2)
    found = on.loss_gradient(x, one_hot(labels))
    single = physical(samples=1)
    wanted = np.mean([single.loss_gradient(x, one_hot(labels)) for _ in range(4)], axis=0)
    assert np.allclose(found, wanted, atol=1e-6)
    tensor = on.loss_gradient(torch.from_numpy(x), torch.from_numpy(one_hot(labels)))
    assert isinstance(tensor, torch.Tensor)


def test_the_camera_stays_where_art_builds_its_own_classifier() -> None:
    """AutoPGD rebuilds one from `model`; what it finds fools the classifier with the camera."""
    on = physical("lab", samples=2)
    x, labels = data(on, 16)
    attack = AutoProjectedGradientDescent(
        on, eps=0.15, eps_step=0.05, max_iter=6, nb_random_init=1, verbose=False
    )
    attacked = attack.generate(x, one_hot(labels))
    assert accuracy(on, attacked, labels) < accuracy(on, x, labels) - 0.3
    rebuilt = PyTorchClassifier(
        on.model, nn.CrossEntropyLoss(), on.input_shape, CLASSES, device_type="cpu"
    )
    on.reset()
    seen = rebuilt.predict(x)
    on.reset()
    assert np.allclose(on.predict(x), seen, atol=1e-5)


def test_our_attack_goes_through_the_camera() -> None:
    on = physical("lab", samples=2)
    x, labels = data(on, 16)
    attacked = PGD(on, eps=0.15, max_iter=8, verbose=False).generate(x, labels)
    assert accuracy(on, attacked, labels) < accuracy(on, x, labels) - 0.3


def test_worlds_and_cameras_and_names() -> None:
    world, on = tiny_world(), estimator()
    assert PhysicalClassifier(on, world).camera is world.camera
    clone = PhysicalClassifier(
        from_victim(victim(), optimizer=torch.optim.SGD(network().parameters(), lr=0.1)), "lab"
    ).clone_for_refitting()
    assert isinstance(clone, PhysicalClassifier)
    for wrong, message in (
        ({"camera": "lob"}, "camera: expected one of lab"),
        ({"camera": "lab", "samples": 0}, "samples: expected at least 1"),
        ({"camera": "lab", "at_predict": "all"}, "at_predict: expected draw or mean"),
    ):
        with pytest.raises(UserError, match=message):
            PhysicalClassifier(on, **wrong)
    with pytest.raises(UserError, match="classifier: expected a PyTorchClassifier"):
        PhysicalClassifier(nn.Linear(2, 2), "lab")
