"""What a contract raises: which clause is broken, by what, and how far it is off."""

from collections.abc import Iterator
from contextlib import contextmanager

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
    """Raise `ContractError` if what is done inside moves the global random generator."""
    before = torch.get_rng_state()
    yield
    hold(torch.equal(before, torch.get_rng_state()), clause)
