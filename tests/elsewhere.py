"""A device that no machine needs to have: its tensors cannot meet the CPU's, and reads are counted.

It says it is torch's `meta` device, but its tensors hold values, which are computed on the CPU.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

ELSEWHERE = torch.device("meta")
READS = ("_local_scalar_dense", "nonzero")
"""Operations that halt an accelerator's queue until a value has come back."""


class Far(Tensor):
    """A tensor of that device; `held` are its values."""

    held: Tensor

    @staticmethod
    def __new__(cls: type["Far"], held: Tensor) -> "Far":
        made: Far = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=ELSEWHERE,
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]  # torch's stub lacks func
        return _run(func, args, kwargs or {}, [])


class _Apart(TorchDispatchMode):
    """Sees every operation, also those that make tensors out of nothing."""

    def __init__(self, reads: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.reads = reads

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {}, self.reads)


class _FromValues(TorchFunctionMode):
    """Makes tensors of numbers on the CPU and moves them, which torch does out of sight."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = dict(kwargs or {})
        if func is Tensor.new_tensor and isinstance(args[0], Far):
            return torch.tensor(args[1], dtype=options.get("dtype", args[0].dtype)).to(ELSEWHERE)
        if func in (torch.tensor, torch.as_tensor) and options.get("device") == ELSEWHERE:
            del options["device"]
            return func(*args, **options).to(ELSEWHERE)
        return func(*args, **options)


@contextmanager
def apart() -> Iterator[list[str]]:
    """Have that device inside the block; yields the list of the reads that halted it."""
    reads: list[str] = []
    with _FromValues(), _Apart(reads):
        yield reads


def _run(func: Callable[..., Any], args: Any, kwargs: dict[str, Any], reads: list[str]) -> Any:
    name = func.overloadpacket.__name__  # type: ignore[attr-defined]  # an operation has one
    flat = tree_flatten((args, kwargs))[0]
    tensors = [one for one in flat if isinstance(one, Tensor)]
    far = [one for one in tensors if isinstance(one, Far)]
    near = [one for one in tensors if not isinstance(one, Far) and one.ndim > 0]
    if far and near and name not in ("_to_copy", "copy_"):
        shapes = [tuple(one.shape) for one in near]
        raise RuntimeError(f"{func}: tensors on two devices; the CPU's are {shapes}")
    if far and name in READS:
        reads.append(name)
    wanted = kwargs.get("device")
    outside = bool(far) if wanted is None else torch.device(wanted) == ELSEWHERE
    held = {key: _held(value) for key, value in kwargs.items()}
    if wanted is not None:
        held["device"] = torch.device("cpu")
    found = func(*tree_map(_held, args), **held)
    if name.endswith("_") and not name.startswith("__") and tensors:
        return args[0]
    return tree_map(_far, found) if outside else found


def _held(value: object) -> object:
    if isinstance(value, list | tuple):
        return type(value)(_held(one) for one in value)
    return value.held if isinstance(value, Far) else value


def _far(value: object) -> object:
    return Far(value) if isinstance(value, Tensor) else value
