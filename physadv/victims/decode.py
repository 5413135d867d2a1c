"""What detectors' dense outputs mean: FastestDet, NanoDet, and the heads of the YOLO family."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from physadv.core import Detections, check

LEAST = 1e-9
"""Powers of scores have an infinite slope at 0; below this they have none."""


def fastestdet(output: Tensor) -> Detections:
    """Decode FastestDet's output (B,5+K,h,w), one candidate a cell of 16x16 px; no anchors.

    Channels: objectness (sigmoid applied), t1..t4 of the box, class probabilities (softmax
    applied). Centre (column + tanh t1, row + tanh t2) cells, width and height sigmoid t3 and t4 of
    the whole image; score = objectness^0.6 * probability^0.4 of the best class.
    Source: dog-qiuqiu/FastestDet, utils/tool.py.
    """
    output = _expected(output, ndim=4, least=6, shape="(B,5+K,h,w)")
    cells, (height, width) = output.flatten(2).mT, output.shape[2:]
    sides = cells.new_tensor([width, height]) * 16
    centres = (_grid(height, width, cells) + cells[..., 1:3].tanh()) * 16
    boxes = _around(centres, cells[..., 3:5].sigmoid() * sides)
    objectness = cells[..., :1].clamp_min(LEAST).pow(0.6)
    scores = objectness * cells[..., 5:].clamp_min(LEAST).pow(0.4)
    return _all(scores, boxes, one_class=True)


def nanodet(
    size_px: int | tuple[int, int], strides: Sequence[int] = (8, 16, 32)
) -> Callable[[Sequence[Tensor]], Detections]:
    """Return the decoder of NanoDet's heads for images of `size_px` (one number or (h, w)).

    Outputs: class scores (B,cells,K) of every stride (sigmoid applied), then as many box
    distributions (B,cells,4*bins): softmax over the bins, expectation of 0..bins-1, times the
    stride, is the distance from the cell's centre to the left, top, right and bottom side
    (generalised focal loss, Li et al. 2020). Source: RangiLyu/nanodet, nanodet_head.py.
    """
    height, width = (size_px, size_px) if isinstance(size_px, int) else size_px

    def decode(outputs: Sequence[Tensor]) -> Detections:
        want = f"{2 * len(strides)} outputs: scores, then boxes, of strides {tuple(strides)}"
        count = len(outputs)
        check(count == 2 * len(strides), "decode", expected=want, got=f"{count} outputs")
        scores, sides = outputs[: len(strides)], outputs[len(strides) :]
        boxes = [
            _from_sides(one, -(-height // stride), -(-width // stride), stride)
            for one, stride in zip(sides, strides, strict=True)
        ]
        return _all(torch.cat(list(scores), dim=1), torch.cat(boxes, dim=1))

    return decode


def yolo(*, objectness: bool) -> Callable[[Tensor | Sequence[Tensor]], Detections]:
    """Return the decoder of the heads that YOLO exports: boxes (x, y, w, h) in the input's pixels.

    With `objectness` the output is (B,N,5+K) as YOLOv5 and v7 give it, score = objectness * class
    probability; without, it is (B,4+K,N) as YOLOv8 and later give it (sigmoid applied in both).
    Source: ultralytics/yolov5 and ultralytics/ultralytics, non_max_suppression.
    """

    def decode(output: Tensor | Sequence[Tensor]) -> Detections:
        first = output if isinstance(output, Tensor) else output[0]
        shape = "(B,N,5+K)" if objectness else "(B,4+K,N)"
        rows = _expected(first, ndim=3, least=1, shape=shape)
        rows = rows if objectness else rows.mT
        scores = rows[..., 5:] * rows[..., 4:5] if objectness else rows[..., 4:]
        return _all(scores, _around(rows[..., :2], rows[..., 2:4]))

    return decode


def _expected(output: object, *, ndim: int, least: int, shape: str) -> Tensor:
    got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    good = isinstance(output, Tensor) and output.ndim == ndim and output.shape[1] >= least
    check(good, "decode", expected=f"an output {shape}", got=got, fix="give the network's decoder")
    assert isinstance(output, Tensor)
    return output


def _grid(height: int, width: int, like: Tensor) -> Tensor:
    """Return (column, row) of the cells of a grid, row by row, (height*width,2)."""
    rows, columns = torch.arange(height).to(like), torch.arange(width).to(like)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1).reshape(-1, 2)


def _around(centres: Tensor, sizes: Tensor) -> Tensor:
    return torch.cat([centres - sizes / 2, centres + sizes / 2], dim=-1)


def _from_sides(output: Tensor, height: int, width: int, stride: int) -> Tensor:
    rows, got = height * width, tuple(output.shape)
    check(len(got) == 3 and got[1] == rows, "decode", expected=f"{rows} cells", got=got)
    bins = output.unflatten(2, (4, -1)).softmax(dim=3)
    distance = (bins * torch.arange(bins.shape[3]).to(bins)).sum(dim=3) * stride
    centres = (_grid(height, width, output) + 0.5) * stride
    return torch.cat([centres - distance[..., :2], centres + distance[..., 2:]], dim=-1)


def _all(scores: Tensor, boxes: Tensor, *, one_class: bool = False) -> Detections:
    valid = torch.ones_like(scores[..., 0], dtype=torch.bool)
    return Detections(scores, boxes=boxes, valid=valid, one_class=one_class)
