"""What a contract raises: which clause is broken, by what, and how far it is off."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


class ContractError(AssertionError):
    """A contract does not hold; the message is the clause."""


def hold(holds: bool, clause: str, found: object = "") -> None:
    """Raise `ContractError` unless `holds`."""
    if not holds:
        raise ContractError(f"{clause}; found: {found}" if found != "" else clause)


def near(one: Tensor, other: Tensor, clause: str, tolerance: float) -> None:
    """Raise `ContractError` unless both have one shape and differ by at most `tolerance`."""
    hold(one.shape == other.shape, clause, f"shapes {tuple(one.shape)}, {tuple(other.shape)}")
    off = float((one.detach() - other.detach()).abs().max()) if one.numel() else 0.0
    hold(off <= tolerance, clause, f"off by {off:.2g}")


@contextmanager
def no_chance_from_outside(clause: str) -> Iterator[None]:
    """Raise `ContractError` if what is done inside moves a global random generator."""
    before, others = torch.get_rng_state(), _other_states()
    yield
    hold(torch.equal(before, torch.get_rng_state()) and others == _other_states(), clause)


def _other_states() -> str:
    """Return where numpy's and Python's own global generators are."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    return repr((kind, np.asarray(keys).tolist(), rest, random.getstate()))
