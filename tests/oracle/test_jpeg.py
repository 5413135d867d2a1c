"""The soft JPEG against libjpeg: how far they are apart, and that the gradient goes through."""

from functools import lru_cache

import cv2
import numpy as np
import pytest
import torch
from kornia.enhance import jpeg_codec_differentiable
from PIL import Image
from skimage import data
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from physadv.camera import Jpeg
from physadv.camera.jpeg import _doubled, _halved
from physadv.core import Encoded, Sensor, Window, generator, quantise

QUALITIES = (50.0, 75.0, 95.0)


def smooth(cells: int, n: int = 4, side: int = 96) -> Encoded:
    """Return smooth colour pictures, of 8 bits."""
    coarse = torch.rand(n, 3, cells, cells, generator=generator(cells))
    return Encoded(quantise(interpolate(coarse, (side, side), mode="bicubic")))


def soft(image: Encoded, quality: float, pitch: float = 1.0) -> Tensor:
    size = (image.shape[2], image.shape[3])
    window = Window(torch.zeros(len(image), 2), size, Sensor(), torch.full((1,), pitch))
    return Jpeg()(image, {"quality": torch.full((len(image),), quality)}, window)


def hard(image: Encoded, quality: float) -> Tensor:
    return Jpeg().hard(image, {"quality": torch.full((len(image),), quality)})


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("cells", [4, 12])
def test_soft_and_hard_agree(cells: int, quality: float) -> None:
    """Within 2.2/255 on average, without bias, and with like errors."""
    image = smooth(cells)
    one, other = soft(image, quality), hard(image, quality)
    assert float((one - other).abs().mean()) * 255 < 2.2
    assert abs(float((one - other).mean())) * 255 < 0.2
    errors = torch.stack([(one - image).flatten(), (other - image).flatten()])
    assert float(torch.corrcoef(errors)[0, 1]) > 0.6


def test_halving_and_doubling_are_torch_s() -> None:
    planes = torch.rand(3, 2, 14, 22, generator=generator(0))
    torch.testing.assert_close(_halved(planes), avg_pool2d(planes, 2))
    wide = interpolate(planes, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(_doubled(planes), wide)


@pytest.mark.parametrize("side", [42, 56])
def test_blocks_may_hang_over(side: int) -> None:
    """As in libjpeg, which repeats the last pixels."""
    image = Encoded(smooth(12)[..., :side, :side].contiguous())
    assert float((soft(image, 75) - hard(image, 75)).abs().mean()) * 255 < 2.2


def test_both_lose_more_at_lower_quality() -> None:
    image = smooth(12)
    for codec in (soft, hard):
        losses = [float((codec(image, q) - image).abs().mean()) for q in QUALITIES]
        assert losses == sorted(losses, reverse=True)
        assert losses[0] > 1.5 * losses[-1]


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_hard_form_is_what_a_file_holds(quality: float, tmp_path: object) -> None:
    """Pillow reads back the same picture from a file that it wrote itself."""
    image = smooth(4, n=1)
    pixels = (image[0] * 255).round().byte().permute(1, 2, 0).numpy()
    path = f"{tmp_path}/picture.jpg"
    Image.fromarray(pixels).save(path, quality=int(quality), subsampling="4:2:0")
    read = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1) / 255
    off = (hard(image, quality)[0] - read).abs() * 255
    assert float(off.mean()) < 0.1
    assert float(off.max()) <= 3


def test_rows_have_their_own_quality() -> None:
    image = Encoded(smooth(12, n=1).repeat(2, 1, 1, 1))
    given = {"quality": torch.tensor([50.0, 95.0])}
    both = Jpeg().hard(image, given)
    assert torch.equal(both[0], hard(image, 50.0)[0])
    assert torch.equal(both[1], hard(image, 95.0)[1])


def test_the_gradient_goes_straight_through() -> None:
    image = smooth(4, n=2).requires_grad_()
    (slope,) = torch.autograd.grad((soft(Encoded(image), 70.0) * 3).sum(), image)
    assert torch.equal(slope, torch.full_like(slope, 3.0))


PHOTOS = {"astronaut": (60, 140), "coffee": (80, 200), "chelsea": (60, 120), "rocket": (150, 200)}
"""Photos of scikit-image, and where a square of 192 px is cut from them."""


@lru_cache
def photo(name: str) -> Encoded:
    top, left = PHOTOS[name]
    pixels = getattr(data, name)()[top : top + 192, left : left + 192, :3]
    return Encoded(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255)


def psnr(one: Tensor, other: Tensor) -> float:
    return float(-10 * torch.log10((one - other).square().mean()))


def libjpeg(image: Encoded, quality: float) -> Tensor:
    """Encode with OpenCV, on its own."""
    pixels = (image[0] * 255).round().byte().permute(1, 2, 0).numpy()[:, :, ::-1]
    _, code = cv2.imencode(".jpg", np.ascontiguousarray(pixels), [1, int(quality)])
    decoded = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))[:, :, ::-1].copy()
    return torch.from_numpy(decoded).permute(2, 0, 1)[None] / 255


@pytest.mark.parametrize("quality", [50.0, 65.0, 75.0, 85.0, 95.0])
@pytest.mark.parametrize("name", PHOTOS)
def test_photos_lose_as_much_as_with_libjpeg(name: str, quality: float) -> None:
    """As many decibels, within 0.4, and what is shown is nearer to libjpeg's than to the photo."""
    image = photo(name)
    own, other = soft(image, quality), libjpeg(image, quality)
    assert psnr(own, image) == pytest.approx(psnr(other, image), abs=0.4)
    assert psnr(own, other) > psnr(other, image)


def test_it_is_nearer_to_libjpeg_than_kornia_s_codec() -> None:
    """Mean over photos and qualities of the distance to libjpeg's pictures, in decibels."""
    gains = []
    for name in PHOTOS:
        image = photo(name)
        for quality in (50.0, 75.0, 95.0):
            other = libjpeg(image, quality)
            theirs = jpeg_codec_differentiable(image, torch.tensor([quality]))
            gains.append(psnr(soft(image, quality), other) - psnr(theirs, other))
    assert sum(gains) / len(gains) > 0


def test_in_large_pixels_the_rounding_is_finer() -> None:
    """At a pitch of k steps are k times smaller: a coefficient is off by at most half a step."""
    image = photo("coffee")
    losses = [psnr(soft(image, 60.0, pitch), image) for pitch in (1.0, 2.0, 4.0)]
    assert losses == sorted(losses)
    flat = Encoded(torch.linspace(0.2, 0.8, 64)[:, None, None, None].expand(64, 3, 16, 16))
    for pitch in (1.0, 2.0, 4.0):
        step = 16 * 0.8 / 255 / 8 / pitch  # of the mean of a block: table 16, scaled to quality 60
        off = (soft(flat, 60.0, pitch) - flat).abs()
        assert float(off.max()) <= step * 0.52 + 1e-4
        assert float(off.max()) > step * 0.4
