"""Mislabel and appear: losses by hand, successes against plain loops, and how both agree."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.attacks.digital import Patch, Rows
from physadv.attacks.digital.lay import box_corners
from physadv.core import Answer, Detections, Encoded, Found, UserError, generator
from physadv.objectives import Objective, appear, mislabel, vanish
from physadv.victims import Ensemble
from tests.oracle.test_detections import detections, plain_iou, random_boxes
from tests.oracle.test_vanish import PLACE, THERE, photo
from tests.victims import cell_detector

AWAY, NEAR = (20, 20, 30, 30), (0, 0, 10, 7)
Scored = tuple[tuple[float, float, float], tuple[float, float, float, float]]


def shown(*candidates: Scored, one_class: bool = False) -> Detections:
    """Return candidates of one image: (scores of classes 0, 1, 2; box)."""
    scores = torch.tensor([[score for score, _ in candidates]])
    boxes = torch.tensor([[box for _, box in candidates]]).float()
    valid = torch.ones(scores.shape[:2], dtype=torch.bool)
    return Detections(scores, boxes=boxes, valid=valid, one_class=one_class)


def odds(score: float) -> float:
    return math.log(score / (1 - score))


def test_what_appear_lacks_is_in_log_odds_of_the_best_candidate_at_the_place() -> None:
    seen = shown(((0.1, 0.2, 0.6), THERE), ((0.1, 0.4, 0.3), NEAR), ((0.1, 0.9, 0.1), AWAY))
    found = appear(1).loss(seen, photo(PLACE))
    assert found.shape == (1,)
    assert float(found) == pytest.approx(odds(0.3) - odds(0.4), abs=1e-5)
    anywhere = appear(1, iou=None).loss(seen, photo(PLACE))
    assert float(anywhere) == pytest.approx(odds(0.3) - odds(0.9), abs=1e-5)
    strict = appear(1, iou=0.8, score=0.5).loss(seen, photo(PLACE))
    assert float(strict) == pytest.approx(-odds(0.2), abs=1e-5)


def test_a_candidate_that_counts_for_one_class_must_beat_its_others() -> None:
    seen = shown(((0.1, 0.4, 0.6), THERE), one_class=True)
    loss = float(appear(1).loss(seen, photo(PLACE)))
    assert loss == pytest.approx(odds(0.6) - odds(0.4), abs=1e-5)
    assert not bool(appear(1).success(seen, photo(PLACE)))
    assert bool(appear(1).success(replace(seen, one_class=False), photo(PLACE)))


def test_mislabel_asks_for_less_of_one_and_more_of_another() -> None:
    seen = shown(((0.8, 0.2, 0.25), THERE), ((0.1, 0.1, 0.1), NEAR))
    over_it = math.log(0.8 / 0.2 + 0.1 / 0.9 + 1e-6) - odds(0.3)
    to_one, to_any = odds(0.3) - odds(0.2), odds(0.3) - odds(0.25)
    for target, under in ((1, to_one), (2, to_any), (None, to_any)):
        wanted = math.log(math.exp(over_it) + math.exp(under))
        loss = mislabel(0, target).loss(seen, photo(PLACE))
        assert float(loss) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(
    ("candidates", "target", "success"),
    [
        ([((0.1, 0.8, 0.1), THERE)], 1, True),
        ([((0.1, 0.8, 0.1), THERE)], 2, False),
        ([((0.1, 0.8, 0.1), THERE)], None, True),
        ([((0.1, 0.1, 0.1), THERE)], None, False),  # nothing is left: that is vanish
        ([((0.5, 0.8, 0.1), THERE)], 1, False),  # the class itself is reported, too
        ([((0.1, 0.8, 0.1), AWAY)], 1, False),
        ([((0.5, 0.1, 0.1), AWAY), ((0.1, 0.8, 0.1), THERE)], 1, True),
    ],
)
def test_mislabel_is_judged_on_what_is_reported(
    candidates: list[Scored], target: int | None, success: bool
) -> None:
    found = mislabel(0, target).success(shown(*candidates), photo(PLACE))
    assert found.tolist() == [success]


def classes_at(found: Found, place: Tensor, iou: float) -> set[int]:
    """Return the classes reported at a place, by loops over plain numbers."""
    pairs = zip(found.boxes.tolist(), found.labels.tolist(), strict=True)
    return {label for box, label in pairs if plain_iou(tuple(box), tuple(place.tolist())) >= iou}


@settings(max_examples=30, deadline=None)
@over(st.integers(0, 2**20), st.booleans())
def test_success_is_that_of_plain_loops(seed: int, one_class: bool) -> None:
    dense = replace(detections(seed, rows=4), one_class=one_class)
    places = random_boxes(4, seed + 50)
    options = {"score": 0.4, "iou": 0.2}
    named = mislabel(1, 2, **options).success(dense, photo(places)).tolist()
    other = mislabel(1, **options).success(dense, photo(places)).tolist()  # type: ignore[arg-type]  # numbers
    there = appear(1, **options).success(dense, photo(places)).tolist()
    for row, found in enumerate(dense.final(0.4, 0.45)):
        classes = classes_at(found, places[row], 0.2)
        assert there[row] is (1 in classes)
        assert named[row] is (2 in classes and 1 not in classes)
        assert other[row] is (bool(classes) and 1 not in classes)


OBJECTIVES: dict[str, Callable[..., Objective]] = {
    "vanish": lambda **options: vanish(1, **options),
    "mislabel to a class": lambda **options: mislabel(1, 2, **options),
    "mislabel to any": lambda **options: mislabel(1, **options),
    "appear": lambda **options: appear(1, **options),
}


@pytest.mark.parametrize("kind", OBJECTIVES)
@settings(max_examples=40, deadline=None)
@over(st.integers(0, 2**20), st.floats(0.05, 0.95), st.booleans(), st.booleans())
def test_a_loss_below_zero_is_success(
    kind: str, seed: int, score: float, anywhere: bool, one_class: bool
) -> None:
    """Where nothing is suppressed (an IoU is never above 1), as the docstrings say."""
    dense = detections(seed, rows=6, n=5)
    scores = dense.scores.roll(1, dims=2) ** 2
    dense = replace(dense, scores=scores, one_class=one_class)
    places = random_boxes(6, seed + 50)
    goal = OBJECTIVES[kind](iou=None if anywhere else 0.3, score=score, nms_iou=1.0)
    loss, success = goal.loss(dense, photo(places)), goal.success(dense, photo(places))
    assert bool(success[loss < 0].all())


def test_that_both_happens_among_random_detections() -> None:
    """So that the law above is no empty one: both signs of the loss and both outcomes occur."""
    for kind, made in OBJECTIVES.items():
        goal, found, below = made(iou=0.1, nms_iou=1.0), list[bool](), list[bool]()
        for seed in range(40):
            dense, places = detections(seed, rows=6, n=5), photo(random_boxes(6, seed + 50))
            dense = replace(dense, scores=dense.scores**2)
            found += goal.success(dense, places).tolist()
            below += (goal.loss(dense, places) < 0).tolist()
        assert set(found) == {True, False}, kind
        assert set(below) == {True, False}, kind


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_the_gradient_through_a_detector_is_its_difference_quotient(kind: str) -> None:
    detector, goal = cell_detector(), OBJECTIVES[kind](iou=0.1)
    detector.module.double()
    rng = generator(0)
    images = torch.rand(2, 3, 64, 64, generator=rng, dtype=torch.float64)
    way = torch.rand(images.shape, generator=rng, dtype=torch.float64) - 0.5
    where = photo(torch.tensor([[10.0, 10.0, 26.0, 26.0]]).repeat(2, 1))

    def loss(pixels: Tensor) -> Tensor:
        return goal.loss(detector(Encoded(pixels)), where).sum()

    asked = images.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(asked), asked)
    step = 1e-6
    quotient = (loss(images + step * way) - loss(images - step * way)) / (2 * step)
    assert float((slope * way).sum()) == pytest.approx(float(quotient), rel=1e-4)
    assert float(slope.abs().sum()) > 0


def test_a_patch_makes_a_colour_appear_and_be_misnamed() -> None:
    """The toy detector sees colours in cells, so that the best patch is that colour, pure."""
    detector = cell_detector()
    place = torch.tensor([[16.0, 8.0, 24.0, 16.0]])
    images = torch.full((1, 3, 32, 48), 0.2)
    images[:, 0, 8:16, 16:24] = 0.9
    rows = Rows(boxes=place, corners=box_corners(place))
    attack = Patch(steps=40, rate=0.1)
    red, green = detector.label("red"), detector.label("green")
    for goal in (appear(green), mislabel(red, green)):
        before = goal.success(detector(Encoded(images)), rows.photo(images))
        made = attack(detector, Encoded(images), goal, rows=rows)
        after = goal.success(detector(made), rows.photo(made))
        assert (before.tolist(), after.tolist()) == ([False], [True])
        assert float(made[0, 1, 8:16, 16:24].mean()) > 0.95
    assert float(made[0, 0, 8:16, 16:24].mean()) < 0.05  # and none of the red, which is misnamed


def test_with_no_candidates_nothing_appears() -> None:
    empty = Detections(
        torch.zeros(1, 0, 3), boxes=torch.zeros(1, 0, 4), valid=torch.zeros(1, 0) > 0
    )
    for goal in (appear(1), mislabel(1)):
        assert goal.success(empty, photo(PLACE)).tolist() == [False]
        assert 0 < float(goal.loss(empty, photo(PLACE))) < math.inf


def test_several_detectors_must_all_be_fooled_and_their_losses_are_averaged() -> None:
    detectors = [cell_detector(), cell_detector((16, 24))]
    both = Ensemble(detectors, mean="losses")
    images = torch.full((2, 3, 32, 48), 0.2)
    images[0, 0, 8:16, 16:32] = 0.9  # a cell of the first, half a cell of the second
    images[1, 0, 0:16, 16:32] = 0.9  # cells of both
    where = photo(torch.tensor([[16.0, 0.0, 32.0, 16.0]]).repeat(2, 1))
    goal = appear(0, iou=0.2, score=0.9)
    alone = [one(Encoded(images)) for one in detectors]
    together = both(Encoded(images))
    assert isinstance(together, Detections)
    losses = torch.stack([goal.loss(one, where) for one in alone])
    torch.testing.assert_close(goal.loss(together, where), losses.mean(dim=0))
    each = torch.stack([goal.success(one, where) for one in alone])
    assert each.tolist() == [[True, True], [False, True]]
    assert goal.success(together, where).tolist() == [False, True]
    assert together.scores.shape == (2, 24 + 6, 3)
    assert together.best.tolist() == [0, 0]


def test_the_wrong_kind_of_question_is_refused() -> None:
    with pytest.raises(UserError, match=r"^mislabel: expected a detector's answer"):
        mislabel(1).loss(Answer(torch.zeros(1, 3)), photo(PLACE))
    with pytest.raises(UserError, match=r"^appear: expected a detector's answer"):
        appear(1).success(Answer(torch.zeros(1, 3)), photo(PLACE))
    with pytest.raises(UserError, match=r"^label: expected a class from 0 to 2, got 7"):
        mislabel(1, 7).loss(shown(((0.1, 0.1, 0.1), THERE)), photo(PLACE))
    with pytest.raises(UserError, match=r"^target: expected another class than label"):
        mislabel(1, 1)
    with pytest.raises(UserError, match=r"^target: expected a number, got 'stop'"):
        mislabel(1, "stop")  # type: ignore[arg-type]  # wrong on purpose
    for wrong in ({"score": 0.0}, {"iou": 0.0}, {"nms_iou": 2.0}):
        with pytest.raises(UserError, match=rf"^{next(iter(wrong))}: expected"):
            appear(1, **wrong)
