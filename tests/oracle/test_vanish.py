"""Vanish: its loss against sums of odds, its success against plain loops, and how both agree."""

import math

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.core import Answer, Detections, Encoded, Photo, UserError, box_iou, generator
from physadv.objectives import smooth, targeted, untargeted, vanish
from tests.oracle.test_detections import detections, random_boxes
from tests.victims import cell_detector

PLACE = torch.tensor([[0.0, 0.0, 10.0, 10.0]])


def photo(boxes: Tensor) -> Photo:
    n = len(boxes)
    labels = torch.zeros(n, dtype=torch.long)
    return Photo(Encoded(torch.zeros(n, 3, 4, 4)), torch.zeros(n, 4, 2), boxes, labels)


def shown(*candidates: tuple[float, tuple[float, float, float, float]]) -> Detections:
    """Return candidates of one image: (score of class 1, box); class 0 has score 0.9 everywhere."""
    scores = torch.tensor([[[0.9, score] for score, _ in candidates]])
    boxes = torch.tensor([[box for _, box in candidates]]).float()
    return Detections(scores, boxes=boxes, valid=torch.ones(scores.shape[:2], dtype=torch.bool))


THERE, SHIFTED, AWAY = (0, 0, 10, 10), (0, 0, 10, 4), (20, 20, 30, 30)


def test_the_loss_is_the_log_of_the_sum_of_odds_less_the_thresholds() -> None:
    seen = shown((0.8, THERE), (0.5, SHIFTED), (0.99, AWAY))
    wanted = math.log(0.8 / 0.2 + 0.5 / 0.5 + 1e-6) - math.log(0.3 / 0.7)
    found = vanish(1).loss(seen, photo(PLACE))
    assert found.shape == (1,)
    assert float(found) == pytest.approx(wanted, abs=1e-4)  # the shifted box reaches 0.4
    far = math.log(0.8 / 0.2 + 1 + 0.99 / 0.01 + 1e-6) - math.log(0.3 / 0.7)
    assert float(vanish(1, iou=None).loss(seen, photo(PLACE))) == pytest.approx(far, abs=1e-4)
    near = math.log(0.8 / 0.2 + 1e-6) - math.log(0.6 / 0.4)
    only = vanish(1, reach=0.5, score=0.6).loss(seen, photo(PLACE))
    assert float(only) == pytest.approx(near, abs=1e-4)


@pytest.mark.parametrize(
    ("candidates", "options", "gone"),
    [
        ([(0.8, THERE)], {}, False),
        ([(0.29, THERE)], {}, True),
        ([(0.8, AWAY)], {}, True),
        ([(0.8, AWAY)], {"iou": None}, False),
        ([(0.8, SHIFTED)], {}, True),
        ([(0.8, SHIFTED)], {"iou": 0.3}, False),
        ([(0.8, SHIFTED), (0.7, THERE)], {"nms_iou": 0.3}, True),  # suppressed by the shifted one
        ([(0.8, SHIFTED), (0.7, THERE)], {"nms_iou": 0.5}, False),
    ],
)
def test_success_is_judged_on_what_is_reported(
    candidates: list[tuple[float, tuple[float, float, float, float]]],
    options: dict[str, float | None],
    gone: bool,
) -> None:
    objective = vanish(1, **options)  # type: ignore[arg-type]  # numbers or None, as each takes
    assert objective.success(shown(*candidates), photo(PLACE)).tolist() == [gone]


@settings(max_examples=40, deadline=None)
@over(st.integers(0, 2**20), st.floats(0.05, 0.95), st.booleans(), st.booleans())
def test_a_loss_below_zero_is_success(
    seed: int, score: float, anywhere: bool, one_class: bool
) -> None:
    dense = detections(seed, rows=6, n=5)
    dense = Detections(dense.scores**3, boxes=dense.boxes, valid=dense.valid, one_class=one_class)
    places = random_boxes(6, seed + 50)
    objective = vanish(2, iou=None if anywhere else 0.4, score=score)
    loss = objective.loss(dense, photo(places))
    success = objective.success(dense, photo(places))
    assert bool(success[loss < 0].all())


