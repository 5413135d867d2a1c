"""Decoders of dense heads against the same formulas in plain numpy, cell by cell."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from physadv.core import Detections, UserError, generator
from physadv.victims import fastestdet, nanodet, yolo

Array = NDArray[Any]


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def plain_fastestdet(output: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    """Return boxes (N,4) in pixels of an image of `size`, and scores (N,K), for (5+K,h,w)."""
    boxes, scores = [], []
    rows, columns = output.shape[1:]
    for row in range(rows):
        for column in range(columns):
            cell = output[:, row, column]
            x, y = (column + np.tanh(cell[1])) / columns, (row + np.tanh(cell[2])) / rows
            w, h = sigmoid(cell[3]), sigmoid(cell[4])
            box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
            boxes.append(box * [size[1], size[0], size[1], size[0]])
            scores.append(cell[0] ** 0.6 * cell[5:] ** 0.4)
    return np.array(boxes), np.array(scores)


def plain_nanodet(
    outputs: list[Array], side_px: tuple[int, int], size: tuple[int, int]
) -> tuple[Array, Array]:
    """Return boxes and scores as above, for the outputs of one image prepared to `side_px`."""
    boxes = []
    half = len(outputs) // 2
    for stride, sides in zip((8, 16, 32)[:half], outputs[half:], strict=True):
        columns = side_px[1] // stride
        for cell, numbers in enumerate(sides):
            bins = np.exp(numbers.reshape(4, -1))
            share = bins / bins.sum(axis=1, keepdims=True)
            left, top, right, bottom = share @ np.arange(bins.shape[1]) * stride
            x, y = (cell % columns + 0.5) * stride, (cell // columns + 0.5) * stride
            boxes.append([x - left, y - top, x + right, y + bottom])
    scale = np.array([size[1] / side_px[1], size[0] / side_px[0]] * 2)
    return np.array(boxes) * scale, np.concatenate(outputs[:half])


def check(dense: Detections, row: int, boxes: Array, scores: Array) -> None:
    np.testing.assert_allclose(dense.boxes[row].numpy(), boxes, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(dense.scores[row].numpy(), scores, rtol=1e-4, atol=1e-5)
    assert bool(dense.valid.all())


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed))


def test_fastestdet() -> None:
    output = random(2, 8, 3, 5)
    output[:, :1] = output[:, :1].sigmoid()
    output[:, 5:] = output[:, 5:].softmax(dim=1)
    dense = fastestdet(output)
    assert dense.one_class
    for row in range(2):
        check(dense, row, *plain_fastestdet(output[row].numpy(), (48, 80)))


def test_nanodet() -> None:
    cells = [6 * 8, 3 * 4, 2 * 2]
    scores = [random(2, n, 5, seed=n).sigmoid() for n in cells]
    sides = [random(2, n, 32, seed=n + 1) for n in cells]
    dense = nanodet((48, 64))([*scores, *sides])
    assert not dense.one_class
    for row in range(2):
        one = [output[row].numpy() for output in (*scores, *sides)]
        check(dense, row, *plain_nanodet(one, (48, 64), (48, 64)))


@pytest.mark.parametrize("objectness", [True, False])
def test_yolo(objectness: bool) -> None:
    centres, sizes = 100 * torch.rand(2, 2, 7, 2, generator=generator(0))
    classes, present = random(2, 7, 4).sigmoid(), random(2, 7, 1, seed=1).sigmoid()
    parts = [centres, sizes, *([present] if objectness else []), classes]
    output = torch.cat(parts, dim=2)
    given = output if objectness else output.mT
    dense = yolo(objectness=objectness)(given)
    again = yolo(objectness=objectness)([given, given])  # exports may give training heads too
    assert torch.equal(dense.boxes, again.boxes)
    for row in range(2):
        (x, y), (w, h) = centres[row].T.numpy(), sizes[row].T.numpy()
        boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1)
        weight = present[row].numpy() if objectness else 1.0
        check(dense, row, boxes, classes[row].numpy() * weight)


def test_scores_of_nothing_have_finite_gradients() -> None:
    output = torch.zeros(1, 8, 2, 2).requires_grad_()
    fastestdet(output).scores.sum().backward()
    assert output.grad is not None
    assert bool(output.grad.isfinite().all())


def test_outputs_of_another_network_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"^decode: expected an output \(B,5\+K,h,w\), got \(1, 9\)"
    ):
        fastestdet(torch.zeros(1, 9))
    with pytest.raises(UserError, match=r"^decode: expected 6 outputs: scores, then boxes"):
        nanodet(416)([torch.zeros(1, 4, 2)])
    with pytest.raises(UserError, match=r"^decode: expected 1 cells, got \(1, 4, 32\)"):
        nanodet(8, strides=(8,))([torch.zeros(1, 4, 2), torch.zeros(1, 4, 32)])
    with pytest.raises(UserError, match=r"^decode: expected an output \(B,4\+K,N\)"):
        yolo(objectness=False)(torch.zeros(1, 8, 2, 2))
