"""What ART's own test functions ask of an attack, of every attack that is exported."""

import copy
import inspect
import json
import pickle
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import physadv_art.attacks
import pytest
import torch
from art.attacks import EvasionAttack
from art.defences.preprocessor import FeatureSqueezing, SpatialSmoothing, SpatialSmoothingPyTorch
from art.estimators.classification import PyTorchClassifier
from art.estimators.classification.classifier import ClassifierMixin
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from art.estimators.pytorch import PyTorchEstimator
from art.exceptions import EstimatorError
from art.summary_writer import SummaryWriterDefault
from physadv_art import (
    LBFGS,
    PGD,
    RP2,
    AdvGAN,
    Disguise,
    EstimatedPGD,
    EvadeHC,
    FastGradient,
    GenAttack,
    Iterative,
    Perceptual,
    PhysicalClassifier,
    PlanePatch,
    Smallest,
    StickerPatch,
    Synthesis,
    Transfer,
    Universal,
    UniversalPatch,
)
from physadv_art.attacks.image import ImageAttack
from physadv_art.attacks.settings import ART_NAMES
from physadv_art.frame import Array

from physadv.attacks import digital
from physadv.attacks.digital import settings_of
from physadv.core import load_image
from tests.plugins.cast import CLASSES, SIDE, accuracy, blobs, data, estimator, network, one_hot

QUICK: dict[Any, dict[str, Any]] = {
    PGD: {"eps": 0.2, "max_iter": 8},
    StickerPatch: {"area_pct": 25.0, "max_iter": 12},
    UniversalPatch: {"area_pct": 25.0, "max_iter": 15},
    PlanePatch: {"max_iter": 15},
    RP2: {"max_iter": 20},
    FastGradient: {"eps": 0.2},
    Iterative: {"eps": 0.2, "max_iter": 8, "decay": 1.0},
    LBFGS: {"rounds": 2, "max_iter": 3},
    Smallest: {"rounds": 3, "max_iter": 4},
    Universal: {"eps": 0.3, "max_iter": 20, "batch": 2},
    Perceptual: {"eps_step": 0.5, "max_iter": 20},
    Disguise: {"ssim": 0.6, "eps_step": 0.15, "max_iter": 6},
    Synthesis: {"confidence": 0.6, "max_iter": 30},
    EstimatedPGD: {"method": "nes", "eps": 0.4, "radius": 0.1, "samples": 12, "queries": 130},
    GenAttack: {"eps": 0.3, "detail": 4, "queries": 130},
    EvadeHC: {"eps": 0.4, "step": 0.2, "paths": 8, "kept": 2, "length": 10, "queries": 150},
    AdvGAN: {"eps": 0.4, "eps_step": 0.01, "max_iter": 40, "gan_weight": 0.0, "hinge_weight": 0.0},
    Transfer: {"substitute": estimator(), "attack": digital.PGD(eps=0.2, steps=8)},
}
ASKED = (EstimatedPGD, GenAttack, EvadeHC, Transfer)
"""Their estimators need nothing but predict."""
ALONE = (PGD, StickerPatch, FastGradient, Iterative, LBFGS, Smallest, Perceptual, Disguise)
EACH: tuple[Any, ...] = (*ALONE, *ASKED, Synthesis, AdvGAN)
"""These change each image for itself, so that each can have a target of its own."""
WITHOUT_CHANCE = (FastGradient, Iterative, LBFGS, Perceptual)
ATTACKS = list(QUICK)
ARGUMENTS = {kind: inspect.signature(kind).parameters for kind in ATTACKS}
RANGES = [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]


def made(kind: Any, on: Any, **kwargs: Any) -> Any:
    """Make a quick attack; values of images are for [0,1], and brought to the range."""
    wide = float(np.max(on.clip_values[1]) - np.min(on.clip_values[0]))
    settings = {k: v * wide if kind.known[k].scales else v for k, v in QUICK[kind].items()}
    return kind(on, **{"verbose": False} | settings | kwargs)


