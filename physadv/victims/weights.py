"""Weights from files into a network, without unpickling anything."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from physadv.core import UserError, check
from physadv.victims.door import first_line


def load_weights(module: nn.Module, path: str | Path) -> None:
    """Fill a network from a .safetensors file, or a .pt/.pth file that holds tensors only.

    Every name and shape has to match. Raises `UserError` for a file that is missing, truncated,
    no weights or of another network, and then leaves the network as it was.
    """
    weights = read_weights(path)
    _check_match(module.state_dict(), weights, Path(path))
    module.load_state_dict(weights)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read the named tensors of a weights file; see `load_weights`."""
    path = Path(path)
    check_file("weights", path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise UserError(
            "weights",
            expected="a file of tensors only",
            got=f"{path}, which is truncated or holds other objects (these are never unpickled)",
            fix="save module.state_dict() alone, or as .safetensors",
        ) from error
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        raise UserError(
            "weights",
            expected="a readable .safetensors or .pt file",
            got=f"{path} ({first_line(error)})",
            fix="it may be truncated or of another kind; copy or export it anew",
        ) from error
    return _tensors(content, path)


def digest(module: nn.Module) -> str:
    """Return the SHA-256 of a module's weights and buffers with their names, types and shapes."""
    whole = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        whole.update(f"{name} {value.dtype} {tuple(value.shape)};".encode())
        plain = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        whole.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()


def check_file(argument: str, path: Path) -> None:
    """Raise `UserError` unless `path` is a file."""
    got = f"{path} (a folder)" if path.is_dir() else str(path)
    check(path.is_file(), argument, expected="a file that exists", got=got)


def _tensors(content: object, path: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping):
        content = content.get("state_dict", content)
    good = isinstance(content, Mapping) and all(isinstance(v, Tensor) for v in content.values())
    if not isinstance(content, Mapping) or not good:
        raise UserError(
            "weights",
            expected="named tensors (a state_dict)",
            got=f"{path} with a {type(content).__name__}",
            fix="save module.state_dict() alone",
        )
    return dict(content)


def _check_match(expected: Mapping[str, Any], weights: Mapping[str, Tensor], path: Path) -> None:
    faults = [f"{name} is missing" for name in expected if name not in weights]
    faults += [f"{name} is unknown" for name in weights if name not in expected]
    for name in expected.keys() & weights.keys():
        needed, given = tuple(expected[name].shape), tuple(weights[name].shape)
        if needed != given:
            faults.append(f"{name} is {given}, needed {needed}")
    more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
    check(
        not faults,
        "weights",
        expected="the names and shapes of the network",
        got=f"{path}: {', '.join(sorted(faults)[:3])}{more}",
        fix="these are another network's weights",
    )
