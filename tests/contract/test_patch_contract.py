"""Every patch keeps the contract; the contract catches those that do not."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

import physadv.patch
from physadv.core import Lighting, generator
from physadv.patch import (
    Bars,
    Camouflage,
    FewInks,
    Glyphs,
    LaserLine,
    Latent,
    LensDots,
    Patch,
    Pixels,
    Projection,
    ShadowPolygon,
    Strokes,
    Waves,
    read_inks,
)
from physadv.scene import render, sign
from physadv.testing import ContractError, check_patch
from tests.worlds import two_bars

SIZE, SQUARE = (600.0, 900.0), (900.0, 900.0)
MIXTURE = torch.randn(6, 3 * 8 * 8, generator=generator(0))


def made(latent: Tensor) -> Tensor:
    """Generate a picture of 8 x 8 pixels."""
    return torch.sigmoid(latent @ MIXTURE).reshape(-1, 3, 8, 8)


PATCHES: dict[str, Patch] = {
    "pixels": Pixels(two_bars(SIZE), 60.0),
    "shadow": ShadowPolygon(SIZE),
    "shadow of five corners": ShadowPolygon(SIZE, corners=5, penumbra_mm=0.0, reach_ratio=0.0),
    "laser": LaserLine(SIZE),
    "two lasers": LaserLine(SIZE, lines=2),
    "projector": Projection(SIZE),
    "dots": LensDots(),
    "few inks": FewInks(two_bars(), read_inks(("black", "white", "gold")), 50.0),
    "bars": Bars(SQUARE, 400.0, 60_000.0),
    "grey bars": Bars(SQUARE, 400.0, 20_000.0, count=3, grey=True),
    "strokes": Strokes(SQUARE, 400.0),
    "glyphs": Glyphs(SQUARE, 400.0, "AB8"),
    "waves": Waves(two_bars(), 5),
    "camouflage": Camouflage(two_bars(), render(sign("stop"), 256), 12.0, 50.0),
    "latent": Latent(two_bars(), made, 6),
}


@pytest.mark.parametrize("name", PATCHES)
def test_patches_keep_the_contract(name: str) -> None:
    check_patch(PATCHES[name])
    check_patch(PATCHES[name], seed=5)


def test_every_patch_is_tried() -> None:
    exported = [getattr(physadv.patch, name) for name in physadv.patch.__all__]
    patches = {one for one in exported if hasattr(one, "touch")} - {Patch}
    assert patches == {type(patch) for patch in PATCHES.values()}


@dataclass(frozen=True)
class Broken(Projection):
    """A projection with something wrong."""

    def __init__(self) -> None:
        super().__init__(SIZE, 300.0)


class Loud(Broken):
    def start(self, rng: torch.Generator) -> Tensor:  # wrong on purpose
        return torch.rand(self.shape)


class Restless(Broken):
    def project(self, theta: Tensor) -> Tensor:
        return theta.clamp(0, 1) * 0.9


class Flat(Broken):
    def touch(self, theta: Tensor, width_px: int = 512) -> Lighting:
        return Lighting(super().touch(theta.detach(), width_px).gain)


class Dark(Broken):
    def touch(self, theta: Tensor, width_px: int = 512) -> Lighting:
        return Lighting(super().touch(theta, width_px).gain - 9)


class Unfair(Broken):
    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        return super().controls(theta, rng) | {"twice": theta * 2}


class Same(Broken):
    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        return super().controls(theta, rng) | {"same": theta.clone()}


@pytest.mark.parametrize(
    ("patch", "clause"),
    [
        (Loud(), "global generator"),
        (Restless(), "can be made|projecting twice"),
        (Flat(), "differentiable"),
        (Dark(), "negative"),
        (Unfair(), "'twice' can be made"),
        (Same(), "'same' is not theta"),
    ],
)
def test_what_breaks_the_contract_is_caught(patch: Patch, clause: str) -> None:
    with pytest.raises(ContractError, match=clause):
        check_patch(patch)
