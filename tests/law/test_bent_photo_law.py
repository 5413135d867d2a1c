"""Stickers in photos that are moved and bent: one class says how, in photos as in the street."""

import pytest
import torch
from torch import Tensor

from physadv.core import Linear, Printed, Sensor, Span, declared, draw, generator, neutral, take
from physadv.scene import Bend, Frame, PhotoScene, Relight, SignPhoto, photo_scene, sign
from physadv.scene.photo_corners import box_plane
from physadv.scene.view import View

STOP = sign("us_stop")
SIZE = (150, 150)
BENT = Bend(bend_mm=Span(0.0, 30.0, 0.0))
SCALE = 100 / 750


def scene(bend: Bend | None = None) -> PhotoScene:
    """Return the scene of a black photo in whose light ink has its reflectance."""
    plane = torch.from_numpy(box_plane(STOP, (25, 25, 125, 125), SIZE)).float()
    white = Relight(torch.ones(3), torch.zeros(3))
    photo = SignPhoto("black", Linear(torch.zeros(1, 3, *SIZE)), plane / plane[2, 2], white)
    made = photo_scene(STOP, (photo,))
    return made if bend is None else PhotoScene(STOP, made.photos, made.photo, bend)


def dot(x_mm: float, y_mm: float) -> Printed:
    centre = (torch.arange(512) + 0.5) * 750 / 512
    near = (centre[None] - x_mm) ** 2 + (centre[:, None] - y_mm) ** 2 < 40**2
    return Printed(Linear(torch.ones(1, 3, 512, 512)), near.float()[None, None])


def seen(where: PhotoScene, printed: Printed, given: dict[str, Tensor]) -> tuple[Linear, View]:
    n = len(given["photo.which"])
    (view,) = where.views(given, Frame(Sensor(), torch.full((n,), 0.1)))
    return where.render(where.surface(printed), view, given), view


def middle(pictures: Tensor) -> Tensor:
    side = torch.arange(pictures.shape[-1]) + 0.5
    mass = pictures[:, 0].sum(dim=(1, 2))
    x = (pictures[:, 0].sum(1) * side).sum(1) / mass
    return torch.stack([x, (pictures[:, 0].sum(2) * side).sum(1) / mass], dim=1)


def test_photos_misplace_and_do_not_bend_unless_told() -> None:
    names = declared(scene())
    assert names["bend.offset_x_mm"] == Span(-5.0, 5.0, 0.0)
    assert names["bend.turn_deg"] == Span(-1.0, 1.0, 0.0)
    assert names["bend.bend_mm"].idle


def test_where_nothing_bends_both_routes_agree() -> None:
    """Exact planes against points moved one by one, for ink that is turned and shifted."""
    given = draw(declared(scene()), 4, generator(0))
    given |= {"bend.turn_deg": torch.tensor([0.0, 5.0, -20.0, 0.0])}
    flat, _ = seen(scene(), dot(250, 480), given)
    bent, _ = seen(scene(BENT), dot(250, 480), given)
    assert float(flat.amax()) > 0.99
    assert float((flat - bent).abs().mean()) < 2e-4
    torch.testing.assert_close(middle(flat), middle(bent), atol=0.05, rtol=0)


@pytest.mark.parametrize("place", [(150.0, 200.0), (375.0, 375.0), (560.0, 500.0)])
def test_a_bent_dot_is_where_the_bend_says(place: tuple[float, float]) -> None:
    """`move` takes the middle of what is seen back to the dot's middle on the flat sticker."""
    given = neutral(declared(scene(BENT)), 3)
    given |= {"bend.bend_mm": torch.tensor([0.0, 10.0, 20.0]), "bend.seed": torch.arange(3) * 99.0}
    pictures, view = seen(scene(BENT), dot(*place), given)
    there = (middle(pictures) + view.window.origin_px - 25) / SCALE
    bend = {name.removeprefix("bend."): value for name, value in given.items() if "bend." in name}
    back = BENT.move(there[:, None, None], bend, STOP.size_mm)[:, 0, 0]
    torch.testing.assert_close(back, torch.tensor(place).expand(3, 2), atol=2.0, rtol=0)
    assert float((there[2] - torch.tensor(place)).norm()) > 2.5


def test_bent_rows_are_as_one_by_one() -> None:
    given = draw(declared(scene(BENT)), 3, generator(1))
    together, _ = seen(scene(BENT), dot(375, 375), given)
    for k in range(3):
        alone, _ = seen(scene(BENT), dot(375, 375), take(given, slice(k, k + 1)))
        assert torch.allclose(alone[0], together[k], atol=1e-5)
