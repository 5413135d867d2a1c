"""Chance: seeds go in, a CPU `torch.Generator` travels; no global generator is read or set."""

import hashlib

import torch


def generator(seed: int) -> torch.Generator:
    """Return a fresh CPU generator for `seed` (any int; only its low 63 bits count)."""
    return torch.Generator().manual_seed(seed % 2**63)


def spawn(seed: int, *names: str | int) -> int:
    """Derive an independent seed for a named purpose: spawn(7, "judge", 3)."""
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
