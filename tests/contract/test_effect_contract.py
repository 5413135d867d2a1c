"""Every what-effect of the camera keeps the contract; the contract catches those that do not."""

import importlib
from dataclasses import dataclass, is_dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

import physadv.camera
from physadv.camera import Camera, Exposure, Framing, Jpeg, Mosaic, Tone
from physadv.core import (
    Choice,
    Conditions,
    Photo,
    Seed,
    Sensor,
    Span,
    Window,
    declared,
    draw,
    generator,
    take,
)
from physadv.testing import ContractError, check_effect, check_shift
from physadv.testing.effect import Effect

FOLDER = Path(physadv.camera.__file__).parent
WHOLE = (Camera, Framing)
"""No what-effects: the one joins them, the other works on photos."""

EXPORTED: list[type] = [
    thing
    for name in physadv.camera.__all__
    if isinstance(thing := getattr(physadv.camera, name), type) and thing not in WHOLE
]
SHIFTS = [kind for kind in EXPORTED if hasattr(kind, "shift")]
EFFECTS = [kind for kind in EXPORTED if kind not in SHIFTS]
STEPWISE = (Jpeg,)
"""Effects whose gradient is by design not the difference quotient."""
WHICH = Choice((0.0, 1.0, 2.0, 3.0), neutral=-1.0)


@pytest.mark.parametrize("kind", EFFECTS)
def test_effect(kind: type) -> None:
    effect = Mosaic(WHICH) if kind is Mosaic else kind()
    check_effect(effect, smooth=kind not in STEPWISE)


@pytest.mark.parametrize("kind", SHIFTS)
def test_shift(kind: type) -> None:
    check_shift(kind())


def test_where_and_what_effects_are_told_apart() -> None:
    assert {kind.__name__ for kind in SHIFTS} == {"Lens", "RollingShutter"}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("[!_]*.py")), ids=lambda path: path.stem)
def test_every_effect_is_exported(path: Path) -> None:
    module = importlib.import_module(f"physadv.camera.{path.stem}")
    classes = [thing for thing in vars(module).values() if is_dataclass(thing)]
    own = {thing.__name__ for thing in classes if thing.__module__ == module.__name__}  # type: ignore[union-attr]  # classes, not instances
    assert own - {"Development"} <= set(physadv.camera.__all__)


def test_every_effect_is_in_the_camera() -> None:
    assert set(EXPORTED) == {type(part) for part in vars(Camera()).values()} - {
        Framing,
        type(Camera().sensor),
    }


@dataclass(frozen=True)
class Offset:
    """Not the identity at neutral."""

    light_ratio: Span = Span(0.0, 1.0, neutral=0.0)

    def __call__(self, image: Tensor, given: Conditions, _window: Window) -> Tensor:
        return image + given["light_ratio"][:, None, None, None] + 1e-6


@dataclass(frozen=True)
class Crosstalk(Exposure):
    """Lets the rows of a batch see one another."""

    def __call__(self, light: Tensor, given: Conditions, _window: Window) -> Tensor:  # type: ignore[override]  # wrong on purpose
        return light * torch.exp2(given["gain_ev"].mean()) if given["gain_ev"].any() else light


@dataclass(frozen=True)
class Dice:
    """Throws its own dice."""

    seed: Seed = Seed()

    def __call__(self, image: Tensor, given: Conditions, _window: Window) -> Tensor:
        return image + torch.randn(()) * (given["seed"] > 0)[:, None, None, None]


@dataclass(frozen=True)
class Unnamed:
    """Does not say its unit."""

    strength: Span = Span(0.0, 1.0, neutral=0.0)

    def __call__(self, image: Tensor, given: Conditions, _window: Window) -> Tensor:
        return image * (1 - given["strength"])[:, None, None, None]


@dataclass(frozen=True)
class Root:
    """Has no finite gradient at black."""

    gamma_ratio: Span = Span(0.5, 0.9)

    def __call__(self, image: Tensor, given: Conditions, _window: Window) -> Tensor:
        return image ** given["gamma_ratio"][:, None, None, None]


@dataclass(frozen=True)
class WrongSlope(Tone):
    """Has a gradient that is not its own."""

    def __call__(self, light: Tensor, given: Conditions, window: Window) -> Tensor:  # type: ignore[override]  # wrong on purpose
        right = super().__call__(light, given, window)  # type: ignore[arg-type]  # wrong on purpose
        return right.detach() + 0.9 * (right - right.detach())


@dataclass(frozen=True)
class Writing(Exposure):
    """Writes into what it is given."""

    def __call__(self, light: Tensor, given: Conditions, _window: Window) -> Tensor:  # type: ignore[override]  # wrong on purpose
        with torch.no_grad():
            light *= 2 ** given["gain_ev"][:, None, None, None]
        return light.clone()


@pytest.mark.parametrize(
    ("effect", "clause"),
    [
        (Offset(), "at neutral"),
        (Crosstalk(), "one by one"),
        (Dice(), "chance"),
        (Unnamed(), "unit"),
        (Root(), "gradients are finite"),
        (WrongSlope(), "difference quotient"),
        (Writing(), "not written to"),
    ],
)
def test_what_breaks_the_contract_is_caught(effect: Effect, clause: str) -> None:
    with pytest.raises(ContractError, match=clause):
        check_effect(effect)


@dataclass(frozen=True)
class Jump:
    """A where-effect that folds the picture over."""

    reach_px: Span = Span(0.0, 900.0, neutral=0.0)

    def shift(self, points_px: Tensor, given: Conditions, _sensor: Sensor) -> Tensor:
        return torch.sin(points_px / 100) * given["reach_px"][:, None, None]


@dataclass(frozen=True)
class Standing(Jump):
    """Moves even at neutral."""

    def shift(self, points_px: Tensor, given: Conditions, _sensor: Sensor) -> Tensor:
        return super().shift(points_px, given, _sensor) + 1


@pytest.mark.parametrize(("effect", "clause"), [(Jump(), "moved back"), (Standing(), "neutral")])
def test_what_breaks_the_contract_of_shifts_is_caught(effect: Jump, clause: str) -> None:
    with pytest.raises(ContractError, match=clause):
        check_shift(effect)


def framed(pixels: Tensor, given: Conditions, rows: slice = slice(None)) -> Photo:
    box = torch.tensor([[10.0, 12.0, 40.0, 30.0]]).repeat(3, 1)[rows]
    labels = torch.zeros(len(box), dtype=torch.long)
    photo = Photo(pixels[rows], box.reshape(-1, 2, 2), box, labels)  # type: ignore[arg-type]  # a plain tensor
    return Framing()(photo, take(given, rows), (16, 24))


def test_framing_keeps_what_it_can_of_the_contract() -> None:
    pixels = torch.rand(3, 3, 48, 48, generator=generator(0)).requires_grad_()
    given = draw(declared(Framing()), 3, generator(1))
    whole = framed(pixels, given)
    assert whole.pixels.shape == (3, 3, 16, 24)
    for k in range(3):
        alone = framed(pixels, given, slice(k, k + 1))
        torch.testing.assert_close(alone.pixels, whole.pixels[k : k + 1])
        torch.testing.assert_close(alone.corners_px, whole.corners_px[k : k + 1])
    assert torch.equal(whole.pixels, framed(pixels, given).pixels)
    (slope,) = torch.autograd.grad(whole.pixels.sum(), pixels)
    assert bool(slope.isfinite().all())
    assert float(slope.sum()) == pytest.approx(3 * 3 * 16 * 24, rel=1e-4)  # every weight sums to 1
