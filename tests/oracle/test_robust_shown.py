"""What networks that go behind a certified defence are trained on: noise, bands, masks."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from physadv.core import UserError, generator
from physadv.training.robust import Bands, Lesson, Masks, Method, Noise, robust_method


class Looks(nn.Module):
    """Keeps what it is shown, and answers for it."""

    def forward(self, images: Tensor) -> Tensor:
        self.seen = images.detach()
        return images.mean(dim=(2, 3))


def shown(method: Method, images: Tensor, seed: int = 0) -> Tensor:
    net = Looks()
    (loss,) = method(Lesson(net, images, torch.arange(len(images)) % 3, generator(seed)))
    assert loss.isfinite()
    return net.seen


def test_noise_is_normal_and_clipped() -> None:
    grey = torch.full((200, 3, 8, 8), 0.5)
    change = shown(Noise(0.05), grey) - 0.5
    n = change.numel()
    assert change.mean().abs() < 4 * 0.05 / n**0.5
    assert (change.std() / 0.05 - 1).abs() < 4 / (2 * n) ** 0.5
    assert shown(Noise(0.3), torch.ones(9, 3, 8, 8)).max() == 1
    assert not torch.equal(shown(Noise(), grey), shown(Noise(), grey, seed=1))


@pytest.mark.parametrize("axis", ["columns", "rows"])
def test_one_band_is_shown_at_every_place(axis: str) -> None:
    images = torch.ones(120, 3, 5, 7)
    seen = shown(Bands(3, axis), images)
    if axis == "rows":
        seen = seen.transpose(2, 3)
    side = seen.shape[3]
    line = seen[:, 0, 0]
    assert torch.equal(seen, line[:, None, None].expand_as(seen))
    cyclic = {tuple((torch.arange(side) - first) % side < 3) for first in range(side)}
    known = {tuple(bool(v) for v in one) for one in cyclic}
    assert {tuple((one == 1).tolist()) for one in line} == known
    assert set(line.unique().tolist()) == {0.5, 1.0}


def test_two_squares_are_hidden_and_may_leave_the_edge() -> None:
    side, long = 6, 3
    squares = []
    for y, x in product(range(-1, side - 1), repeat=2):
        square = torch.zeros(side, side, dtype=torch.bool)
        square[max(0, y) : y + long, max(0, x) : x + long] = True
        squares.append(square)
    pairs = {tuple((a | b).flatten().tolist()) for a in squares for b in squares}
    seen = shown(Masks(2, 0.5), torch.ones(300, 3, side, side))
    hidden = {tuple((one[0] == 0.5).flatten().tolist()) for one in seen}
    assert hidden <= pairs
    assert len(hidden) > 150
    assert torch.equal(seen, seen[:, :1].expand_as(seen))


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("noise", {"sigma": 0.0}, "sigma: expected above 0"),
        ("bands", {"band_px": 0}, "band_px: expected at least 1"),
        ("bands", {"axis": "across"}, "axis: expected one of columns, rows"),
        ("masks", {"holes": 0}, "holes: expected at least 1"),
        ("masks", {"side_ratio": 1.5}, "side_ratio: expected at most 1"),
    ],
)
def test_bad_settings_are_refused(name: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(UserError) as error:
        robust_method(name, settings)
    assert said in str(error.value)


def test_a_band_wider_than_the_picture_is_refused() -> None:
    with pytest.raises(UserError, match="band_px: expected at most 4"):
        shown(Bands(5), torch.ones(1, 3, 4, 4))
