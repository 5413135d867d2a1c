"""How users name a victim: a file, a function in one, a model of a framework, an address."""

import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import torch
from torch import nn

from physadv.core import Encoded, UserError, check
from physadv.victims.classifier import Classifier
from physadv.victims.detector import Detector
from physadv.victims.door import first_line
from physadv.victims.ensemble import Ensemble
from physadv.victims.frameworks import PREFIXES, Given, foreign, is_address
from physadv.victims.labels import numbered
from physadv.victims.network import count_classes
from physadv.victims.prepare import Prepare
from physadv.victims.python_file import call_function
from physadv.victims.remote import Remote
from physadv.victims.victim import Victim
from physadv.victims.weights import check_file, read_weights

SCRIPTS = (".pt", ".pth", ".ts")
OTHERS = (".ckpt", ".engine", ".h5", ".keras", ".mlmodel", ".pb", ".tflite")
"""Endings of networks that are not read here."""
EXPECTED = (
    '"bundled", path/to/file.py:function, a TorchScript (.pt, .pth, .ts), .onnx or .safetensors '
    "file, torchvision:NAME:FILE, timm:NAME:FILE or http(s)://..."
)

Loaded = Classifier | Detector | Ensemble | Remote
"""What `load_victim` returns."""


def load_victim(
    spec: str,
    *,
    labels: Sequence[str] | Path | None = None,
    size_px: int | tuple[int, int] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Loaded:
    """Return the victim that `spec` names, after asking it about one black image.

    "bundled" is the recogniser inside this package; "path/to/file.py:function" calls a function
    that returns an `nn.Module` or a victim; a .pt, .pth or .ts file is TorchScript, an .onnx file
    a classifier in ONNX; a .safetensors file holds weights made by `physadv train gtsrb`.
    "torchvision:NAME:FILE" and "timm:NAME:FILE" are architectures filled with a file of weights
    (random ones without a file: there is a warning). "http://..." and "https://..." are remote
    classifiers that take and give JSON as `Wire()` says, and are not asked yet. A network
    alone needs `size_px`, one number or (height, width); without `labels` (names, or a file as
    in `read_labels`) its classes are "class 0", "class 1"... A victim brings all this itself.
    Raises `UserError` for whatever does not load or does not answer.
    """
    given = Given(labels, size_px, mean, std)
    framed = foreign(spec, given)
    if framed is not None:
        return framed if isinstance(framed, Remote) else _answering(framed)
    found = _find(spec)
    if not isinstance(found, nn.Module):
        given.refuse(spec)
        return found if isinstance(found, Remote) else _answering(found)
    if size_px is None:
        expected = "the height and width that the network was trained with"
        raise UserError("size_px", expected=expected, got="nothing", fix="give it, e.g. 48")
    ready = given.over(Prepare(size_px))
    known = given.names
    names = numbered(count_classes(found, ready)) if known is None else known
    return _answering(Classifier.of(found, names, ready, name=Path(spec).name))


def load_beside(spec: str, victim: Victim) -> Loaded:
    """Return the victim that `spec` names, as `load_victim` does, to be compared with another.

    What does not name its classes is taken to have the other's, in their order: a network in a
    file, one of a framework, one at an address. TorchScript and addresses get its size, too.
    """
    sized = is_address(spec) or spec.endswith(SCRIPTS)
    bare = sized or spec.endswith(".onnx") or spec.partition(":")[0] in PREFIXES
    names, size_px = (victim.labels if bare else None), (victim.size_px if sized else None)
    return load_victim(spec, labels=names, size_px=size_px)


def _find(spec: str) -> nn.Module | Loaded:
    if spec == "bundled":
        from physadv.victims.bundled import bundled

        return bundled()
    if spec.endswith(".safetensors"):
        from physadv.victims.bundled import recogniser

        return recogniser(Path(spec))
    path, colon, function = spec.rpartition(":")
    if colon and path.endswith(".py"):
        return _network(call_function("victim", Path(path), function), spec)
    if spec.endswith(".py"):
        fix = "add the function's name after a colon"
        raise UserError("victim", expected=EXPECTED, got=repr(spec), fix=fix)
    known, fix = Path(spec).suffix in SCRIPTS, _advice(spec)
    check(known, "victim", expected=EXPECTED, got=repr(spec), fix=fix)
    return _script(Path(spec))


def _advice(spec: str) -> str:
    """Return what to do about a spec that names nothing."""
    prefix, colon, rest = spec.partition(":")
    if colon and len(prefix) > 1:  # C:\ is a drive
        near = get_close_matches(prefix, PREFIXES, n=1)
        guess = f"did you mean {near[0]}:{rest}?" if near else ""
        return guess or "the prefixes are " + ", ".join(f"{one}:" for one in PREFIXES)
    if Path(spec).suffix.lower() in OTHERS:
        return "export it to .onnx, or give a file.py:function that wraps it"
    return f"torchvision:{spec}:FILE takes its weights from FILE" if spec.isidentifier() else ""


def _network(found: object, spec: str) -> nn.Module | Loaded:
    if isinstance(found, nn.Module | Loaded):
        return found
    raise UserError(
        "victim",
        expected=f"{spec} to return a torch.nn.Module or a physadv Classifier",
        got=type(found).__name__,
    )


def _script(path: Path) -> nn.Module:
    check_file("victim", path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # users still have TorchScript files
            module: nn.Module = torch.jit.load(str(path), map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        raise UserError(
            "victim",
            expected="a TorchScript file",
            got=f"{path} ({_instead(path, error)})",
            fix="name a file.py:function that builds the network and fills it with load_weights",
        ) from error
    return module


def _instead(path: Path, error: Exception) -> str:
    try:
        return f"{len(read_weights(path))} weights without their network"
    except UserError:
        return first_line(error)


def _answering(victim: Classifier | Detector | Ensemble) -> Loaded:
    """Return the victim after asking it about one black image."""
    module = getattr(victim, "module", None)
    like = next(module.parameters(), torch.zeros(())) if module is not None else torch.zeros(())
    with torch.no_grad():
        victim(Encoded(torch.zeros(1, 3, *victim.size_px, device=like.device)))
    return victim
