"""Every patch keeps the contract; the contract catches those that do not."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

import physadv.patch
from physadv.core import generator
from physadv.patch import (
    Bars,
    Camouflage,
    FewInks,
    Glyphs,
    Latent,
    Patch,
    Pixels,
    Strokes,
    Waves,
    read_inks,
)
from physadv.scene import render, sign
from physadv.testing import ContractError, check_patch
from tests.worlds import two_bars

SIZE = (900.0, 900.0)
MIXTURE = torch.randn(6, 3 * 8 * 8, generator=generator(0))


def made(latent: Tensor) -> Tensor:
    """Generate a picture of 8 x 8 pixels."""
    return torch.sigmoid(latent @ MIXTURE).reshape(-1, 3, 8, 8)


PATCHES: dict[str, Patch] = {
    "pixels": Pixels(two_bars(), 50.0),
    "few inks": FewInks(two_bars(), read_inks(("black", "white", "gold")), 50.0),
    "bars": Bars(SIZE, 400.0, 60_000.0),
    "grey bars": Bars(SIZE, 400.0, 20_000.0, count=3, grey=True),
    "strokes": Strokes(SIZE, 400.0),
    "glyphs": Glyphs(SIZE, 400.0, "AB8"),
    "waves": Waves(two_bars(), 5),
    "camouflage": Camouflage(two_bars(), render(sign("stop"), 256), 12.0, 50.0),
    "latent": Latent(two_bars(), made, 6),
}


@pytest.mark.parametrize("name", PATCHES)
def test_patch(name: str) -> None:
    for seed in range(3):
        check_patch(PATCHES[name], seed=seed)


def test_every_patch_is_tried() -> None:
    exported = [getattr(physadv.patch, name) for name in physadv.patch.__all__]
    kinds = {one for one in exported if isinstance(one, type) and hasattr(one, "touch")} - {Patch}
    assert {type(patch) for patch in PATCHES.values()} == kinds


@dataclass(frozen=True)
class Growing(Pixels):
    """Projects a little farther each time."""

    def project(self, theta: Tensor) -> Tensor:
        """Return something else than the nearest theta."""
        return theta * 0.9


@dataclass(frozen=True)
class Noisy(Pixels):
    """Takes chance from the global generator."""

    def start(self, rng: torch.Generator) -> Tensor:
        """Return a theta that the seed does not tell."""
        return torch.rand(self.shape)


@pytest.mark.parametrize(
    ("kind", "clause"), [(Growing, "can be made"), (Noisy, "global generator")]
)
def test_what_breaks_it_is_caught(kind: type[Pixels], clause: str) -> None:
    with pytest.raises(ContractError, match=clause):
        check_patch(kind(two_bars(), 50.0))
