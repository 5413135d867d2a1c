"""Light on the sign in real photos: only the sign, only what it reflects; no film on cut photos."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from physadv.core import Film, Lighting, Sensor, UserError, generator, neutral
from physadv.core.vary import declared
from physadv.presets import photo_world
from physadv.scene import Frame, PhotoScene, photo_scene
from tests.law.test_photo_law import SIZES, STOP, made


@pytest.fixture(scope="module")
def scene() -> PhotoScene:
    return photo_scene(STOP, tuple(made(size, k) for k, size in enumerate(SIZES)))


def lit(scene: PhotoScene, gain: Tensor | None) -> list[tuple[Tensor, Tensor]]:
    """Return each view's light, bare and under a gain."""
    given = neutral(declared(scene), 3) | {"photo.which": torch.arange(3.0)}
    views = scene.views(given, Frame(Sensor(), torch.full((3,), 0.2)))
    bare = [scene.render(scene.surface(None), view, given) for view in views]
    if gain is None:
        return [(one, one) for one in bare]
    surface = scene.lit(Lighting(gain))
    return list(zip(bare, (scene.render(surface, view, given) for view in views), strict=True))


def test_a_gain_of_one_is_the_photo(scene: PhotoScene) -> None:
    for bare, seen in lit(scene, torch.ones(1, 1, 256, 256)):
        assert float((seen - bare).abs().max()) < 1e-5


def test_light_touches_the_sign_alone_and_its_offset_never(scene: PhotoScene) -> None:
    """Twice the light: pixels inside the sign are 2 x photo - offset, most outside the photo."""
    offset = torch.tensor([0.03, 0.02, 0.01])[:, None, None]
    for bare, seen in lit(scene, torch.full((1, 3, 256, 256), 2.0)):
        change = seen - bare
        doubled = (change - (bare - offset).clamp_min(0)).abs().amax(dim=1) < 1e-3
        still = change.abs().amax(dim=1) < 1e-6
        assert 0.1 < float(doubled.float().mean()) < 0.8
        assert float((doubled | still).float().mean()) > 0.9


def test_what_is_before_the_sign_is_not_lit() -> None:
    photo = made(SIZES[0], 0)
    hidden = replace(photo, front=torch.ones_like(photo.light[:, :1]))
    scene = photo_scene(STOP, (hidden, hidden, hidden))
    for bare, seen in lit(scene, torch.full((1, 1, 256, 256), 3.0)):
        assert torch.equal(seen, bare)


def test_a_film_on_cut_photos_is_refused(scene: PhotoScene) -> None:
    world = photo_world(scene)
    film = Film(lambda window: torch.zeros(1, 4, *window.size))
    with pytest.raises(UserError, match=r"world: expected a street.*got .*real photos"):
        world.photograph(film, world.draw(2, generator(0)), (24, 24))
