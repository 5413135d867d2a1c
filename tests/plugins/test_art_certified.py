"""Certified estimators of ART's shape: smoothing, patches and bounds, beside ART's own."""

from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import AdversarialPatchPyTorch, ProjectedGradientDescent
from art.defences.preprocessor import FeatureSqueezing
from art.estimators.certification.derandomized_smoothing.ablators.pytorch import (
    ColumnAblatorPyTorch,
)
from art.estimators.certification.interval import PyTorchIBPClassifier
from art.estimators.certification.randomized_smoothing import (
    PyTorchRandomizedSmoothing,
    RandomizedSmoothingMixin,
)
from art.estimators.classification import PyTorchClassifier
from physadv_art import (
    BoundedClassifier,
    PatchCertifiedClassifier,
    SmoothedClassifier,
)
from torch import nn

from physadv.core import Encoded, UserError, generator
from physadv.defences import DerandomizedSmoothing, Median, PatchCleanser, RandomizedSmoothing
from physadv.defences.certify import certify
from tests.plugins.cast import SIDE, accuracy, data, estimator, grey_estimator, one_hot, victim
from tests.plugins.test_art_defences import RANGES

SIGMA = 0.1
OTHER: Any = Median()
SMOOTHING: Any = RandomizedSmoothing(SIGMA, samples=40)
PATCHES: Any = (DerandomizedSmoothing(band_px=6), PatchCleanser(patch_px=(3, 3), masks=3))


@pytest.mark.parametrize("clip_values", RANGES)
def test_smoothing_certifies_as_the_defence_does_in_the_units_of_the_range(
    clip_values: tuple[float, float],
) -> None:
    bare = estimator(clip_values=clip_values)
    on = SmoothedClassifier(bare, SMOOTHING)
    wide = clip_values[1] - clip_values[0]
    assert isinstance(on, RandomizedSmoothingMixin)
    assert (on.sample_size, on.scale) == (40, pytest.approx(SIGMA * wide))
    x, _ = data(on, 6)
    labels, radii = on.certify(x, n=200, batch_size=6)
    images = Encoded(on.frame.images(x))
    wanted = SMOOTHING.certify(victim(), images, select=40, estimate=200)
    assert labels.tolist() == wanted.labels.tolist()
    assert np.allclose(radii, wanted.radius.numpy() * wide, atol=1e-6)
    assert (radii > 0).any()
    told = on.predict(x)
    plain = SMOOTHING.predict(victim(), images, samples=40).numpy()
    assert told.sum(axis=1).tolist() == (plain >= 0).astype(float).tolist()
    sure = plain >= 0
    assert told[sure].argmax(axis=1).tolist() == plain[sure].tolist()
    assert (on.predict(x, is_abstain=False).sum(axis=1) == 1).all()


def linear(width: float = 0.02) -> Any:
    """Return grey images far inside the range, where nothing is clipped, and their classifier."""
    rng, on = generator(0), grey_estimator()
    x = 0.5 + width * torch.randn(8, 1, SIDE, SIDE, generator=rng)
    return x.clamp(0.4, 0.6).numpy(), on


def test_radii_are_near_the_distance_to_the_boundary_as_arts_are() -> None:
    """Two classes of a linear network: the radius that smoothing can certify is the distance."""
    x, _ = linear()
    weight = torch.randn(SIDE * SIDE, generator=generator(1))
    net = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 2))
    layer: Any = net[1]
    layer.weight.data, layer.bias.data = torch.stack([weight, -weight]), torch.zeros(2)
    flat = torch.from_numpy(x).flatten(1)
    layer.bias.data[0] = -2 * float((flat @ weight).mean())
    lead = (flat @ weight * 2 + layer.bias.data[0]).abs()
    distance = (lead / (2 * weight.norm())).numpy()
    settings = (nn.CrossEntropyLoss(), (1, SIDE, SIDE), 2)
    bare = PyTorchClassifier(net, *settings, clip_values=(0, 1), device_type="cpu")
    ours = SmoothedClassifier(bare, RandomizedSmoothing(0.05, samples=200), alpha=0.01)
    theirs = PyTorchRandomizedSmoothing(
        net, *settings, device_type="cpu", sample_size=200, scale=0.05, alpha=0.01
    )
    _, radii = ours.certify(x, n=4000)
    assert (radii <= distance + 1e-6).all()
    assert np.allclose(radii, distance, atol=0.006)
    assert distance.max() > 0.02
    told, others = ours.predict(x), theirs.predict(x)  # its certify needs statsmodels
    sure = (told.sum(axis=1) == 1) & (others.sum(axis=1) == 1)
    assert sure.sum() >= 4
    assert (told == others)[sure].all()


