"""Detectors as ART classifiers: what they read, gradients, and things that vanish."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import HopSkipJump, ProjectedGradientDescent
from art.defences.preprocessor import SpatialSmoothing
from physadv_art import (
    PGD,
    BlackBoxVictim,
    DetectorClassifier,
    PhysicalClassifier,
    PlanePatch,
    StickerPatch,
    UniversalPatch,
    detector_classifier,
)
from physadv_art.frame import Array
from torch import Tensor

from physadv.core import Encoded, UserError, generator
from physadv.objectives import vanish
from tests.oracle.test_vanish import photo
from tests.victims import cell_detector, linear_victim

RANGES = [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]
SIZE = (32, 48)


def street(n: int = 3) -> Tensor:
    """Return grey noise with a red object in the cell of row 1, column 2; box (16,8,24,16)."""
    images = 0.2 + 0.2 * torch.rand(n, 3, *SIZE, generator=generator(0))
    images[:, 0, 8:16, 16:24] = 0.75
    return images


def array(on: Any, images: Tensor) -> Array:
    """Return images in an estimator's order and range."""
    low, high = (float(np.min(on.clip_values[0])), float(np.max(on.clip_values[1])))
    x = images.numpy() * (high - low) + low
    return np.asarray(x if on.channels_first else x.transpose(0, 2, 3, 1), dtype=np.float32)


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("clip_values", RANGES)
def test_nothing_is_read_exactly_where_nothing_is_reported(
    clip_values: tuple[float, float], channels_first: bool
) -> None:
    victim, images = cell_detector(SIZE), torch.rand(20, 3, *SIZE, generator=generator(4))
    dense = victim(Encoded(images))
    for score in (0.7, 0.9):
        on = detector_classifier(
            victim, "red", score=score, clip_values=clip_values, channels_first=channels_first
        )
        assert isinstance(on, DetectorClassifier)
        assert on.labels == ("red", "nothing")
        scores = on.predict(array(on, images), batch_size=7)
        none = [not (found.labels == 0).any() for found in dense.final(score, 0.45)]
        assert scores.argmax(axis=1).tolist() == none
        best = dense.scores[..., 0].amax(dim=1)
        wanted = torch.logit(best) - torch.logit(torch.tensor(score))
        assert np.allclose(scores[:, 0], wanted.detach(), atol=1e-3)
        assert (scores[:, 1] == 0).all()


def test_the_smooth_maximum_is_the_loss_of_vanish() -> None:
    victim, images = cell_detector(SIZE), Encoded(street())
    on = detector_classifier(victim, "red", score=0.4, reduce="logsumexp")
    wanted = vanish(0, iou=None, score=0.4).loss(victim(images), photo(torch.zeros(3, 4)))
    assert np.allclose(on.predict(images.numpy())[:, 0], wanted.detach(), atol=1e-4)


def test_all_classes_and_nothing() -> None:
    on = detector_classifier(cell_detector(SIZE))
    assert on.labels == ("red", "green", "blue", "nothing")
    assert on.predict(street().numpy()).argmax(axis=1).tolist() == [0, 0, 0]
    black = np.zeros((1, 3, *SIZE), dtype=np.float32)
    assert on.predict(black).argmax() == 3


@pytest.mark.parametrize("clip_values", RANGES[1:])
@pytest.mark.parametrize("reduce", ["max", "logsumexp"])
def test_gradients_are_the_difference_quotients(
    reduce: Any, clip_values: tuple[float, float]
) -> None:
    on = detector_classifier(cell_detector((24, 40)), clip_values=clip_values, reduce=reduce)
    module = copy.deepcopy(on.model).double().eval()
    x = torch.from_numpy(array(on, street())).double()
    weight = torch.randn(3, 4, generator=generator(5)).double()
    point = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad((module(point) * weight).sum(), point)
    step = 1e-6 * (clip_values[1] - clip_values[0])
    for seed in range(3):
        along = torch.randn(x.shape, generator=generator(seed)).double()
        with torch.no_grad():
            there, back = ((module(x + way * step * along) * weight).sum() for way in (1, -1))
        quotient = float(there - back) / (2 * step)
        assert float((slope * along).sum()) == pytest.approx(quotient, rel=1e-3)


def test_detections_are_the_detectors_and_nothing_is_left_behind() -> None:
    victim, images = cell_detector(SIZE), street()
    on = detector_classifier(victim, "red", clip_values=(0, 255), channels_first=False)
    found = on.detect(array(on, images), score=0.5)
    for one, wanted in zip(found, victim(Encoded(images)).final(0.5, 0.45), strict=True):
        assert one["boxes"].tolist() == wanted.boxes.tolist() == [[16, 8, 24, 16]]
        assert one["labels"].tolist() == [0]
        assert np.allclose(one["scores"], wanted.scores.detach(), atol=1e-5)
    assert len(on.detect(array(on, images), score=0.9999)[0]["boxes"]) == 0
    assert victim.module.training
    on.loss_gradient(array(on, images), np.eye(2, dtype=np.float32)[[0, 0, 0]])
    assert victim.module.training
    assert next(victim.module.parameters()).grad is None


