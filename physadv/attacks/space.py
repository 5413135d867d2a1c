"""theta as the numbers a search moves: those that show, a fine colour grid in blocks of cells."""

import torch
from torch import Tensor

from physadv.patch import Patch


class Space:
    """A patch's theta as (n,) numbers; what does not show keeps its place in `base`.

    A colour grid (C,rows,columns) is cut into the smallest square blocks of cells that leave at
    most `most` numbers, one a channel and block; any other theta is taken as it is.
    """

    def __init__(self, patch: Patch, base: Tensor, most: int) -> None:
        """Number the entries of theta: `index` is -1 where an entry is not searched."""
        self.patch, self.base = patch, patch.project(base)
        shows = shown(patch)
        self.index = torch.where(shows, torch.arange(shows.numel()).reshape(shows.shape), -1)
        if len(patch.shape) == 3:
            side = 1
            while True:
                self.index = _blocks(shows, side)
                if len(self.index.unique()) - 1 <= most or side >= max(patch.shape[1:]):
                    break
                side += 1
        self.index = _renumbered(self.index)
        self.inside = self.index >= 0
        self.n = int(self.index.max()) + 1

    def theta(self, numbers: Tensor) -> Tensor:
        """Return the theta of numbers (n,), as near as can be made."""
        theta = self.base.clone()
        theta[self.inside] = numbers[self.index[self.inside]]
        return self.patch.project(theta)

    def numbers(self, theta: Tensor) -> Tensor:
        """Return the means (n,) of a theta over what each number stands for."""
        index, values = self.index[self.inside], theta[self.inside]
        counts = torch.zeros(self.n).scatter_add(0, index, torch.ones_like(values))
        return torch.zeros(self.n).scatter_add(0, index, values) / counts

    def project(self, numbers: Tensor) -> Tensor:
        """Return the numbers (n,) of the nearest theta that can be made."""
        return self.numbers(self.theta(numbers))


def shown(patch: Patch) -> Tensor:
    """Return which entries of theta show, bool of its shape; all where the patch does not say."""
    used = getattr(patch, "used", None)
    if used is None:
        return torch.ones(patch.shape, dtype=torch.bool)
    found: Tensor = used()
    return found.expand(patch.shape)


def _blocks(shows: Tensor, side: int) -> Tensor:
    """Number channels and blocks of side x side cells; -1 where a cell does not show."""
    channels, rows, columns = shows.shape
    across = -(-columns // side)
    y, x = torch.arange(rows) // side, torch.arange(columns) // side
    block = y[:, None] * across + x[None, :]
    whole = torch.arange(channels)[:, None, None] * (int(block.max()) + 1) + block
    return torch.where(shows, whole, -1)


def _renumbered(index: Tensor) -> Tensor:
    """Return the same numbering without gaps."""
    found = index[index >= 0].unique()
    return torch.where(index >= 0, torch.searchsorted(found, index.clamp_min(0)), -1)