def test_every_attack_is_tried() -> None:
    exported = {getattr(physadv_art.attacks, name) for name in physadv_art.attacks.__all__}
    assert exported == set(ATTACKS)
    assert all(issubclass(kind, EvasionAttack) for kind in exported)


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("clip_values", RANGES)
@pytest.mark.parametrize("kind", ATTACKS)
def test_untargeted_images(
    kind: Any, clip_values: tuple[float, float], channels_first: bool
) -> None:
    on = estimator(clip_values=clip_values, channels_first=channels_first)
    x, labels = data(on)
    kept = x.copy()
    assert accuracy(on, x, labels) >= 0.75
    attacked = made(kind, on).generate(x)
    check_values(attacked, x, kept, clip_values)
    assert accuracy(on, attacked, labels) <= accuracy(on, x, labels) - 0.25
    given = made(kind, on).generate(x, one_hot(labels))
    assert accuracy(on, given, labels) <= 0.75
    assert np.array_equal(given, made(kind, on).generate(x, labels))


def check_values(attacked: Array, x: Array, kept: Array, clip_values: tuple[float, float]) -> None:
    """As ART's check_adverse_example_x: changed, in range; and x itself untouched."""
    assert attacked.shape == x.shape
    assert attacked.dtype == np.float32
    assert np.array_equal(x, kept)
    assert (attacked != x).any()
    assert attacked.min() >= clip_values[0]
    assert attacked.max() <= clip_values[1]


@pytest.mark.parametrize("kind", ATTACKS)
def test_targeted_images(kind: Any) -> None:
    on = estimator(clip_values=(-1.0, 1.0), channels_first=False)
    x, labels = data(on)
    targets = (labels + 1) % CLASSES if kind in EACH else np.full(len(labels), 2)
    attack = made(kind, on, targeted=True)
    before = float((on.predict(x).argmax(axis=1) == targets).mean())
    attacked = attack.generate(x, one_hot(targets))
    reached = float((on.predict(attacked).argmax(axis=1) == targets).mean())
    assert reached >= before + 0.25
    assert np.array_equal(attacked, attack.generate(x, targets[:, None]))
    with pytest.raises(ValueError, match="y: expected target labels"):
        attack.generate(x)


@pytest.mark.parametrize("kind", ATTACKS)
def test_masked_images(kind: Any) -> None:
    """As ART's backend_masked_images: one mask an image, one for all, and one that broadcasts."""
    on = estimator(clip_values=(0.0, 255.0))
    x, _ = data(on)
    rng = np.random.default_rng(0)
    for shape in (x.shape, x.shape[1:], x.shape[2:]):
        mask = rng.binomial(1, 0.5, shape).astype(np.float32)
        attacked = made(kind, on).generate(x, mask=mask)
        assert np.abs((1 - mask) * (attacked - x)).max() == 0
        assert np.abs(mask * (attacked - x)).sum() > 0
    same = made(kind, on).generate(x, mask=mask.astype(bool))
    assert np.array_equal(same, attacked)
    for wrong in (np.ones(3, dtype=np.float32), np.ones(x.shape, dtype=int), -mask):
        with pytest.raises(ValueError, match="mask: expected"):
            made(kind, on).generate(x, mask=wrong)


@pytest.mark.parametrize("kind", ATTACKS)
def test_random_initialisation(kind: Any) -> None:
    on = estimator()
    x, _ = data(on, 3)
    several = {"num_random_init": 3} if kind is PGD else {}
    attacked = made(kind, on, **several).generate(x)
    assert (attacked != x).any()
    assert np.array_equal(attacked, made(kind, on, **several).generate(x))
    other = made(kind, on, seed=1, **several).generate(x)
    assert np.array_equal(attacked, other) == (kind in WITHOUT_CHANCE)


@pytest.mark.parametrize("kind", ATTACKS)
def test_defended_images(kind: Any) -> None:
    """Torch and numpy defences, alone and with standardisation, are attacked through."""
    defences = (
        SpatialSmoothingPyTorch(window_size=3, channels_first=True),
        FeatureSqueezing(clip_values=(0, 1), bit_depth=4),
        [SpatialSmoothing(window_size=3, channels_first=True), FeatureSqueezing((0, 1), 5)],
    )
    for defence in defences:
        on = estimator(preprocessing_defences=defence)
        x, labels = data(on)
        if isinstance(defence, list) and kind in ASKED:
            continue
        if isinstance(defence, list):
            attacked = made(kind, on).generate(x, labels)  # ART itself cannot predict with two
            assert (attacked != x).any()
            continue
        attacked = made(kind, on).generate(x, labels)
        assert accuracy(on, attacked, labels) <= accuracy(on, x, labels) - 0.25


