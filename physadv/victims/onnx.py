"""ONNX files as victims: differentiable through onnx2torch where it can be trusted, else asked."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from physadv.core import UserError, check, generator
from physadv.core.check import one_of
from physadv.victims.classifier import Classifier
from physadv.victims.detector import Decode, Detector
from physadv.victims.door import first_line
from physadv.victims.extra import extra
from physadv.victims.labels import numbered
from physadv.victims.network import count_classes
from physadv.victims.prepare import Prepare
from physadv.victims.weights import check_file

AGREE = 1e-4
"""How far onnx2torch may be from onnxruntime, of the largest output or of 1 if that is more."""
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}

Outputs = Tensor | tuple[Tensor, ...]
"""What a graph gives: one tensor, or one for each of several outputs."""


def onnx_classifier(
    path: str | Path,
    labels: Sequence[str] | None = None,
    prepare: Prepare | None = None,
    *,
    output: str | None = None,
    name: str | None = None,
) -> Classifier:
    """Return the classifier in an ONNX file, which gives scores (B,K) for images.

    `prepare` says how it wants its images (BGR, scale, mean, std, channels last), by default RGB
    in [0,1] of the size the graph declares; `output` names the scores where there are several
    outputs. The victim is differentiable where onnx2torch converts the graph and its outputs are
    onnxruntime's to 1e-4 on a probe batch; otherwise it is a black box through onnxruntime that
    counts its `queries`. Its `note` says which, and why. Raises `UserError` for a file that is no
    such network, or settings that do not fit it.
    """
    session = Session(Path(path), () if output is None else (output,))
    known = ", ".join(session.outputs)
    expected = f"the name of the scores among {known}"
    check(len(session.outputs) == 1, "output", expected=expected, got="nothing")
    ready = prepare_onnx(path) if prepare is None else prepare
    module = _trusted(session, ready)
    names = numbered(count_classes(module, ready)) if labels is None else labels
    return Classifier.of(_fresh(module), names, ready, name=name or Path(path).name)


def onnx_detector(
    path: str | Path,
    labels: Sequence[str],
    prepare: Prepare,
    decode: Decode,
    *,
    outputs: Sequence[str] = (),
    name: str | None = None,
) -> Detector:
    """Return the detector in an ONNX file; `decode` is given its outputs, or those named.

    Otherwise as `onnx_classifier`.
    """
    module = load_onnx(path, prepare, outputs=outputs)
    return Detector(_fresh(module), labels, prepare, decode, name=name or Path(path).name)


def load_onnx(path: str | Path, prepare: Prepare, *, outputs: Sequence[str] = ()) -> nn.Module:
    """Return the graph as a module for what `prepare` gives: converted if it may be, else asked.

    See `onnx_classifier`. The module has `differentiable`, `note` and `queries`.
    """
    return _trusted(Session(Path(path), outputs), prepare)


def prepare_onnx(path: str | Path, size_px: int | tuple[int, int] | None = None) -> Prepare:
    """Return RGB in [0,1], in the layout that a graph declares, of its size or of `size_px`.

    Raises `UserError` where neither says a size.
    """
    shape = [side if isinstance(side, int) else 0 for side in Session(Path(path)).shape]
    last = len(shape) == 4 and shape[3] == 3
    if size_px is not None:
        return Prepare(size_px, channels_last=last)
    sides = shape[1:3] if last else shape[2:4]
    fixed = len(sides) == 2 and min(sides) > 0
    expected = "the height and width that the network was trained with"
    check(fixed, "size_px", expected=expected, got=f"a graph for any size, {shape}")
    return Prepare((sides[0], sides[1]), channels_last=last)


class Session(nn.Module):
    """A black box: the graph as onnxruntime runs it on the CPU; counts the images it is shown."""

    differentiable = False

    def __init__(self, path: Path, outputs: Sequence[str] = ()) -> None:
        """Open the file; `outputs` names those to give, by default all."""
        super().__init__()
        check_file("victim", path)
        self.path, self.session = path, _open(path)
        inputs = self.session.get_inputs()
        names = ", ".join(one.name for one in inputs)
        check(len(inputs) == 1, "victim", expected="an ONNX graph with one input", got=names)
        known = [one.name for one in self.session.get_outputs()]
        for name in outputs:
            one_of("output", name, known)
        self.outputs, self.known = list(outputs) or known, known
        self.input, self.shape, kind = inputs[0].name, inputs[0].shape, inputs[0].type
        expected = "an ONNX graph of floats"
        fix = "export it without the cast of its input; `scale=255` feeds bytes as floats"
        check(kind in TYPES, "victim", expected=expected, got=kind, fix=fix)
        self.dtype, self.queries, self.note = TYPES[kind], 0, ""
        content = hashlib.sha256(path.read_bytes()).digest()
        self.register_buffer("sha256", torch.tensor(list(content), dtype=torch.uint8))

    @property
    def rows(self) -> int:
        """How many images the graph takes at once; 0 for any number."""
        first = self.shape[0] if self.shape else 0
        return first if isinstance(first, int) and first > 0 else 0

    def check_size(self, prepare: Prepare) -> None:
        """Raise `UserError` unless the graph takes what `prepare` gives."""
        declared = [side if isinstance(side, int) else 0 for side in self.shape[1:]]
        given = (*prepare.size, 3) if prepare.channels_last else (3, *prepare.size)
        good = len(declared) == 3 and all(
            side in (0, wanted) for side, wanted in zip(declared, given, strict=True)
        )
        fix = "check size_px and channels_last"
        check(good, "prepare", expected=f"what the graph takes, {self.shape}", got=given, fix=fix)

    def forward(self, batch: Tensor) -> Outputs:
        """Ask onnxruntime; no gradient."""
        self.queries += len(batch)
        return in_pieces(self._run, batch, self.rows)

    def _run(self, batch: Tensor) -> tuple[Tensor, ...]:
        array = np.ascontiguousarray(batch.detach().cpu().numpy().astype(self.dtype))
        answers = self.session.run(self.outputs, {self.input: array})
        return tuple(torch.from_numpy(answer).to(batch.device) for answer in answers)


class Converted(nn.Module):
    """A graph as onnx2torch translates it, with the outputs that were asked for."""

    note = ""

    def __init__(self, graph: nn.Module, session: Session) -> None:
        """Wrap what onnx2torch made of the graph of `session`."""
        super().__init__()
        self.graph, self.rows = graph, session.rows
        self.picks = [session.known.index(name) for name in session.outputs]

    def forward(self, batch: Tensor) -> Outputs:
        """Answer with gradients."""
        return in_pieces(self._run, batch, self.rows)

    def _run(self, batch: Tensor) -> tuple[Tensor, ...]:
        answers = self.graph(batch)
        every = (answers,) if isinstance(answers, Tensor) else tuple(answers)
        return tuple(every[k] for k in self.picks)


def in_pieces(run: Callable[[Tensor], tuple[Tensor, ...]], batch: Tensor, rows: int) -> Outputs:
    """Run a graph that takes `rows` images at once (0: any number) on a batch of any size.

    The last piece is filled up with its own first image.
    """
    pieces = batch.split(rows) if rows else (batch,)
    full = [
        torch.cat([piece, piece[:1].expand(rows - len(piece), -1, -1, -1)])
        if len(piece) < rows
        else piece
        for piece in pieces
    ]
    answers = [run(piece) for piece in full]
    joined = tuple(torch.cat(parts)[: len(batch)] for parts in zip(*answers, strict=True))
    return joined[0] if len(joined) == 1 else joined


def _trusted(session: Session, prepare: Prepare) -> nn.Module:
    """Return the graph converted, where that can be trusted, else as it is."""
    session.check_size(prepare)
    rng = generator(0)
    batch = prepare(torch.rand(2, 3, *prepare.size, generator=rng))
    try:
        wanted = session(batch)
    except Exception as error:  # onnxruntime raises its own kinds, straight from Exception
        expected = f"an ONNX graph that takes {tuple(batch.shape)}"
        got, fix = f"{session.path} ({first_line(error)})", "check size_px and channels_last"
        raise UserError("victim", expected=expected, got=got, fix=fix) from error
    try:
        converted = _converted(session)
        off = _difference(converted, batch, wanted)
    except Exception as error:  # converters fail in as many ways as there are graphs
        session.note = f"black box through onnxruntime: onnx2torch cannot ({first_line(error)})"
        return session
    converted.note = f"differentiable: onnx2torch is within {off:.1e} of onnxruntime"
    return converted


def _open(path: Path) -> Any:
    with extra("onnx"):
        import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        providers = ["CPUExecutionProvider"]
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime raises its own kinds, straight from Exception
        got, fix = f"{path} ({first_line(error)})", "export it anew, with floats"
        raise UserError(
            "victim", expected="an ONNX file that onnxruntime runs", got=got, fix=fix
        ) from error


def _converted(session: Session) -> Converted:
    with extra("onnx"):
        import onnx
        import onnx2torch

    return Converted(onnx2torch.convert(onnx.load(str(session.path))).eval(), session)


def _difference(converted: Converted, batch: Tensor, wanted: Outputs) -> float:
    """Return how far a conversion is off; `ValueError` where that, or its gradient, will not do."""
    with torch.enable_grad():
        asked = batch.detach().clone().requires_grad_()
        got = converted(asked)
        pairs = list(zip(_tuple(got), _tuple(wanted), strict=True))
        smooth = [one.sum() for one, _ in pairs if one.requires_grad]
        total = sum(smooth, torch.zeros(()))
    off = max(_off(one, other) for one, other in pairs)
    if off > AGREE:
        raise ValueError(f"its outputs are off by {off:.1e}, more than {AGREE}")
    if not smooth:
        raise ValueError("no gradient reaches the images")
    (slope,) = torch.autograd.grad(total, asked)
    if not bool(slope.isfinite().all()):
        raise ValueError("its gradients are not finite")
    return off


def _off(got: Tensor, wanted: Tensor) -> float:
    if got.shape != wanted.shape:
        raise ValueError(f"its outputs are {tuple(got.shape)}, not {tuple(wanted.shape)}")
    scale = max(1.0, float(wanted.abs().max()))
    return float((got.detach() - wanted).abs().max()) / scale


def _tuple(outputs: Outputs) -> tuple[Tensor, ...]:
    return (outputs,) if isinstance(outputs, Tensor) else outputs


def _fresh(module: nn.Module) -> nn.Module:
    """Return the module with no queries counted: those so far were ours."""
    if isinstance(module, Session):
        module.queries = 0
    return module
