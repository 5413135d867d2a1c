"""The mosaic against OpenCV's bilinear interpolation and the correction terms of Malvar's paper."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from physadv.camera.mosaic import Mosaic
from physadv.core import Choice, Linear, Sensor, Window

CODES = (
    cv2.COLOR_BayerRGGB2RGB,
    cv2.COLOR_BayerGRBG2RGB,
    cv2.COLOR_BayerGBRG2RGB,
    cv2.COLOR_BayerBGGR2RGB,
)
PLACES = Choice((0.0, 1.0, 2.0, 3.0), neutral=-1.0)
SIDE, EDGE = 128, 4
INNER = slice(EDGE, -EDGE)
GIVEN = {"which": torch.arange(4.0)}
WINDOW = Window(torch.zeros(4, 2), (SIDE, SIDE), Sensor())

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def picture() -> Linear:
    pixels = skimage.data.astronaut()  # type: ignore[no-untyped-call]  # untyped there
    whole = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
    return Linear(whole[None, :, 60 : 60 + SIDE, 160 : 160 + SIDE].repeat(4, 1, 1, 1))


def pixels(image: Tensor) -> Array:
    """Return (3,H,W) as (H,W,3) without the edge."""
    return image.permute(1, 2, 0).double().numpy()[INNER, INNER]


def quality_db(seen: Tensor, truth: Tensor) -> float:
    one, other = pixels(truth), pixels(seen.clamp(0, 1))
    return float(peak_signal_noise_ratio(one, other, data_range=1))  # type: ignore[no-untyped-call]  # untyped there


@pytest.mark.parametrize("which", range(4))
def test_bilinear_is_opencv_s(which: int, picture: Linear) -> None:
    """To the rounding of its 16 bits, for each place of the red pixel."""
    mosaic = Mosaic(PLACES, "bilinear")
    raw = mosaic.expose(picture, GIVEN, WINDOW)[which, 0].numpy()
    theirs = cv2.demosaicing((raw * 65535).round().astype(np.uint16), CODES[which]) / 65535
    ours = pixels(mosaic(picture, GIVEN, WINDOW)[which])
    np.testing.assert_allclose(ours, theirs[INNER, INNER], atol=1e-5)


def around(raw: Array, *steps: tuple[int, int]) -> Array:
    """Return the mean of the raw pixels at steps (x, y)."""
    total = sum(np.roll(raw, (-y, -x), axis=(0, 1)) for x, y in steps)
    return np.asarray(total) / len(steps)


def malvar(raw: Array, which: int) -> Array:
    """Return (H,W,3) as the paper writes it: bilinear + gain x Laplacian of the colour there."""
    y, x = np.indices(raw.shape)
    red = (x % 2 == which % 2) & (y % 2 == which // 2)
    blue = (x % 2 != which % 2) & (y % 2 != which // 2)
    red_row = y % 2 == which // 2
    left, right, up, down = (-1, 0), (1, 0), (0, -1), (0, 1)
    far_x, far_y = ((-2, 0), (2, 0)), ((0, -2), (0, 2))
    corners = ((-1, -1), (1, -1), (-1, 1), (1, 1))
    other = raw - around(raw, *far_x, *far_y)
    beside, diagonal = around(raw, *far_x) * 2, around(raw, *corners) * 4
    above = around(raw, *far_y) * 2
    green = around(raw, left, right, up, down) + other / 2
    across = around(raw, left, right) + 5 / 8 * (raw - (diagonal + beside - above / 2) / 5)
    upright = around(raw, up, down) + 5 / 8 * (raw - (diagonal + above - beside / 2) / 5)
    opposite = around(raw, *corners) + 3 / 4 * other
    at_green = ~red & ~blue
    return np.stack(
        [
            np.select([red, blue, red_row], [raw, opposite, across], upright),
            np.where(at_green, raw, green),
            np.select([blue, red, red_row], [raw, opposite, upright], across),
        ],
        axis=-1,
    )


@pytest.mark.parametrize("which", range(4))
def test_malvar_is_the_paper_s(which: int, picture: Linear) -> None:
    mosaic = Mosaic(PLACES)
    raw = mosaic.expose(picture, GIVEN, WINDOW)[which, 0].double().numpy()
    ours = pixels(mosaic(picture, GIVEN, WINDOW)[which])
    np.testing.assert_allclose(ours, malvar(raw, which)[INNER, INNER], atol=1e-6)


def test_malvar_is_as_good_as_opencv_s_gradient_method(picture: Linear) -> None:
    """35.6 dB here; OpenCV has 31.1 by bilinear interpolation, 36.0 by its gradients (VNG)."""
    seen = Mosaic(PLACES)(picture, GIVEN, WINDOW)[0]
    raw = Mosaic(PLACES).expose(picture, GIVEN, WINDOW)[0, 0].numpy()
    coded = (raw * 255).round().astype(np.uint8)
    plain, gradients = (
        torch.from_numpy(cv2.demosaicing(coded, code)).permute(2, 0, 1).float() / 255
        for code in (cv2.COLOR_BayerRGGB2RGB, cv2.COLOR_BayerRGGB2RGB_VNG)
    )
    ours_db = quality_db(seen, picture[0])
    assert ours_db > quality_db(plain, picture[0]) + 3
    assert ours_db > quality_db(gradients, picture[0]) - 1