def test_preprocessing_of_the_estimator_is_differentiated_through() -> None:
    """Standardisation in ART, none in the network: the same network, the same images."""
    inside = estimator()
    net = inside.model.network.eval()
    outside = PyTorchClassifier(
        net,
        torch.nn.CrossEntropyLoss(),
        (3, SIDE, SIDE),
        CLASSES,
        clip_values=(0.0, 1.0),
        preprocessing=(0.5, 0.25),
        device_type="cpu",
    )
    x, labels = data(inside)
    one, other = (made(PGD, on).generate(x, labels) for on in (inside, outside))
    assert np.abs(one - other).max() < 0.41
    assert np.mean(np.abs(one - other) > 1e-4) < 0.02


@pytest.mark.parametrize("kind", ATTACKS)
def test_classifier_type_check(kind: Any) -> None:
    class Nothing:
        clip_values = (0, 1)

    with pytest.raises(EstimatorError) as caught:
        kind(Nothing())
    more = () if kind in (*ASKED, AdvGAN) else (LossGradientsMixin, PyTorchEstimator)
    assert set(caught.value.class_expected_list) == {BaseEstimator, ClassifierMixin, *more}


@pytest.mark.parametrize("kind", ATTACKS)
def test_the_constructor_is_made_from_the_settings(kind: Any) -> None:
    signature = inspect.signature(kind)
    for name, one in settings_of(kind.settings).items():
        if name in kind.fixed:
            assert name not in signature.parameters
            continue
        shown = signature.parameters[ART_NAMES.get(name, name)]
        assert shown.default == (None if one.metadata["scales"] else one.default)
        about = getattr(kind, "arguments", {}).get(name)
        assert (one.metadata["about"] if about is None else about.about)[
            1:
        ] in kind.__init__.__doc__
    assert set(kind.attack_params) == set(signature.parameters) - {"estimator", "summary_writer"}
    on = estimator()
    assert repr(made(kind, on)).startswith(f"{kind.__name__}(")
    x, _ = data(on, 2)
    positional = PGD(on, inf, 0.1, None, 3)
    positional.set_params(verbose=False)
    assert np.abs(positional.generate(x) - x).max() <= 0.1 + 1e-6


@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"targeted": "true"}, ValueError),
        ({"verbose": "true"}, ValueError),
        ({"batch_size": 0}, ValueError),
        ({"batch_size": 1.5}, TypeError),
        ({"max_iter": 0}, ValueError),
        ({"max_iter": 1.5}, TypeError),
        ({"eps_step": -1.0}, ValueError),
        ({"eps_step": "1"}, TypeError),
        ({"seed": "1"}, TypeError),
        ({"summary_writer": 1}, ValueError),
    ],
)
def test_check_params(kind: Any, values: dict[str, Any], error: type[Exception]) -> None:
    if not values.keys() <= ARGUMENTS[kind].keys():
        pytest.skip("no argument of this attack")
    with pytest.raises(error):
        made(kind, estimator(), **values)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"norm": 3}, ValueError),
        ({"norm": 0, "eps": 0.5}, ValueError),
        ({"norm": "2"}, TypeError),
        ({"eps": -1}, ValueError),
        ({"eps": "1"}, TypeError),
        ({"num_random_init": 1.0}, TypeError),
        ({"num_random_init": -1}, ValueError),
    ],
)
def test_check_params_of_pgd(values: dict[str, Any], error: type[Exception]) -> None:
    attack = made(PGD, estimator())
    with pytest.raises(error):
        attack.set_params(**values)
    with pytest.raises(ValueError, match="cannot be set"):
        attack.set_params(unknown=1)


@pytest.mark.parametrize("norm", [inf, "inf", 2, 1])
def test_the_budget_holds_in_the_units_of_x(norm: Any) -> None:
    on = estimator(clip_values=(0.0, 255.0))
    x, labels = data(on)
    eps = {inf: 20.0, "inf": 20.0, 2: 300.0, 1: 4000.0}[norm]
    attack = made(PGD, on, norm=norm, eps=eps)
    attacked = attack.generate(x, labels)
    sizes = np.linalg.norm((attacked - x).reshape(len(x), -1), ord=float(norm), axis=1)
    assert sizes.max() <= eps * (1 + 1e-4)
    assert sizes.max() > 0.9 * eps
    assert attack.norm == float(norm)


