"""Where tensors are: photographs are taken where the victim is, all the rest is done on the CPU.

Inside `on(device)` whatever makes a tensor makes it there, so that effects name no device.
Conditions are drawn, and windows placed, on the CPU; then they are moved.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from physadv.core.check import UserError

P = ParamSpec("P")
T = TypeVar("T")

CPU = torch.device("cpu")
KEPT = 32
"""Results that `kept` and `here` remember of each function, for each kind of device."""


def device_now() -> torch.device:
    """Return where tensors are being made."""
    return torch.get_default_device()


def on(device: torch.device) -> AbstractContextManager[object]:
    """Make tensors on `device` inside the `with` block; costs nothing where they are already."""
    return nullcontext() if device == device_now() else device


def device_of(thing: object) -> torch.device:
    """Return the `device` of whatever says it has one, else the CPU."""
    device = getattr(thing, "device", CPU)
    return device if isinstance(device, torch.device) else CPU


def find_device(name: str) -> torch.device:
    """Return the device of a name as torch has it ("cpu", "cuda", "cuda:1").

    Raises `UserError` where there is none such on this machine.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        expected = "a device of this machine: cpu, cuda, cuda:1"
        fix = str(error).strip().splitlines()[0].split(". ")[0]
        raise UserError("device", expected=expected, got=repr(name), fix=fix) from error
    return device


def moved(value: T, device: torch.device) -> T:
    """Return a value with all tensors in it on `device`: in dataclasses, mappings, sequences."""
    return _moved(value, device)  # type: ignore[no-any-return]  # the type is kept, piece by piece


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, Mapping):
        return {name: _moved(one, device) for name, one in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(_moved(one, device) for one in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    old = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    new = {name: _moved(one, device) for name, one in old.items()}
    changed = {name: one for name, one in new.items() if one is not old[name]}
    return replace(value, **changed) if changed else value


def kept(build: Callable[P, T]) -> Callable[P, T]:
    """Remember what a function builds on the CPU, and a copy of it on each device that asks.

    Arguments must be hashable; the result must not be written to.
    """

    @lru_cache(maxsize=KEPT)
    def on_cpu(*args: P.args, **kwargs: P.kwargs) -> T:
        with on(CPU):
            return build(*args, **kwargs)

    @lru_cache(maxsize=KEPT)
    def elsewhere(device: torch.device, *args: P.args, **kwargs: P.kwargs) -> T:
        return moved(on_cpu(*args, **kwargs), device)  # type: ignore[arg-type]  # hashable

    @wraps(build)
    def found(*args: P.args, **kwargs: P.kwargs) -> T:
        device = device_now()
        if device == CPU:
            return on_cpu(*args, **kwargs)  # type: ignore[arg-type]  # hashable, as said
        return elsewhere(device, *args, **kwargs)  # type: ignore[arg-type]  # hashable

    return found


@kept
def _same(value: T) -> T:
    return value


def here(value: T) -> T:
    """Return what was made on the CPU where tensors are made now; each is moved there once."""
    return value if device_now() == CPU else _same(value)
