"""The soft JPEG against libjpeg: how far they are apart, and that the gradient goes through."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.camera import Jpeg
from physadv.core import Encoded, Sensor, Window, generator, quantise

QUALITIES = (50.0, 75.0, 95.0)


def smooth(cells: int, n: int = 4, side: int = 96) -> Encoded:
    """Return smooth colour pictures, of 8 bits."""
    coarse = torch.rand(n, 3, cells, cells, generator=generator(cells))
    return Encoded(quantise(interpolate(coarse, (side, side), mode="bicubic")))


def soft(image: Encoded, quality: float) -> Tensor:
    window = Window(torch.zeros(len(image), 2), (image.shape[2], image.shape[3]), Sensor())
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