def test_with_the_norm_0_the_budget_counts_pixels() -> None:
    on = estimator(clip_values=(0.0, 255.0))
    x, labels = data(on)
    attack = PGD(on, norm=0, eps=9, max_iter=3, verbose=False)
    changed = (attack.generate(x, labels) != x).any(axis=1).sum(axis=(1, 2))
    assert changed.max() == 9


def test_a_budget_that_is_not_given_is_a_share_of_the_range() -> None:
    assert PGD(estimator(clip_values=(0.0, 255.0))).eps == pytest.approx(8)
    assert PGD(estimator(clip_values=(-1.0, 1.0))).eps == pytest.approx(16 / 255)


def test_a_minimal_change_is_smaller_and_succeeds_as_often() -> None:
    on = estimator()
    x, labels = data(on)
    whole, least = made(PGD, on), made(PGD, on, minimal=True)
    one, other = whole.generate(x, labels), least.generate(x, labels)
    assert accuracy(on, other, labels) <= accuracy(on, one, labels)
    sizes = np.abs(other - x).max(axis=(1, 2, 3))
    assert sizes.mean() < 0.7 * np.abs(one - x).max(axis=(1, 2, 3)).mean()
    rungs = sizes / 0.02
    assert np.allclose(rungs, rungs.round(), atol=0.05)


def test_minimal_patches_leave_images_alone_that_they_do_not_fool() -> None:
    on = estimator()
    x, labels = data(on)
    attacked = made(UniversalPatch, on, minimal=True).generate(x, labels)
    fooled = on.predict(attacked).argmax(axis=1) != labels
    assert ((attacked != x).any(axis=(1, 2, 3)) == fooled).all()


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (lambda x: x * 255, None, r"x: expected values in the estimator's clip_values \(0, 1\)"),
        (lambda x: x * np.nan, None, "x: expected finite values"),
        (lambda x: x[:0], None, "x: expected at least one image"),
        (lambda x: x[0], None, "x: expected a batch, 4 dimensions"),
        (lambda x: x, np.zeros(3), r"y: expected shape \(4, 4\)"),
        (lambda x: x, np.zeros((4, 7)), r"y: expected shape \(4, 4\)"),
        (lambda x: x, np.full(4, 9), "y: expected classes from 0 to 3"),
        (lambda x: x, np.full(4, 0.5), "y: expected classes from 0 to 3"),
    ],
)
@pytest.mark.parametrize("kind", ATTACKS)
def test_bad_input_is_refused(kind: Any, x: Any, y: Any, message: str) -> None:
    on = estimator()
    images, _ = data(on, 4)
    with pytest.raises(ValueError, match=message):
        made(kind, on).generate(x(images), y)


@pytest.mark.parametrize("kind", ATTACKS)
def test_x_init(kind: Any) -> None:
    on = estimator()
    x, labels = data(on, 4)
    short = {"max_iter": 1, "eps_step": 1e-6}
    attack = made(kind, on, **{k: v for k, v in short.items() if k in ARGUMENTS[kind]})
    bright = np.clip(x + 0.01, 0, 1)
    attacked = attack.generate(x, labels, x_init=bright)
    if kind in (PGD, StickerPatch, Iterative):
        changed = attacked != x
        assert np.abs(attacked - bright)[changed].max() < 1e-3
    longer = np.concatenate([bright, 1 - bright])
    assert np.array_equal(attack.generate(x, labels, x_init=longer), attacked), "as ART's own do"
    for wrong in (x[:2], x[:, :, 1:], np.float32(0)):
        with pytest.raises(ValueError, match="x_init: expected the shape of x"):
            attack.generate(x, x_init=wrong)


@pytest.mark.parametrize("kind", ATTACKS)
def test_estimators_without_a_range_are_refused(kind: Any) -> None:
    on = PyTorchClassifier(
        network(), torch.nn.CrossEntropyLoss(), (3, SIDE, SIDE), CLASSES, device_type="cpu"
    )
    with pytest.raises(ValueError, match="clip_values: expected"):
        kind(on)


