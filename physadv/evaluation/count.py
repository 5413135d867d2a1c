"""How many images a victim is asked about, black box or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from physadv.victims import Ensemble, KeptFile, Remote, Victim


@dataclass
class Asked:
    """The `images` a victim was asked about, None where that cannot be counted."""

    images: int | None = None


@contextmanager
def counting(victim: Victim) -> Iterator[Asked]:
    """Count while the context is open, behind a camera too; the sum stands when it closes.

    Networks are counted where images go in, whoever hands them over; black boxes count by
    themselves, and of an attack that goes on what was asked before is counted.
    """
    inner: Any = getattr(victim, "victim", victim)
    found, module = Asked(), getattr(inner, "module", None)
    if isinstance(module, nn.Module):
        found.images = 0

        def count(called: nn.Module, inputs: tuple[Any, ...], _output: Any) -> None:
            if called is module and inputs:
                found.images = (found.images or 0) + len(inputs[0])

        scripted = isinstance(module, torch.jit.ScriptModule)  # these take no hook of their own
        handle = (register_module_forward_hook if scripted else module.register_forward_hook)(count)
        try:
            yield found
        finally:
            handle.remove()
        return
    before = _sent(inner)
    try:
        yield found
    finally:
        found.images = None if before is None else (_sent(inner) or 0) - before


def _sent(box: Any) -> int | None:
    """Return the images that a black box, or those in an ensemble, was sent, now or before."""
    if not hasattr(box, "queries"):
        return None
    files = {id(one): one for one in kept_files(box)}
    return int(box.queries) + sum(one.again for one in files.values())


def kept_files(victim: Any) -> list[KeptFile]:
    """Return the files that the answers of remote victims, or of an ensemble's, are kept in."""
    return [one.answers for one in remotes(victim) if isinstance(one.answers, KeptFile)]


def remotes(victim: Any) -> list[Remote]:
    """Return the remote victims in a victim: itself, or those in an ensemble."""
    if isinstance(victim, Ensemble):
        return [one for member in victim.victims for one in remotes(member)]
    return [victim] if isinstance(victim, Remote) else []
