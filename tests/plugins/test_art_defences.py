"""The camera as a preprocessor, and one defence of each of ART's kinds."""

from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import ProjectedGradientDescent
from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from physadv_art import (
    PGD,
    CameraPreprocessor,
    CameraSmoothing,
    Defended,
    JpegDefence,
    PhysicalClassifier,
    PhysicalTrainer,
    SqueezeDetector,
    TopScores,
    from_victim,
)

from physadv.camera import Jpeg
from physadv.core import Encoded, UserError
from physadv.defences import BitDepth, Defence, DefenseGAN, QueryDetection, SafetyNet
from physadv.defences import Jpeg as Squeeze
from tests.contract.test_defence_contract import CHANCE, DEFENCES
from tests.plugins.cast import CLASSES, SIDE, accuracy, blobs, data, estimator, one_hot, victim
from tests.plugins.test_art_estimators import SMOOTH
from tests.worlds import CALM

RANGES = [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("clip_values", RANGES)
@pytest.mark.parametrize("kind", ["camera", "jpeg"])
def test_one_picture_in_every_range_and_order(
    kind: str, clip_values: tuple[float, float], channels_first: bool
) -> None:
    """What (-1,1) shows is what (0,1) shows; ART's own rotation turns such images to 1.0."""
    low, high = clip_values
    unit = blobs(3, 1)[0].numpy()
    x = unit * (high - low) + low
    x = x if channels_first else x.transpose(0, 2, 3, 1)
    found, _ = made(kind, clip_values, channels_first)(x.astype(np.float32))
    found = found if channels_first else found.transpose(0, 3, 1, 2)
    plain, _ = made(kind, (0.0, 1.0), True)(unit)
    assert np.abs((found - low) / (high - low) - plain).max() < 1e-4
    assert 0.2 < plain.mean() < 0.8


def made(kind: str, clip_values: tuple[float, float], channels_first: bool) -> PreprocessorPyTorch:
    if kind == "camera":
        return CameraPreprocessor(CALM, clip_values, channels_first=channels_first)
    return JpegDefence(90, clip_values, channels_first=channels_first)


def test_samples_are_made_image_by_image_and_labels_follow() -> None:
    pre = CameraPreprocessor("street", (0.0, 1.0), samples=3, seed=2)
    x, labels = blobs(2, 1)
    seen, told = pre(x.numpy(), labels.numpy())
    assert seen.shape == (6, 3, SIDE, SIDE)
    assert told is not None
    assert told.tolist() == np.repeat(labels.numpy(), 3).tolist()
    near = np.abs(seen[:3] - x[0].numpy()).mean() < np.abs(seen[:3] - x[1].numpy()).mean()
    assert near
    again, _ = pre(x.numpy())
    assert not np.allclose(again, seen)
    pre.reset()
    assert np.array_equal(pre(x.numpy())[0], seen)


def test_its_gradient_is_the_cameras() -> None:
    pre = CameraPreprocessor(SMOOTH, (-1.0, 1.0), seed=2)
    x = (0.5 * torch.rand(1, 3, 16, 16)).numpy()
    grad = np.random.default_rng(0).normal(size=x.shape).astype(np.float32)
    pre.reset()
    found = pre.estimate_gradient(x, grad)
    along = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    ends = []
    for way in (1, -1):
        pre.reset()
        ends.append((pre(x + way * 1e-2 * along)[0].astype(np.float64) * grad).sum())
    quotient = (ends[0] - ends[1]) / 2e-2
    assert float((found * along).sum()) == pytest.approx(quotient, rel=0.02)


def test_an_estimator_with_a_camera_is_attacked_through_it() -> None:
    pre = CameraPreprocessor("lab", (0.0, 1.0), samples=2)
    on = estimator(preprocessing_defences=pre)
    x, labels = data(on, 8)
    attacked = PGD(on, eps=0.2, max_iter=6, verbose=False).generate(x, labels)
    assert accuracy(estimator(), attacked, labels) <= 0.5


def test_jpeg_is_the_cameras_and_lets_gradients_through() -> None:
    defence = JpegDefence(40)
    x = blobs(2, 1)[0]
    seen, _ = defence(x.numpy())
    grad = np.random.default_rng(0).normal(size=x.shape).astype(np.float32)
    point = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(Squeeze(40).squeeze(point), point, torch.from_numpy(grad))
    assert np.allclose(defence.estimate_gradient(x.numpy(), grad), slope.numpy(), atol=1e-6)
    given = {"quality": torch.full((2,), 40.0)}
    hard = Jpeg().hard(Encoded(x), given).numpy()
    assert np.abs(seen - hard).mean() < 0.01
    with pytest.raises(UserError, match="quality: expected 1 to 100"):
        JpegDefence(0)


def test_jpeg_in_an_estimator() -> None:
    on = estimator(preprocessing_defences=JpegDefence(60))
    x, labels = data(on, 16)
    assert accuracy(on, x, labels) > 0.75
    attacked = PGD(on, eps=0.2, max_iter=6, verbose=False).generate(x, labels)
    assert accuracy(on, attacked, labels) < 0.5


def test_top_scores() -> None:
    scores = np.array([[3.14159, 1.0, -2.0], [0.1234, 0.12341, 0.0]], dtype=np.float32)
    one = TopScores(1, 2)(scores)
    assert one.argmax(axis=1).tolist() == [0, 1]
    assert one[0, 0] == pytest.approx(3.14)
    assert (one[0, 1:] == -3).all()
    two = TopScores(2, 2)(scores)
    assert two[0].tolist() == pytest.approx([3.14, 1.0, -3.0])
    assert two.argmax(axis=1).tolist() == [0, 1]
    on = estimator(postprocessing_defences=TopScores())
    x, labels = data(on, 8)
    assert accuracy(on, x, labels) == accuracy(estimator(), x, labels)
    assert len(np.unique(on.predict(x)[0])) == 2
    with pytest.raises(UserError, match="count: expected at least 1"):
        TopScores(0)


def test_the_trainer_hardens() -> None:
    """Trained under attack and camera it resists more than before, and is as good without."""
    known = victim()
    net = known.module
    on = from_victim(known, optimizer=torch.optim.Adam(net.parameters(), lr=0.01))
    x, labels = data(on, 64, seed=7)
    attack = PGD(on, eps=0.05, max_iter=4, verbose=False)
    test, truth = data(on, 64, seed=8)
    before = accuracy(on, attack.generate(test, truth), truth)
    trainer = PhysicalTrainer(on, attack, "lab", ratio=1.0)
    trainer.fit(x, labels, batch_size=16, nb_epochs=4)
    assert accuracy(trainer.get_classifier(), attack.generate(test, truth), truth) > before + 0.1
    assert accuracy(on, test, truth) > 0.8
    with pytest.raises(UserError, match="attack: expected an untargeted one"):
        PhysicalTrainer(on, PGD(on, targeted=True), "lab")
    with pytest.raises(UserError, match="ratio: expected"):
        PhysicalTrainer(on, attack, "lab", ratio=0)


def test_smoothing_is_the_mean_over_photographs() -> None:
    transformer = CameraSmoothing(estimator(), "lab", samples=4, seed=1)
    smooth = transformer()
    assert isinstance(smooth, PhysicalClassifier)
    assert transformer.is_fitted
    x, labels = data(smooth, 8)
    transformer.fit(x)
    wanted = PhysicalClassifier(estimator(), "lab", samples=4, at_predict="mean", seed=1)
    assert np.allclose(smooth.predict(x), wanted.predict(x), atol=1e-5)
    assert accuracy(smooth, x, labels) >= 0.75
    other = transformer(x, estimator(clip_values=(0.0, 255.0)))
    assert float(np.max(other.clip_values[1])) == 255


def test_the_detector_finds_what_compression_undoes() -> None:
    on = estimator()
    detector = SqueezeDetector(on, quality=30, false_alarms=0.1)
    clean, _ = data(on, 64, seed=3)
    with pytest.raises(UserError, match="call fit with clean images first"):
        detector.detect(clean)
    detector.fit(clean, None)
    report, alarms = detector.detect(clean)
    assert alarms.mean() <= 0.1
    assert report["threshold"] in report["scores"]
    assert detector.get_params() == {"quality": 30, "false_alarms": 0.1}
    squeezed = detector.squeeze(clean)[0]
    probabilities = [_softmax(on.predict(x)) for x in (clean, squeezed)]
    assert np.allclose(report["scores"], np.abs(probabilities[0] - probabilities[1]).sum(axis=1))


def _softmax(scores: Any) -> Any:
    return torch.from_numpy(scores).softmax(dim=1).numpy()


def test_bad_settings_are_refused() -> None:
    with pytest.raises(UserError, match="camera: expected one of lab"):
        CameraPreprocessor("nowhere", (0.0, 1.0))
    with pytest.raises(UserError, match="samples: expected at least 1"):
        CameraPreprocessor("lab", (0.0, 1.0), samples=0)
    with pytest.raises(UserError, match="false_alarms: expected"):
        SqueezeDetector(estimator(), false_alarms=1.0)
    assert one_hot(np.array([1])).shape == (1, CLASSES)


FITTING = [one for one in DEFENCES if not isinstance(one, DefenseGAN | SafetyNet)]
"""All but those that were made for the size and the layers of another victim."""


@pytest.mark.parametrize("defence", FITTING, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("clip_values", RANGES)
def test_any_defence_is_arts_with_its_own_gradients(
    defence: Defence, clip_values: tuple[float, float]
) -> None:
    """Answers and slopes are those of the defended victim, which its own tests hold."""
    low, high = clip_values
    bare, (x, y) = from_victim(victim(), clip_values=clip_values), blobs(4, 1)
    found = Defended(bare, defence)()
    images = (x.numpy() * (high - low) + low).astype(np.float32)
    own = defence(victim())
    own.reset()
    point = x.clone().requires_grad_()
    scores = own(Encoded(point)).scores
    assert found.nb_classes == scores.shape[1]
    assert np.allclose(found.predict(images), scores.detach().numpy(), atol=1e-3)
    if type(defence) in {*CHANCE, QueryDetection}:  # other answers to the second call
        return
    (slope,) = torch.autograd.grad(torch.nn.functional.cross_entropy(scores, y), point)
    theirs = found.loss_gradient(images, one_hot(y.numpy())) * (high - low)
    assert np.allclose(theirs, slope.numpy(), atol=1e-4 + 1e-3 * float(slope.abs().max()))


def test_attacks_of_arts_go_through_a_defence() -> None:
    found = Defended(estimator(), BitDepth(4))()
    x, y = data(found, 40)
    made = ProjectedGradientDescent(found, eps=0.3, eps_step=0.1, max_iter=5, verbose=False)
    assert accuracy(found, made.generate(x), y) < accuracy(found, x, y)


def test_what_is_no_defence_is_refused() -> None:
    with pytest.raises(UserError, match="defence: expected a defence"):
        Defended(estimator(), BitDepth)  # type: ignore[arg-type]  # wrong on purpose