def test_grey_images_and_tables_of_features() -> None:
    """MNIST's one channel, and rows of numbers, as ART's own fixtures have them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        grey = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
        rows = torch.nn.Linear(6, 3)
    loss, kw = torch.nn.CrossEntropyLoss(), {"clip_values": (0.0, 1.0), "device_type": "cpu"}
    x = blobs(4, 5)[0][:, :1, :8, :8].numpy()
    for kind in ATTACKS:
        on = PyTorchClassifier(grey, loss, (1, 8, 8), 3, **kw)
        more = {"substitute": on} if kind is Transfer else {}
        attacked = made(kind, on, **more).generate(x)
        assert attacked.shape == x.shape
        assert (attacked != x).any()
    table = np.random.default_rng(0).random((5, 6)).astype(np.float32)
    on = PyTorchClassifier(rows, loss, (6,), 3, **kw)
    attacked = made(PGD, on).generate(table)
    assert 0 < np.abs(attacked - table).max() <= 0.2 + 1e-6
    with pytest.raises(ValueError, match="expected images with 4 dimensions"):
        made(StickerPatch, on).generate(table)


@pytest.mark.parametrize("kind", ATTACKS)
def test_weights_modes_and_gradients_stay(kind: Any) -> None:
    on = estimator()
    net = on.model.network
    net.train()
    for weight in net.parameters():
        weight.grad = torch.ones_like(weight)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    made(kind, on).generate(data(on)[0])
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(part.training for part in net.modules())
    assert all(w.requires_grad and bool((w.grad == 1).all()) for w in net.parameters())


@pytest.mark.parametrize("kind", [StickerPatch, UniversalPatch])
def test_a_patch_lies_where_it_is_told_and_can_be_laid_again(kind: Any) -> None:
    on = estimator(clip_values=(-1.0, 1.0), channels_first=False)
    x, labels = data(on)
    attack = made(kind, on, place=(2, 3, 9, 8))
    attacked = attack.generate(x, labels)
    inside = np.zeros(x.shape, dtype=bool)
    inside[:, 3:8, 2:9] = True
    assert np.array_equal(attacked[~inside], x[~inside])
    assert attack.patch.shape == ((5, 7, 3) if kind is UniversalPatch else (8, 5, 7, 3))
    patch = attack.patch if kind is StickerPatch else attack.patch[None]
    assert np.abs(attacked[:, 3:8, 2:9] - patch).max() < 1e-4
    assert np.array_equal(attack.apply_patch(x), attacked)
    elsewhere = attack.apply_patch(x, (0, 0, 7, 5))
    assert np.abs(elsewhere[:, :5, :7] - patch).max() < 1e-4
    black = attack.apply_patch(x, patch_external=np.full((4, 4, 3), -1.0))
    assert np.abs(black[:, 3:8, 2:9] + 1).max() < 1e-4
    if kind is StickerPatch:
        with pytest.raises(ValueError, match="expected 8 images, one a patch, got 2"):
            attack.apply_patch(x[:2])
    with pytest.raises(ValueError, match="place: expected a box"):
        made(kind, on, place=(1, 2, 3))
    with pytest.raises(ValueError, match="x1 < x2 and y1 < y2"):
        made(kind, on, place=(5, 5, 2, 9))
    with pytest.raises(ValueError, match="expected a place in the image of 16 x 16 px"):
        made(kind, on, place=(20, 0, 25, 5)).generate(x)


def test_places_of_their_own_in_batches() -> None:
    """Boxes of several sizes, attacked in batches: one raster, as large as the first is seen."""
    on = estimator()
    x, labels = data(on, 5)
    boxes = np.array([[0, 0, 4, 6], [2, 2, 9, 9], [5, 5, 8, 8], [1, 1, 15, 3], [0, 9, 16, 16]])
    attack = made(StickerPatch, on, batch_size=2, place=boxes)
    changed = (attack.generate(x, labels) != x).any(axis=1)
    assert attack.patch.shape == (5, 3, 6, 4)
    for seen, (x1, y1, x2, y2) in zip(changed, boxes.tolist(), strict=True):
        assert seen[y1:y2, x1:x2].all()
        assert seen.sum() == (y2 - y1) * (x2 - x1)


def test_attacks_and_estimators_can_be_copied_and_pickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ART's AutoAttack does it for its pool."""
    monkeypatch.setattr("art.config.ART_DATA_PATH", str(tmp_path))
    on = estimator()
    x, labels = data(on, 3)
    attack = made(PGD, on)
    wanted = attack.generate(x, labels)
    for again in (copy.deepcopy(attack), pickle.loads(pickle.dumps(attack))):
        assert np.array_equal(again.generate(x, labels), wanted)
    physical = PhysicalClassifier(on, "lab", seed=3)
    other = pickle.loads(pickle.dumps(physical))
    assert np.allclose(other.predict(x), physical.predict(x), atol=1e-6)


