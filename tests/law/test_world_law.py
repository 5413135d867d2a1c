"""The world: rows in order, soft near hard, and search pictures near what the judge sees."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from physadv.camera.binning import binned
from physadv.core import Photo, declared, draw, generator, neutral, take
from physadv.patch import Pixels
from physadv.presets import world
from physadv.scene import StreetScene, sign, view
from physadv.world import World
from tests.worlds import CALM, plain_street, tiny_world, two_bars

SIZE = (48, 48)


def street() -> World:
    return world("street", StreetScene(sign("stop")), label=14)


def conditions(trial: World, n: int, seed: int = 0) -> dict[str, Tensor]:
    return draw(trial.declared(), n, generator(seed))


def shot(trial: World, given: dict[str, Tensor], *, hardly: bool = False) -> Photo:
    patch = Pixels(two_bars(), 50.0)
    ink = patch.touch(torch.rand(patch.shape, generator=generator(5)), 512)
    with torch.no_grad():
        return trial.photograph(ink, given, SIZE, hardly=hardly)


@pytest.mark.parametrize("hardly", [False, True])
def test_rows_come_back_in_order_and_do_not_see_one_another(hardly: bool) -> None:
    trial = street()
    given = conditions(trial, 8)
    whole = shot(trial, given, hardly=hardly)
    assert whole.pixels.shape == (8, 3, *SIZE)
    assert whole.labels.tolist() == [14] * 8
    for k in range(8):
        alone = shot(trial, take(given, slice(k, k + 1)), hardly=hardly)
        assert float((whole.pixels[k] - alone.pixels[0]).abs().mean()) < 2e-3
        torch.testing.assert_close(whole.box_px[k], alone.box_px[0], atol=0.02, rtol=0)


def test_the_same_conditions_give_the_same_photo() -> None:
    trial = tiny_world()
    given = conditions(trial, 4)
    assert torch.equal(shot(trial, given).pixels, shot(trial, given).pixels)


@pytest.mark.parametrize(
    ("search_px", "mean", "bias"), [(4096, 1.6, 0.12), (128, 2.5, 0.3), (0, 7.0, 1.6)]
)
def test_soft_photos_are_near_hard_ones(search_px: int, mean: float, bias: float) -> None:
    """What the search sees is what the judge sees, in 1/255.

    Windows have other sizes, so that noise and the blocks of JPEG lie elsewhere; binned, light is
    averaged before it is encoded and edges are softer.
    """
    trial = replace(street(), search_px=search_px)
    given = conditions(trial, 48, 1)
    soft, hard = shot(trial, given), shot(trial, given, hardly=True)
    off = (soft.pixels - hard.pixels) * 255
    assert float(off.abs().mean()) < mean
    assert abs(float(off.mean())) < bias
    torch.testing.assert_close(soft.box_px, hard.box_px, atol=0.05, rtol=0)


def test_in_the_same_windows_soft_photos_are_hard_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """To 1/255, and no row far off, noise, JPEG and pictured backgrounds and all."""
    monkeypatch.setattr(view, "COARSE_PX", view.SIDES_PX)
    trial = replace(street(), search_px=4096)
    given = conditions(trial, 48, 1)
    off = (shot(trial, given).pixels - shot(trial, given, hardly=True).pixels) * 255
    assert float(off.abs().mean()) < 1
    assert float(off.abs().mean(dim=(1, 2, 3)).max()) < 1.5
    assert abs(float(off.mean())) < 0.1


def test_binning_only_saves_work() -> None:
    """With a camera at rest, larger pixels make nearly the same framed picture.

    Most of the rest is JPEG, whose blocks are larger, and light averaged before it is encoded.
    """
    near = replace(plain_street(), pose=street().scene.pose)  # type: ignore[attr-defined]  # a street
    calm = replace(CALM, sensor=street().camera.sensor)
    trial = World(near, camera=calm)
    given = conditions(trial, 12, 2) | {"scene.pose.distance_m": torch.linspace(3, 9, 12)}
    whole, saved = (shot(replace(trial, search_px=side), given) for side in (4096, 128))
    assert float((whole.pixels - saved.pixels).abs().mean()) * 255 < 5
    torch.testing.assert_close(whole.box_px, saved.box_px, atol=0.02, rtol=0)


def test_joined_pixels_see_less_blur_and_less_noise() -> None:
    given = neutral({k[7:]: v for k, v in street().declared().items() if k.startswith("camera")}, 2)
    given = given | {"defocus.blur_px": torch.ones(2), "noise.gain_ratio": torch.ones(2)}
    found = binned(given, torch.tensor([1.0, 2.0]))
    assert found["defocus.blur_px"].tolist() == [1.0, 0.5]
    assert found["noise.gain_ratio"].tolist() == [1.0, 0.25]
    assert torch.equal(found["exposure.gain_ev"], given["exposure.gain_ev"])


def test_ink_is_seen_and_has_gradient() -> None:
    trial, patch = street(), Pixels(two_bars(), 50.0)
    theta = patch.start(generator(0)).requires_grad_()
    photo = trial.photograph(patch.touch(theta), conditions(trial, 8, 3), SIZE)
    (slope,) = torch.autograd.grad(photo.pixels.sum(), theta)
    assert bool(slope.isfinite().all())
    seen = slope.abs().sum(dim=0) > 0
    assert bool(seen[patch.used()].all())
    assert not bool(seen[0].any())  # no ink at the sign's edge
    assert set(declared(trial)) == set(conditions(trial, 1))
