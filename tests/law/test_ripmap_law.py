"""Averages taken beforehand: whole texels exactly, nothing beyond the edges, near the true mean."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.core import generator
from physadv.scene.ripmap import READS, read, ripmap
from physadv.scene.texture import sample, texture

SIDE = 32


def noise(channels: int = 2, height: int = SIDE, width: int = SIDE) -> Tensor:
    return torch.rand(1, channels, height, width, generator=generator(0))


def grid(rows: int, columns: int, reach: float = 1.0) -> Tensor:
    """Return the middles of rows x columns cells over -reach..reach, (1,H,W,2)."""
    y, x = (((torch.arange(n) + 0.5) / n * 2 - 1) * reach for n in (rows, columns))
    return torch.stack(torch.broadcast_tensors(x, y[:, None]), dim=-1)[None]


def half(width: float, height: float) -> Tensor:
    """Return half the sides of a footprint given in texels."""
    return torch.tensor([width, height]).reshape(1, 1, 1, 2) / SIDE


def test_an_even_texture_stays_even_inside() -> None:
    inside = grid(8, 8, reach=0.4)
    for size in (1.0, 3.0, 8.0):
        found = read(ripmap(torch.full((1, 1, SIDE, SIDE), 0.7)), inside, half(size, size))
        torch.testing.assert_close(found, torch.full_like(found, 0.7), atol=1e-4, rtol=0)


@pytest.mark.parametrize("place", [-3.0, -1.6, 1.6, 3.0])
def test_beyond_the_edge_there_is_nothing(place: float) -> None:
    for axis in (0, 1):
        at = torch.zeros(1, 2, 2, 2)
        at[..., axis] = place
        assert float(read(ripmap(noise()), at, half(4, 4)).abs().max()) == 0


@pytest.mark.parametrize(("width", "more"), [(2.0, 0.12), (4.0, 0.06), (8.0, 0.06)])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_point_spreads_as_a_box_does(width: float, more: float, axis: int) -> None:
    """A texel and a box of a width that is averaged: the variance is 1/12 + width^2 / 12 texels.

    Up to a share of `more`, as places are few; those of the widest lie two texels apart.
    """
    point = torch.zeros(1, 1, SIDE, SIDE)
    point[..., SIDE // 2, SIDE // 2] = 1
    lines = 8 * SIDE
    seen = read(ripmap(point), grid(lines, lines), half(width, width))[0, 0]
    along = seen.sum(dim=1 - axis) / seen.sum()
    place = (torch.arange(lines) + 0.5) / 8
    mean = float((along * place).sum())
    assert mean == pytest.approx(SIDE / 2 + 0.5, abs=1e-3 if width <= READS else 0.3)
    spread = float((along * (place - mean) ** 2).sum())
    assert 1 - 0.02 < spread / ((1 + width**2) / 12) < 1 + more
    assert float(seen.mean()) == pytest.approx(1 / SIDE**2, rel=1e-3)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (4, 4), (8, 8), (8, 2), (2, 8)])
def test_means_are_near_those_of_sums(width: int, height: int) -> None:
    pixels = interpolate(noise(height=8, width=8), (SIDE, SIDE), mode="bicubic")
    at = grid(24, 40, reach=0.7)
    own = read(ripmap(pixels), at, half(width, height))
    right = sample(texture(pixels), at, half(width, height))
    assert float((own - right).square().mean().sqrt()) < 0.02
    assert abs(float((own - right).mean())) < 1e-3


def test_each_picture_is_read_at_its_own_size() -> None:
    sizes, at = [(1.0, 1.0), (6.0, 2.0), (3.0, 9.0)], grid(10, 10)
    source = ripmap(noise())
    both = torch.cat([half(*size) for size in sizes])
    together = read(source, at.expand(3, -1, -1, -1), both)
    alone = [read(source, at, half(*size)) for size in sizes]
    torch.testing.assert_close(together, torch.cat(alone, dim=1))


def test_sides_may_differ() -> None:
    pixels = noise(height=20, width=48)
    at, size = grid(20, 48, reach=0.5), torch.tensor([4 / 48, 4 / 20]).reshape(1, 1, 1, 2)
    right = sample(texture(pixels), at, size)
    assert float((read(ripmap(pixels), at, size) - right).abs().mean()) < 0.03