def test_pgd_of_arts_goes_through_the_noise() -> None:
    on = SmoothedClassifier(estimator(), SMOOTHING)
    x, y = data(on, 16)
    attack = ProjectedGradientDescent(on, eps=0.2, eps_step=0.1, max_iter=3, verbose=False)
    assert accuracy(on, attack.generate(x, one_hot(y)), y) < accuracy(on, x, y) - 0.3


@pytest.mark.parametrize("clip_values", RANGES)
@pytest.mark.parametrize("defence", PATCHES)
def test_patches_are_certified_as_the_defence_does(
    defence: DerandomizedSmoothing | PatchCleanser, clip_values: tuple[float, float]
) -> None:
    on = PatchCertifiedClassifier(estimator(clip_values=clip_values), defence)
    x, y = data(on, 12)
    images = Encoded(on.frame.images(x))
    guarded = defence(victim())
    assert np.allclose(on.predict(x), guarded(images).scores.detach().numpy(), atol=1e-4)
    if isinstance(defence, DerandomizedSmoothing):
        wanted = defence.certify(victim(), images, 3)
    else:
        wanted = defence.certify(victim(), images)
    labels, certified = on.certify(x, 3, batch_size=5)
    assert labels.tolist() == wanted.labels.tolist()
    assert certified.tolist() == wanted.certified.tolist()
    right, held = on.eval_and_certify(x, one_hot(y), 3, verbose=False)
    assert float(right) == pytest.approx((labels == y).mean())
    assert float(held) == pytest.approx(((labels == y) & certified).mean())
    assert on.loss_gradient(x, one_hot(y)).shape == x.shape


def test_a_patch_of_arts_does_not_turn_what_is_certified() -> None:
    on = PatchCertifiedClassifier(estimator(), PatchCleanser(patch_px=(3, 3), masks=3))
    x, y = data(on, 32)
    labels, certified = on.certify(x, 3)
    assert certified.any()
    attack = AdversarialPatchPyTorch(
        on, patch_shape=(3, 3, 3), max_iter=10, learning_rate=0.5, batch_size=32,
        scale_min=0.99, scale_max=1.0, rotation_max=0, patch_type="square", verbose=False,
    )  # fmt: skip
    patch, _ = attack.generate(x, one_hot(y))
    for row, column in [(0, 0), (4, 9), (13, 13)]:
        laid = x.copy()
        laid[:, :, row : row + 3, column : column + 3] = patch
        assert (on.predict(laid).argmax(axis=1) == labels)[certified].all()


def test_votes_certify_as_arts_ablator_has_it() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 20, (300, 4))
    ablator = ColumnAblatorPyTorch(
        ablation_size=4, channels_first=True, mode="train", to_reshape=False,
        ablation_mode="column", original_shape=(3, SIDE, SIDE), output_shape=(3, SIDE, SIDE),
        algorithm="levine2020", device_type="cpu",
    )  # fmt: skip
    wanted, _, best = ablator.certify(counts, size_to_certify=2, label=np.zeros(300, dtype=int))
    found = DerandomizedSmoothing.certificate(torch.from_numpy(counts), 2 + 4 - 1)
    assert found.labels.tolist() == best.tolist()
    assert found.certified.tolist() == wanted.tolist()
    assert 0 < found.certified.sum() < 300


def relu_net(channels: int = 1) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Flatten(), nn.Linear(channels * 64, 20), nn.ReLU(), nn.Linear(20, 4)
        )


def bounded(net: nn.Module, clip_values: tuple[float, float] = (0.0, 1.0), **kwargs: Any) -> Any:
    on = PyTorchClassifier(
        net,
        nn.CrossEntropyLoss(),
        (1, 8, 8),
        4,
        clip_values=clip_values,
        device_type="cpu",
        **kwargs,
    )
    return BoundedClassifier(on)


def test_bounds_are_those_of_the_network() -> None:
    net = relu_net()
    x = torch.rand(20, 1, 8, 8, generator=generator(0))
    labels = net(x).argmax(dim=1)
    holds, margins = bounded(net).certify(x.numpy(), labels.numpy(), 0.01)
    wanted = certify(net, x, labels, 0.01)
    assert holds.tolist() == wanted.holds.tolist()
    assert np.allclose(margins, wanted.margins.numpy(), atol=1e-5)
    assert 0 < holds.sum() < 20


