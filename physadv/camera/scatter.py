"""Things scattered over the sensor: what lies where depends on a seed and the place alone."""

import torch
from torch import Tensor

BITS = 15
"""Of each number; four of them come out of one 64-bit word."""

STRIDES = (-0x61C8864680B583EB, 0x2545F4914F6CDD1D)


def chance(seed: Tensor, cell: Tensor, count: int) -> Tensor:
    """Return `count` <= 4 even numbers in (0,1) for seeds (B,) and cells (B,H,W,2), (B,H,W,count).

    Hashed with the finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), so that every
    window on the sensor sees the same things.
    """
    x, y = cell.long().unbind(dim=-1)
    word = _mixed(_mixed(seed.long())[:, None, None] + x * STRIDES[0] + y * STRIDES[1])
    parts = (word[..., None] >> (BITS * torch.arange(count))) & ((1 << BITS) - 1)
    return (parts.float() + 0.5) / (1 << BITS)


def _mixed(word: Tensor) -> Tensor:
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15)):
        word = (word ^ _shifted(word, shift)) * factor
    return word ^ _shifted(word, 31)


def _shifted(word: Tensor, shift: int) -> Tensor:
    """Shift right without the sign."""
    low = (1 << (64 - shift)) - 1
    return (word >> shift) & low
