"""Framing's resample against Pillow's, and where a crop's points come to lie."""

import numpy as np
import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from physadv.camera import Framing
from physadv.camera.framing import resample
from physadv.core import Encoded, Photo, declared, draw, generator

HEIGHT, WIDTH = 60, 80
Box = tuple[float, float, float, float]
BOXES: tuple[Box, ...] = (
    (0.0, 0.0, 80.0, 60.0),
    (10.3, 5.7, 73.9, 55.2),
    (20.0, 20.0, 30.5, 31.0),
    (0.0, 30.2, 12.6, 60.0),
)
SIZES = ((16, 16), (48, 32), (100, 90), (5, 60))


def pillow(image: Tensor, box: Box, size: tuple[int, int]) -> Tensor:
    """Resize in Pillow's float mode, channel by channel."""
    planes = [Image.fromarray(channel.numpy()) for channel in image]
    resized = [p.resize(size[::-1], Image.Resampling.BILINEAR, box=box) for p in planes]
    return torch.stack([torch.from_numpy(np.array(plane)) for plane in resized])


@pytest.mark.parametrize("size", SIZES)
def test_resampling_is_pillow_s(size: tuple[int, int]) -> None:
    image = torch.rand(len(BOXES), 3, HEIGHT, WIDTH, generator=generator(0))
    found = resample(Encoded(image), torch.tensor(BOXES), size)
    for k, box in enumerate(BOXES):
        torch.testing.assert_close(found[k], pillow(image[k], box, size), atol=1e-5, rtol=0)


def test_beyond_the_edge_the_last_pixels_repeat() -> None:
    image = torch.rand(1, 3, 8, 8, generator=generator(1))
    found = resample(Encoded(image), torch.tensor([[-4.0, 0.0, 12.0, 8.0]]), (8, 16))
    torch.testing.assert_close(found[..., :4], image[..., :1].expand(1, 3, 8, 4))
    torch.testing.assert_close(found[..., 4:12], image)


def photo(box: Box, side: int = 128) -> Photo:
    """Return a picture that is, at each point, its own x and y as shares of the side."""
    y, x = torch.meshgrid(*[(torch.arange(side) + 0.5) / side] * 2, indexing="ij")
    pixels = Encoded(torch.stack([x, y, x])[None])
    x1, y1, x2, y2 = box
    corners = torch.tensor([[[x1, y1], [x2, y1], [x2, y2], [x1, y2]]])
    return Photo(pixels, corners, torch.tensor([box]), torch.tensor([7]))


@settings(max_examples=30, deadline=None)
@over(
    st.integers(0, 2**20),
    st.floats(30, 50),
    st.floats(40, 60),
    st.floats(20, 40),
    st.floats(15, 40),
)
def test_points_move_with_the_picture(seed: int, x: float, y: float, w: float, h: float) -> None:
    given = draw(declared(Framing()), 1, generator(seed))
    before = photo((x, y, x + w, y + h))
    after = Framing()(before, given, (64, 64))
    assert torch.equal(after.labels, before.labels)
    for was, now in zip(before.corners_px[0], after.corners_px[0], strict=True):
        if not bool(((now > 2) & (now < 62)).all()):
            continue  # outside the crop, or where the filter is cut off
        place = (now / 64 * 2 - 1)[None, None, None]
        seen = torch.nn.functional.grid_sample(after.pixels, place, align_corners=False)
        torch.testing.assert_close(seen[0, :2, 0, 0] * 128, was, atol=0.3, rtol=0)
    box = torch.cat([after.corners_px[0].amin(0), after.corners_px[0].amax(0)])
    torch.testing.assert_close(after.box_px[0], box, atol=1e-3, rtol=0)


@settings(max_examples=30, deadline=None)
@over(st.integers(0, 2**20), st.floats(5, 100), st.floats(5, 100))
def test_a_crop_needs_no_more_room_than_it_asks_for(seed: int, width: float, height: float) -> None:
    framing = Framing()
    given = draw(declared(framing), 8, generator(seed))
    box = torch.tensor([[50.0, 70.0, 50 + width, 70 + height]]).repeat(8, 1)
    crop, room = framing.crop(box, given), framing.reach(given) * max(width, height)
    middle = (box[:, :2] + box[:, 2:]) / 2
    reach = (max(width, height) / 2 + room)[:, None] + 1e-3
    assert bool((crop[:, :2] >= middle - reach).all())
    assert bool((crop[:, 2:] <= middle + reach).all())
    assert bool((crop[:, 2:] > crop[:, :2]).all())


def test_an_oblong_box_is_kept_or_stretched() -> None:
    box = torch.tensor([[10.0, 10.0, 50.0, 30.0]]).repeat(2, 1)
    given = {name: torch.zeros(2) for name in declared(Framing())}
    given["stretch_ratio"] = torch.tensor([0.0, 1.0])
    crop = Framing().crop(box, given)
    assert crop[0].tolist() == [10.0, 0.0, 50.0, 40.0]
    assert crop[1].tolist() == [10.0, 10.0, 50.0, 30.0]
