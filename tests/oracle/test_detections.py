"""Boxes and suppression against loops over plain numbers, and against torchvision's own."""

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import batched_nms
from torchvision.ops import box_iou as their_iou

from physadv.core import Detections, box_iou, generator

Box = tuple[float, ...]


def random_boxes(n: int, seed: int, side: float = 50.0) -> Tensor:
    corner, size = torch.rand(2, n, 2, generator=generator(seed)) * side
    return torch.cat([corner, corner + size], dim=1)


def plain_iou(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common)


def plain_final(
    boxes: list[Box], scores: list[list[float]], score: float, iou: float
) -> list[tuple[float, int, Box]]:
    """Return (score, label, box), best first: for every class its own greedy suppression."""
    kept: list[tuple[float, int, Box]] = []
    for label in range(len(scores[0])):
        mine = [
            (row[label], box) for row, box in zip(scores, boxes, strict=True) if row[label] > score
        ]
        chosen: list[tuple[float, int, Box]] = []
        for value, box in sorted(mine, reverse=True):
            if all(plain_iou(box, other) <= iou for _, _, other in chosen):
                chosen.append((value, label, box))
        kept += chosen
    return sorted(kept, reverse=True)


def detections(seed: int, rows: int = 2, n: int = 12, classes: int = 3) -> Detections:
    scores = torch.rand(rows, n, classes, generator=generator(seed))
    boxes = torch.stack([random_boxes(n, seed + 1 + k) for k in range(rows)])
    valid = torch.rand(rows, n, generator=generator(seed + 9)) < 0.8
    return Detections(scores, boxes=boxes, valid=valid)


def no_candidates(rows: int) -> Detections:
    valid = torch.zeros(rows, 0, dtype=torch.bool)
    return Detections(torch.zeros(rows, 0, 3), boxes=torch.zeros(rows, 0, 4), valid=valid)


@settings(max_examples=30, deadline=None)
@over(st.integers(0, 2**20))
def test_overlap_is_that_of_torchvision_and_of_plain_numbers(seed: int) -> None:
    one, other = random_boxes(5, seed), random_boxes(7, seed + 1)
    found = box_iou(one, other)
    torch.testing.assert_close(found, their_iou(one, other))
    wanted = [[plain_iou(tuple(a), tuple(b)) for b in other.tolist()] for a in one.tolist()]
    torch.testing.assert_close(found, torch.tensor(wanted), rtol=1e-4, atol=1e-6)


def test_known_overlaps() -> None:
    one = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    others = [[0, 0, 2, 2], [1, 0, 3, 2], [2, 0, 4, 2], [1, 1, 1, 1], [5, 5, 4, 4]]
    found = box_iou(one, torch.tensor(others).float())[0]
    torch.testing.assert_close(found, torch.tensor([1, 1 / 3, 0, 0, 0]))


@settings(max_examples=30, deadline=None)
@over(st.integers(0, 2**20), st.floats(0.1, 0.9), st.floats(0, 1))
def test_what_is_reported_is_what_plain_loops_report(seed: int, score: float, iou: float) -> None:
    dense = detections(seed)
    for row, found in enumerate(dense.final(score, iou)):
        valid = dense.valid[row]
        boxes = [tuple(box) for box in dense.boxes[row][valid].tolist()]
        wanted = plain_final(boxes, dense.scores[row][valid].tolist(), score, iou)
        assert found.labels.tolist() == [label for _, label, _ in wanted]
        assert found.scores.tolist() == pytest.approx([value for value, _, _ in wanted])
        assert [tuple(box) for box in found.boxes.tolist()] == [box for _, _, box in wanted]


@settings(max_examples=20, deadline=None)
@over(st.integers(0, 2**20), st.floats(0.05, 0.95))
def test_suppression_is_that_of_torchvision(seed: int, iou: float) -> None:
    dense = detections(seed, rows=1, n=60)
    row, label = (dense.counted()[0] > 0.3).nonzero(as_tuple=True)
    boxes, scores = dense.boxes[0][row], dense.scores[0][row, label]
    kept = batched_nms(boxes, scores, label, iou)
    (found,) = dense.final(0.3, iou)
    torch.testing.assert_close(found.boxes, boxes[kept])
    assert torch.equal(found.labels, label[kept])


def test_a_candidate_of_one_class_counts_for_its_best_alone() -> None:
    scores = torch.tensor([[[0.6, 0.9, 0.7], [0.8, 0.1, 0.2]]])
    boxes = torch.tensor([[[0.0, 0, 4, 4], [10, 10, 14, 14]]])
    every = Detections(scores, boxes=boxes, valid=torch.ones(1, 2, dtype=torch.bool))
    (many,) = every.final(0.5, 0.5)
    assert many.labels.tolist() == [1, 0, 2, 0]
    alone = Detections(scores, boxes=boxes, valid=every.valid, one_class=True)
    (few,) = alone.final(0.5, 0.5)
    assert few.labels.tolist() == [1, 0]
    assert few.scores.tolist() == pytest.approx([0.9, 0.8])


def test_the_best_class_of_an_image() -> None:
    dense = detections(3)
    counted = dense.scores * dense.valid[..., None]
    wanted = [int(one.amax(dim=0).argmax()) for one in counted]
    assert dense.best.tolist() == wanted
    nothing = Detections(dense.scores, boxes=dense.boxes, valid=torch.zeros_like(dense.valid))
    assert nothing.best.tolist() == [-1, -1]
    empty = Detections(
        torch.zeros(2, 0, 3), boxes=torch.zeros(2, 0, 4), valid=torch.zeros(2, 0) > 0
    )
    assert empty.best.tolist() == [-1, -1]
    assert [len(found.boxes) for found in empty.final(0.5, 0.5)] == [0, 0]


def test_what_is_reported_carries_no_gradient() -> None:
    dense = detections(4)
    scores = dense.scores.clone().requires_grad_()
    (found, _) = Detections(scores, boxes=dense.boxes, valid=dense.valid).final(0.3, 0.5)
    assert not found.scores.requires_grad