@settings(max_examples=30, deadline=None)
@over(st.integers(0, 2**20))
def test_success_is_that_of_plain_loops(seed: int) -> None:
    dense, places = detections(seed, rows=4), random_boxes(4, seed + 50)
    found = vanish(1, score=0.4, iou=0.2).success(dense, photo(places)).tolist()
    for row, reported in enumerate(dense.final(0.4, 0.45)):
        overlaps = [
            float(box_iou(box[None], places[row][None]))
            for box, label in zip(reported.boxes, reported.labels.tolist(), strict=True)
            if label == 1
        ]
        assert found[row] is all(overlap < 0.2 for overlap in overlaps)


def test_only_candidates_at_the_place_are_pushed_and_all_of_them_down() -> None:
    seen = shown((0.8, THERE), (0.5, SHIFTED), (0.99, AWAY))
    scores = seen.scores.clone().requires_grad_()
    dense = Detections(scores, boxes=seen.boxes, valid=seen.valid)
    (slope,) = torch.autograd.grad(vanish(1).loss(dense, photo(PLACE)).sum(), scores)
    assert bool((slope[0, :2, 1] > 0).all())
    assert float(slope[0, 2].abs().sum() + slope[0, :, 0].abs().sum()) == 0
    odds = torch.tensor([0.8 / 0.2, 1.0])
    wanted = odds / (odds.sum() + 1e-6) / torch.tensor([0.8 * 0.2, 0.5 * 0.5])
    torch.testing.assert_close(slope[0, :2, 1], wanted, rtol=1e-4, atol=1e-5)


def test_the_gradient_through_a_detector_is_its_difference_quotient() -> None:
    detector, objective = cell_detector(), vanish(1, iou=0.1, reach=0.05)
    detector.module.double()
    rng = generator(0)
    images = torch.rand(2, 3, 64, 64, generator=rng, dtype=torch.float64)
    way = torch.rand(images.shape, generator=rng, dtype=torch.float64) - 0.5
    where = photo(torch.tensor([[10.0, 10.0, 40.0, 40.0]]).repeat(2, 1))

    def loss(pixels: Tensor) -> Tensor:
        return objective.loss(detector(Encoded(pixels)), where).sum()

    asked = images.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(asked), asked)
    step = 1e-5
    quotient = (loss(images + step * way) - loss(images - step * way)) / (2 * step)
    assert float((slope * way).sum()) == pytest.approx(float(quotient), rel=1e-5)


def test_it_adds_and_scales_like_every_objective() -> None:
    seen, place = shown((0.8, THERE)), photo(PLACE)
    loss = vanish(1).loss(seen, place)
    torch.testing.assert_close((2 * vanish(1) + smooth()).loss(seen, place), 2 * loss)
    assert (2 * vanish(1) + vanish(0)).success(seen, place).tolist() == [False]
    assert float(vanish(1, confidence=0.5).loss(shown((0.001, THERE)), place)) == -0.5


def test_with_no_candidates_there_is_nothing_to_report() -> None:
    empty = Detections(
        torch.zeros(1, 0, 3), boxes=torch.zeros(1, 0, 4), valid=torch.zeros(1, 0) > 0
    )
    assert vanish(1).success(empty, photo(PLACE)).tolist() == [True]
    assert float(vanish(1).loss(empty, photo(PLACE))) < 0


def test_certain_scores_leave_the_loss_finite() -> None:
    for score in (0.0, 1.0):
        assert bool(vanish(1).loss(shown((score, THERE)), photo(PLACE)).isfinite().all())


def test_the_wrong_kind_of_answer_is_refused() -> None:
    with pytest.raises(UserError, match=r"^vanish: expected a detector's answer"):
        vanish(1).loss(Answer(torch.zeros(1, 3)), photo(PLACE))
    with pytest.raises(UserError, match=r"^label: expected a class from 0 to 1, got 7"):
        vanish(7).success(shown((0.8, THERE)), photo(PLACE))
    with pytest.raises(UserError, match=r"^label: expected a number, got 'stop'"):
        vanish("stop")  # type: ignore[arg-type]  # wrong on purpose
    for objective in (targeted(1), untargeted()):
        with pytest.raises(UserError, match=r"^objective: expected class scores"):
            objective.loss(shown((0.8, THERE)), photo(PLACE))


@pytest.mark.parametrize("wrong", [{"score": 0.0}, {"iou": 0.0}, {"reach": 0.7}, {"nms_iou": 2.0}])
def test_numbers_that_do_not_fit_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match=rf"^{next(iter(wrong))}: expected"):
        vanish(1, **wrong)