def test_a_universal_patch_fools_images_it_has_not_seen() -> None:
    on = estimator()
    x, labels = data(on, 32)
    attack = made(UniversalPatch, on, max_iter=60, area_pct=40.0)
    attack.generate(x, labels)
    fresh, truth = data(on, 32, seed=9)
    fooled = accuracy(on, fresh, truth) - accuracy(on, attack.apply_patch(fresh), truth)
    noise = np.random.default_rng(0).random(attack.patch.shape).astype(np.float32)
    control = accuracy(on, fresh, truth) - accuracy(
        on, attack.apply_patch(fresh, patch_external=noise), truth
    )
    assert fooled > control + 0.2


def test_a_patch_on_planes_is_one_patch_seen_from_many_sides() -> None:
    on = estimator()
    x, labels = data(on, 4)
    corners = np.array([[[1, 1], [15, 2], [14, 14], [2, 15]]] * 4, dtype=np.float32)
    corners[1] += 0.5
    attack = made(PlanePatch, on)
    attacked = attack.generate(x, labels, corners=corners)
    assert (attacked != x).any(axis=(1, 2, 3)).all()
    assert attack.patch.ndim == 3
    assert np.array_equal(attack.apply_patch(x, corners), attacked)
    with pytest.raises(ValueError, match="clockwise"):
        attack.generate(x, labels, corners=corners[:, ::-1])
    with pytest.raises(ValueError, match="on_plane: expected"):
        made(PlanePatch, on, on_plane=(0.5, 0.5, 0.1, 1.0))


def test_transforms_and_a_camera_are_part_of_the_search() -> None:
    on = estimator()
    x, labels = data(on, 3)
    attack = made(StickerPatch, on, turn_deg=20, shift_ratio=0.1, camera="lab", max_iter=4)
    assert (attack.generate(x, labels) != x).any()
    with pytest.raises(ValueError, match="camera: expected one of lab"):
        made(StickerPatch, on, camera="lap")


@pytest.mark.parametrize("kind", ATTACKS)
def test_the_result_is_the_judges_and_is_saved(kind: Any, tmp_path: Path) -> None:
    on = estimator(clip_values=(0.0, 255.0))
    x, labels = data(on)
    attack = made(kind, on)
    with pytest.raises(ValueError, match="expected a call of generate before"):
        _ = attack.result
    attacked = attack.generate(x, labels)
    result = attack.result
    rounded = np.round(attacked)
    assert result.success.hits == int((on.predict(rounded).argmax(axis=1) != labels).sum())
    assert result.clean.hits == int((on.predict(np.round(x)).argmax(axis=1) != labels).sum())
    assert len(result.controls) == (0 if issubclass(kind, ImageAttack) else 5)
    width = {"width_mm": 80.0} if kind in (UniversalPatch, PlanePatch) else {}
    attack.save(tmp_path / "out", **width)
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["measured"]["success"]["hits"] == result.success.hits
    assert card["attack"] == f"art:{kind.__name__}"
    seen = load_image(tmp_path / "out" / "0003.png")[0].numpy() * 255
    assert np.abs(seen - rounded[3]).max() < 0.01
    assert (tmp_path / "out" / "sheet.pdf").exists() == bool(width)


def test_the_summary_writer_is_told(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []

    class Writer(SummaryWriterDefault):  # type: ignore[misc]  # ART has no types
        def __init__(self) -> None:
            pass

        def update(self, **values: Any) -> None:
            told.append(values)

        def reset(self) -> None:
            told.append({})

    on = estimator()
    x, labels = data(on, 4)
    made(PGD, on, batch_size=3, max_iter=2, summary_writer=Writer()).generate(x, labels)
    assert [(t["batch_id"], t["global_step"]) for t in told[:-1]] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]
    first = told[0]
    assert first["x"].shape == first["grad"].shape == (3, 3, SIDE, SIDE)
    wanted = on.loss_gradient(first["x"], one_hot(labels[:3])) * 3
    assert np.allclose(first["grad"], wanted, atol=1e-5)
    assert told[-1] == {}


def test_the_bar_is_shown_if_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    on = estimator()
    x, _ = data(on, 2)
    made(PGD, on).generate(x)
    assert capsys.readouterr().err == ""
    PGD(on, max_iter=3).generate(x)
    assert "PGD" in capsys.readouterr().err
