"""Small ONNX classifiers written node by node, and their answers by torch's own functions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor
from torch.nn.functional import conv2d

from physadv.core import generator

CLASSES = 4


def weights(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return a convolution's kernels (6,3,3,3), its bias (6,), and the head (4,6)."""
    rng = generator(seed)
    kernels, bias = torch.randn(6, 3, 3, 3, generator=rng), torch.randn(6, generator=rng)
    return kernels, bias, torch.randn(CLASSES, 6, generator=rng)


def wanted(batch: Tensor, *, normalised: bool = False) -> Tensor:
    """Return the scores of the network that `write` writes, for (B,3,H,W)."""
    kernels, bias, head = (one.to(batch) for one in weights())
    maps = conv2d(batch, kernels, bias, padding=1)
    if normalised:
        mean = maps.mean(dim=(0, 2, 3), keepdim=True)
        maps = (maps - mean) / maps.std(dim=(0, 2, 3), keepdim=True, correction=0)
    return maps.relu().mean(dim=(2, 3)) @ head.T


def write(
    path: Path,
    *,
    shape: Sequence[int | str] = ("N", 3, "H", "W"),
    extra: str = "",
    channels_last: bool = False,
    outputs: Sequence[str] = ("scores", "pooled"),
) -> Path:
    """Write the network: convolution, `extra`, ReLU, mean over the image, linear head.

    `extra` is "" or the name of an operator without attributes. Its outputs are "scores", and the
    means they are made of, "pooled".
    """
    kernels, bias, head = weights()
    weight = {"kernels": kernels, "bias": bias, "head": head.T.contiguous()}
    nodes = [
        *([_node("Transpose", ["x"], "first", perm=[0, 3, 1, 2])] if channels_last else []),
        _node("Conv", ["first" if channels_last else "x", "kernels", "bias"], "maps", pads=[1] * 4),
        *([_node(extra, ["maps"], "changed")] if extra else []),
        _node("Relu", ["changed" if extra else "maps"], "positive"),
        _node("GlobalAveragePool", ["positive"], "mean"),
        _node("Flatten", ["mean"], "pooled"),
        _node("MatMul", ["pooled", "head"], "scores"),
    ]
    constants = {name: value.numpy() for name, value in weight.items()}
    widths = {"scores": CLASSES, "pooled": 6}
    sizes = [(name, [shape[0], widths[name]]) for name in outputs]
    return _saved(
        path, nodes, ("x", list(shape)), sizes, kind=TensorProto.FLOAT, constants=constants
    )


def write_mean(path: Path, *, kind: int) -> Path:
    """Write the mean of each colour, RGB in, three scores out."""
    mean = _node("ReduceMean", ["x"], "scores", axes=[2, 3], keepdims=0)
    given: Value = ("x", ["N", 3, "H", "W"])
    return _saved(path, [mean], given, [("scores", ["N", 3])], kind=kind)


Value = tuple[str, list[int | str]]
"""The name and shape of what goes into a graph or comes out of it."""


def _saved(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    given: Value,
    outputs: Sequence[Value],
    *,
    kind: int,
    constants: Mapping[str, np.ndarray] | None = None,
) -> Path:
    inside, *outside = [
        helper.make_tensor_value_info(name, kind, shape) for name, shape in (given, *outputs)
    ]
    fixed = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(nodes, "small", [inside], outside, fixed)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path


def _node(operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, list(inputs), [output], **attributes)
