"""Films: one window shows what many do, and the codec does what a codec does."""

import cv2
import pytest
import torch
from torch import Tensor

from physadv.approach import Approach
from physadv.core import Conditions, Span, UserError, generator, take
from physadv.evaluation import filmed
from physadv.evaluation.clip import CODEC, coded
from physadv.world import World
from tests.worlds import CALM, plain_street

SIZE = (48, 48)
APPROACH = Approach(
    from_m=Span.at(6.0),
    to_m=Span.at(3.0),
    speed_m_per_s=Span(6.0, 8.0),
    offset_m=Span(0.2, 0.6),
    height_m=Span(0.0, 0.3),
    exposure_s=Span.at(1e-5),
)


def calm() -> World:
    return World(plain_street(), camera=CALM, label=0)


def drawn(n: int = 2) -> dict[str, Tensor]:
    return APPROACH.draw(calm(), n, generator(0))


def psnr(one: Tensor, other: Tensor) -> float:
    return float(-10 * (one - other).square().mean().log10())


def test_one_window_shows_what_many_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a codec, a film's crops are those of single photos, whose windows lie elsewhere."""
    monkeypatch.setattr("physadv.evaluation.clip.coded", lambda film, _: film)
    monkeypatch.setattr("physadv.camera.jpeg.Jpeg.hard", lambda self, image, given: image)
    given = drawn()
    film, single = (
        world.photograph(None, given, SIZE, hardly=True) for world in (filmed(calm()), calm())
    )
    assert (film.pixels - single.pixels).abs().max() < 2 / 255
    torch.testing.assert_close(film.box_px, single.box_px, atol=0.05, rtol=0)
    torch.testing.assert_close(film.corners_px, single.corners_px, atol=0.05, rtol=0)
    assert torch.equal(film.labels, single.labels)


def test_approaches_are_filmed_apart_and_rows_keep_their_places() -> None:
    given, world = drawn(), filmed(calm())
    whole = world.photograph(None, given, SIZE, hardly=True).pixels
    for one in (0, 1):
        rows = (given["approach.which"] == one).nonzero()[:, 0]
        alone = world.photograph(None, take(given, rows), SIZE, hardly=True).pixels
        assert torch.equal(whole[rows], alone)


def test_the_codec_loses_little_but_something() -> None:
    given, plain = drawn(), calm()
    film = filmed(plain).photograph(None, given, SIZE, hardly=True).pixels
    single = plain.photograph(None, given, SIZE, hardly=True).pixels
    assert 24 < psnr(film, single) < 50


def test_a_frame_is_what_opencv_wrote() -> None:
    """Frames come back in order, colours in theirs: a red, a green and a blue film's pictures."""
    film = torch.zeros(9, 64, 80, 3, dtype=torch.uint8)
    for frame in range(9):
        film[frame, :, :, frame // 3] = 200
    found = coded(film, 10.0)
    assert found.shape == film.shape
    means = found.float().mean(dim=(1, 2))
    wanted = film.float().mean(dim=(1, 2))
    assert float((means - wanted).abs().max()) < 12


def test_while_searching_it_is_the_plain_world() -> None:
    given = drawn(1)
    film, plain = (world.photograph(None, given, SIZE) for world in (filmed(calm()), calm()))
    assert torch.equal(film.pixels, plain.pixels)


def test_single_photos_are_no_film() -> None:
    given: Conditions = {n: v for n, v in drawn(1).items() if not n.startswith("approach.")}
    with pytest.raises(UserError, match="conditions: expected the conditions of approaches"):
        filmed(calm()).photograph(None, given, SIZE, hardly=True)


def test_a_build_without_the_codec_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.VideoWriter.isOpened", lambda self: False, raising=False)
    if cv2.VideoWriter().isOpened():
        pytest.skip("this OpenCV's classes cannot be patched")
    with pytest.raises(UserError, match=f"video: expected OpenCV with the codec {CODEC}"):
        coded(torch.zeros(1, 64, 80, 3, dtype=torch.uint8), 10.0)