def test_arts_own_attack_makes_it_vanish() -> None:
    on = detector_classifier(cell_detector(SIZE), "red", score=0.5)
    x = street().numpy()
    attack = ProjectedGradientDescent(on, eps=0.3, eps_step=0.1, max_iter=5, verbose=False)
    attacked = attack.generate(x, np.zeros(3, dtype=int))
    assert on.predict(attacked).argmax(axis=1).tolist() == [1, 1, 1]
    assert all(0 not in one["labels"] for one in on.detect(attacked))


QUICK: dict[Any, dict[str, Any]] = {
    PGD: {"eps": 0.3, "max_iter": 8},
    StickerPatch: {"place": (16, 8, 24, 13), "max_iter": 25},
    UniversalPatch: {"place": (16, 8, 24, 13), "max_iter": 25},
    PlanePatch: {"on_plane": (0, 0, 1, 0.6), "max_iter": 25},
}


@pytest.mark.parametrize("clip_values", RANGES[::2])
@pytest.mark.parametrize("kind", QUICK)
def test_our_attacks_take_vanish_where_the_boxes_are(
    kind: Any, clip_values: tuple[float, float]
) -> None:
    """Another red object stays reported, and nobody minds."""
    images = street()
    images[:, 0, 24:32, 0:8] = 0.9
    on = detector_classifier(
        cell_detector(SIZE), "red", score=0.5, clip_values=clip_values, channels_first=False
    )
    x, boxes = array(on, images), np.array([[16, 8, 24, 16]] * 3, dtype=np.float32)
    wide = clip_values[1] - clip_values[0]
    settings = {k: v * wide if k == "eps" else v for k, v in QUICK[kind].items()}
    if kind is PGD:
        settings["norm"] = 2.0
        settings["eps"] = 4.0 * wide
    attack = kind(on, objective=vanish(0, score=0.5), verbose=False, **settings)
    where = {"corners": boxes} if kind is PlanePatch else {"boxes": boxes}
    attacked = attack.generate(x, **where)
    assert attacked.shape == x.shape
    left = [one["boxes"].tolist() for one in on.detect(attacked)]
    assert left == [[[0, 24, 8, 32]]] * 3
    assert attack.result.success.hits == 3
    assert attack.result.clean.hits == 0
    assert on.predict(attacked).argmax(axis=1).tolist() == [0, 0, 0]


def test_cards_say_that_the_objective_was_given(tmp_path: Any) -> None:
    on = detector_classifier(cell_detector(SIZE), "red", score=0.5)
    attack = StickerPatch(on, objective=vanish(0, iou=None), max_iter=2, verbose=False)
    attack.generate(street(1).numpy())
    attack.save(tmp_path)
    assert '"objective": "an objective of the caller\'s"' in (tmp_path / "card.json").read_text()


def test_defences_before_a_detector_are_attacked_through() -> None:
    plain = detector_classifier(cell_detector(SIZE), "red", score=0.5)
    smooth = SpatialSmoothing(window_size=3, channels_first=True)
    on = detector_classifier(cell_detector(SIZE), "red", score=0.5, preprocessing_defences=smooth)
    x = street().numpy()
    wanted = plain.detect(smooth(x)[0])
    for one, other in zip(on.detect(x), wanted, strict=True):
        assert np.allclose(one["scores"], other["scores"], atol=1e-5)
    goal = vanish(0, iou=None, score=0.5)
    attacked = PGD(on, eps=0.3, max_iter=8, objective=goal, verbose=False).generate(x)
    assert all(0 not in one["labels"] for one in on.detect(attacked))


def test_a_camera_before_a_detector() -> None:
    on = PhysicalClassifier(detector_classifier(cell_detector(SIZE), "red", score=0.5), "lab")
    assert on.predict(street().numpy()).argmax(axis=1).tolist() == [0, 0, 0]


def test_a_black_box_detector() -> None:
    victim = cell_detector(SIZE)
    victim.differentiable = False
    on = detector_classifier(victim, "red", score=0.5)
    assert isinstance(on, BlackBoxVictim)
    x = street(1).numpy()
    attack = HopSkipJump(on, max_iter=1, max_eval=10, init_eval=5, init_size=50, verbose=False)
    assert on.predict(attack.generate(x, x_adv_init=np.zeros_like(x))).argmax() == 1


def test_what_does_not_fit_is_refused() -> None:
    victim: Any = cell_detector(SIZE)
    on = detector_classifier(victim, "red")
    wrong: Any = linear_victim()
    slip: Any = "men"
    with pytest.raises(UserError, match="detector: expected a physadv Detector, got Linear"):
        detector_classifier(wrong)
    with pytest.raises(UserError, match="did you mean 'red'"):
        detector_classifier(victim, "rod")
    with pytest.raises(UserError, match="score: expected a threshold"):
        detector_classifier(victim, score=1.0)
    with pytest.raises(UserError, match="reduce: expected one of"):
        detector_classifier(victim, reduce=slip)
    goal = vanish(0)
    with pytest.raises(ValueError, match="boxes: expected a box"):
        PGD(on, objective=goal, verbose=False).generate(street().numpy(), boxes=np.zeros((2, 4)))
    with pytest.raises(TypeError, match="objective: expected Objective or NoneType"):
        PGD(on, objective="vanish", verbose=False)
    with pytest.raises(UserError, match="vanish: expected a detector's answer, got class scores"):
        PGD(PhysicalClassifier(on, "lab"), objective=goal, verbose=False).generate(street().numpy())