@pytest.mark.parametrize("clip_values", [(0.0, 255.0), (-1.0, 1.0)])
def test_mean_and_standard_deviation_and_range_are_bounded_too(
    clip_values: tuple[float, float],
) -> None:
    """The network on what standardisation makes of [0,1], in other units."""
    low, high = clip_values
    wide = high - low
    net, x = relu_net(), torch.rand(20, 1, 8, 8, generator=generator(0))
    inner = nn.Sequential(nn.BatchNorm2d(1, eps=0.0, affine=False).eval(), net)
    standard: Any = inner[0]
    standard.running_mean.fill_(0.3)
    standard.running_var.fill_(0.25)
    labels = inner(x).argmax(dim=1)
    wanted = certify(inner, x, labels, 0.01)
    on = bounded(net, clip_values, preprocessing=(low + 0.3 * wide, 0.5 * wide))
    holds, margins = on.certify((x * wide + low).numpy(), labels.numpy(), 0.01 * wide)
    assert holds.tolist() == wanted.holds.tolist()
    assert np.allclose(margins, wanted.margins.numpy(), atol=1e-3)


def test_intervals_are_arts_and_what_it_certifies_is_certified() -> None:
    net = relu_net()
    layers = nn.Sequential(*list(net)[1:])  # ART's knows no Flatten
    x = torch.rand(20, 1, 8, 8, generator=generator(0)).numpy()
    labels = net(torch.from_numpy(x)).argmax(dim=1).numpy()
    with pytest.warns(UserWarning, match="dense layers before"):
        theirs = PyTorchIBPClassifier(
            layers, nn.CrossEntropyLoss(), (64,), 4, clip_values=(0, 1), device_type="cpu"
        )
    wanted = theirs.predict_intervals(x.reshape(20, 64), bounds=0.004, limits=[0.0, 1.0])
    on = bounded(net)
    assert np.allclose(on.predict_intervals(x, 0.004), wanted, atol=1e-5)
    proved = theirs.certify(wanted, labels)
    holds, _ = on.certify(x, labels, 0.004, method="interval")
    assert proved.any()
    assert holds[proved].all()  # ours takes the last layer for differences: never fewer
    assert on.certify(x, labels, 0.004)[0].sum() >= holds.sum()


def test_pgd_of_arts_never_breaks_what_is_certified() -> None:
    net = relu_net()
    on = bounded(net, (0.0, 255.0), preprocessing=(0.0, 255.0))
    x = (255 * torch.rand(40, 1, 8, 8, generator=generator(0))).numpy()
    labels = on.predict(x).argmax(axis=1)
    holds, _ = on.certify(x, labels, 3.0)
    attack = ProjectedGradientDescent(
        on, eps=3.0, eps_step=0.5, max_iter=20, num_random_init=2, verbose=False
    )
    broken = on.predict(attack.generate(x)).argmax(axis=1) != labels
    assert not (broken & holds).any()
    assert broken.any()


def test_what_is_set_later_is_bounded_or_refused() -> None:
    on, x = bounded(relu_net()), np.full((1, 1, 8, 8), 0.5, np.float32)
    on.set_params(preprocessing=(0.5, 0.5))
    wanted = bounded(relu_net(), preprocessing=(0.5, 0.5)).certify(x, [0], 0.1)[1]
    assert np.allclose(on.certify(x, [0], 0.1)[1], wanted, atol=1e-6)
    on.set_params(preprocessing_defences=[FeatureSqueezing(clip_values=(0, 1), bit_depth=2)])
    with pytest.raises(UserError, match="preprocessing: expected a mean and a standard dev"):
        on.certify(x, [0], 0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SmoothedClassifier(estimator(), OTHER), "defence: expected RandomizedSmooth"),
        (lambda: SmoothedClassifier(estimator(), SMOOTHING, alpha=0.0), "alpha: expected"),
        (lambda: SmoothedClassifier(object(), SMOOTHING), "estimator|classifier"),
        (
            lambda: PatchCertifiedClassifier(estimator(), SMOOTHING),
            "defence: expected DerandomizedSmoothing or PatchCleanser, got RandomizedSmoothing",
        ),
        (
            lambda: PatchCertifiedClassifier(estimator(), PatchCleanser(patch_px=(2, 2))).certify(
                data(estimator(), 2)[0], 3
            ),
            "size_to_certify: expected 1 to 2 px, what its masks hide, got 3; give",
        ),
        (
            lambda: bounded(nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Tanh())).certify(
                np.zeros((1, 1, 8, 8), np.float32), [0], 0.1
            ),
            "net: expected layers of .*, got Tanh at 0.2",
        ),
        (
            lambda: BoundedClassifier(estimator()).certify(*data(estimator(), 2), 0.1),
            "VictimModule",
        ),
        (lambda: BoundedClassifier(object()), "classifier: expected a PyTorchClassifier"),
    ],
)
def test_what_cannot_be_certified_is_refused(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
