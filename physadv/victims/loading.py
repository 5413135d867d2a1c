"""How users name a victim: "bundled", "path/to/file.py:function", or a TorchScript file."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from physadv.core import Encoded, UserError, check
from physadv.victims.classifier import Classifier
from physadv.victims.door import ask, check_scores, first_line
from physadv.victims.labels import read_labels
from physadv.victims.python_file import call_function
from physadv.victims.weights import check_file, read_weights

SCRIPTS = (".pt", ".pth", ".ts")


def load_victim(
    spec: str,
    *,
    labels: Sequence[str] | Path | None = None,
    size_px: int | tuple[int, int] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Classifier:
    """Return the victim that `spec` names, after asking it about one black image.

    "bundled" is the recogniser inside this package; "path/to/file.py:function" calls a function
    that returns an `nn.Module` or a `Classifier`; a .pt, .pth or .ts file is TorchScript; a
    .safetensors file holds weights made by `physadv train gtsrb`. A network
    alone needs `size_px`, one number or (height, width); without `labels` (names, or a file as
    in `read_labels`) its classes are "class 0", "class 1"... A `Classifier` brings all this itself.
    Raises `UserError` for whatever does not load or does not answer.
    """
    found = _find(spec)
    if isinstance(found, Classifier):
        _refuse(spec, labels=labels, size_px=size_px, mean=mean, std=std)
        return _answering(found)
    if size_px is None:
        expected = "the height and width that the network was trained with"
        raise UserError("size_px", expected=expected, got="nothing", fix="give it, e.g. 48")
    victim = Classifier(
        found,
        () if labels is None else read_labels(labels),
        size_px=size_px,
        mean=(0.0, 0.0, 0.0) if mean is None else mean,
        std=(1.0, 1.0, 1.0) if std is None else std,
        name=Path(spec).name,
    )
    if labels is None:
        victim.labels = _numbered(victim)
    return _answering(victim)


def _find(spec: str) -> nn.Module | Classifier:
    if spec == "bundled":
        from physadv.victims.bundled import bundled

        return bundled()
    if spec.endswith(".safetensors"):
        from physadv.victims.bundled import recogniser

        return recogniser(Path(spec))
    path, colon, function = spec.rpartition(":")
    if colon and path.endswith(".py"):
        return _network(call_function("victim", Path(path), function), spec)
    expected = '"bundled", path/to/file.py:function, or a TorchScript file (.pt, .pth, .ts)'
    if spec.endswith(".py"):
        fix = "add the function's name after a colon"
        raise UserError("victim", expected=expected, got=repr(spec), fix=fix)
    known = Path(spec).suffix in (*SCRIPTS, ".safetensors")
    check(known, "victim", expected=expected, got=repr(spec))
    return _script(Path(spec))


def _network(found: object, spec: str) -> nn.Module | Classifier:
    if isinstance(found, nn.Module | Classifier):
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


def _refuse(spec: str, **options: object) -> None:
    for name, value in options.items():
        fix = f"{spec} brings its own"
        check(value is None, name, expected="nothing", got=repr(value), fix=fix)


def _black(victim: Classifier) -> Tensor:
    like = next(victim.module.parameters(), torch.zeros(()))
    return torch.zeros(1, 3, *victim.size_px, device=like.device)


def _numbered(victim: Classifier) -> tuple[str, ...]:
    like = next(victim.module.parameters(), torch.zeros(()))
    with torch.no_grad():
        scores = ask(victim.module, _black(victim).to(like.dtype))
    count = check_scores(scores, rows=1, values=False).shape[1]
    return tuple(f"class {k}" for k in range(count))


def _answering(victim: Classifier) -> Classifier:
    with torch.no_grad():
        victim(Encoded(_black(victim)))
    return victim
