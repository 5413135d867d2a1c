"""Image files of every kind come in as the one convention; sRGB against its closed form."""

import random
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from kornia.color import rgb_to_linear_rgb
from PIL import Image
from torch import Tensor

from physadv.core import (
    Encoded,
    Linear,
    UserError,
    decode,
    encode,
    generator,
    load_image,
    load_rgba,
    quantise,
    save_image,
)

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ROTATED = 6
"""The EXIF orientation of a picture that has to be turned 90 degrees clockwise."""


def pixels(*rows: list[tuple[int, ...]]) -> Image.Image:
    return Image.fromarray(np.array(rows, dtype=np.uint8))


def values(image: Tensor) -> list[list[tuple[int, ...]]]:
    """Return bytes row by row, as in `pixels`."""
    array = (image[0] * 255).round().long().permute(1, 2, 0).tolist()
    return [[tuple(pixel) for pixel in row] for row in array]


def test_rows_columns_and_channels_keep_their_places(tmp_path: Path) -> None:
    pixels([RED, GREEN, BLUE], [WHITE, RED, GREEN]).save(tmp_path / "a.png")
    image = load_image(tmp_path / "a.png")
    assert (image.shape, image.dtype) == ((1, 3, 2, 3), torch.float32)
    assert values(image) == [[RED, GREEN, BLUE], [WHITE, RED, GREEN]]


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    pixels([(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 100, 51)]).save(tmp_path / "a.png")
    assert values(load_image(tmp_path / "a.png")) == [[RED, WHITE, (204, 204, 224)]]
    colour, cover = load_rgba(tmp_path / "a.png")
    assert values(colour) == [[RED, RED, (0, 0, 100)]]
    assert values(cover) == [[(255,), (0,), (51,)]]


def test_greyscale_becomes_three_equal_channels(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 100, 255]], dtype=np.uint8)).save(tmp_path / "a.png")
    assert values(load_image(tmp_path / "a.png")) == [[(0, 0, 0), (100,) * 3, WHITE]]


def test_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[False, True]])).save(tmp_path / "a.png")
    assert values(load_image(tmp_path / "a.png")) == [[(0, 0, 0), WHITE]]


def test_greyscale_with_alpha(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[0, 255], [0, 0]]], dtype=np.uint8), "LA").save(tmp_path / "a.png")
    assert values(load_image(tmp_path / "a.png")) == [[(0, 0, 0), WHITE]]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bit_greyscale_is_divided_by_65535(tmp_path: Path, name: str) -> None:
    levels = np.array([[0, 257 * 100, 257 * 100 + 120, 65535]], dtype=np.uint16)
    Image.fromarray(levels).save(tmp_path / name)
    assert values(load_image(tmp_path / name)) == [[(level,) * 3 for level in (0, 100, 100, 255)]]


def test_sixteen_bit_colour_is_right_to_a_step_of_eight_bits(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 65536, (5, 6, 3), dtype=np.uint16)
    assert cv2.imwrite(str(tmp_path / "a.png"), levels[..., ::-1])
    image = load_image(tmp_path / "a.png")[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(image, levels / 65535, atol=1 / 255)


def test_a_palette_with_a_transparent_entry(tmp_path: Path) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([0, 1, 2])
    image.save(tmp_path / "a.png", transparency=1)
    assert values(load_image(tmp_path / "a.png")) == [[RED, WHITE, BLUE]]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_exif_rotation_is_applied(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = ROTATED
    pixels([RED, GREEN, BLUE], [WHITE, RED, GREEN]).save(tmp_path / name, exif=exif)
    assert values(load_image(tmp_path / name)) == [[WHITE, RED], [RED, GREEN], [GREEN, BLUE]]


def test_exif_rotation_of_a_jpeg(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = ROTATED
    blocks = Image.fromarray(np.kron([[0, 255], [0, 0]], np.ones((16, 24))).astype(np.uint8))
    blocks.save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = load_image(tmp_path / "a.jpg")
    assert image.shape == (1, 3, 48, 32)
    quarters = torch.nn.functional.avg_pool2d(image, (24, 16))[0, 0]
    torch.testing.assert_close(quarters, torch.tensor([[0.0, 0.0], [0.0, 1.0]]), atol=0.02, rtol=0)


def test_cmyk(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    assert values(load_image(tmp_path / "a.tif"))[0][0] == RED


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    rng = torch.Generator().manual_seed(0)
    image, cover = torch.rand(1, 3, 5, 7, generator=rng), torch.rand(1, 1, 5, 7, generator=rng)
    save_image(tmp_path / "a.png", image, cover)
    colour, alpha = load_rgba(tmp_path / "a.png")
    torch.testing.assert_close(colour, quantise(image))
    torch.testing.assert_close(alpha, quantise(cover))
    save_image(tmp_path / "b.png", image)
    torch.testing.assert_close(load_image(tmp_path / "b.png"), quantise(image))


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^image: expected a file that exists, got .*absent.png"):
        load_image(tmp_path / "absent.png")
    with pytest.raises(UserError, match=r"^image: expected a readable image"):
        load_image(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no image", b"P6 4z 4 255 ", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=r"^image: expected a readable image.* save it anew$"):
        load_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp"])
def test_a_truncated_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    noise(40, 50).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"^image: expected a readable image"):
        load_image(path)


def test_a_picture_too_large_to_be_one(tmp_path: Path) -> None:
    header = bytearray(bmp(tmp_path).read_bytes())
    header[18:26] = (60_000).to_bytes(4, "little") * 2
    (tmp_path / "a.bmp").write_bytes(header)
    with pytest.raises(UserError, match=r"^image: expected a readable image"):
        load_image(tmp_path / "a.bmp")


@pytest.mark.parametrize("suffix", ["png", "jpg", "ppm"])
def test_damage_is_a_user_error_or_a_picture(tmp_path: Path, suffix: str) -> None:
    path, chance = tmp_path / f"a.{suffix}", random.Random(0)
    noise(12, 10).save(path)
    whole = path.read_bytes()
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            image = load_image(path)
        except UserError:
            refused += 1
        else:
            assert bool(((image >= 0) & (image <= 1)).all())
    assert refused > 0


def noise(height: int, width: int) -> Image.Image:
    array = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(array)


def bmp(folder: Path) -> Path:
    noise(4, 4).save(folder / "a.bmp")
    return folder / "a.bmp"


def srgb_to_linear(value: float) -> float:
    """IEC 61966-2-1."""
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def test_srgb_is_its_closed_form_at_every_byte() -> None:
    levels = [k / 255 for k in range(256)]
    light = torch.tensor([srgb_to_linear(level) for level in levels])
    image = torch.tensor(levels).reshape(1, 1, 1, 256).expand(1, 3, 1, 256)
    torch.testing.assert_close(decode(Encoded(image))[0, 0, 0], light, atol=1e-6, rtol=1e-5)
    back = encode(Linear(light.reshape(1, 1, 1, 256).expand(1, 3, 1, 256)))
    torch.testing.assert_close(back[0, 1, 0], torch.tensor(levels), atol=1e-5, rtol=1e-5)


def test_decoding_is_kornia_s_with_its_slope() -> None:
    image = torch.linspace(0, 1, 999).reshape(1, 1, 9, 111).expand(1, 3, -1, -1).contiguous()
    values, slopes = [], []
    for curve in (decode, rgb_to_linear_rgb):
        leaf = image.clone().requires_grad_()
        light = curve(Encoded(leaf))
        values.append(light.detach())
        slopes.append(torch.autograd.grad((light**2).sum(), leaf)[0])
    torch.testing.assert_close(*values, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(*slopes, atol=1e-5, rtol=1e-4)


def test_decoding_has_the_slope_of_its_difference_quotient() -> None:
    image = torch.rand(1, 3, 3, 4, generator=generator(0), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda shown: decode(Encoded(shown)), (image,))


def test_mid_grey_is_a_fifth_of_the_light() -> None:
    grey = Encoded(torch.full((1, 3, 1, 1), 0.5))
    assert float(decode(grey)[0, 0, 0, 0]) == pytest.approx(0.21404114, abs=1e-6)


def test_encoding_has_finite_gradients_at_black_and_white() -> None:
    light = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2).repeat(1, 3, 1, 1).requires_grad_()
    (gradient,) = torch.autograd.grad(encode(Linear(light)).sum(), light)
    ends = torch.tensor([12.92, 1.055 / 2.4])
    torch.testing.assert_close(gradient[0, 0, 0], ends, rtol=1e-3, atol=1e-3)


def test_quantise_rounds_to_the_nearest_byte_within_range() -> None:
    image = torch.tensor([-1.0, 0.4 / 255, 0.6 / 255, 254.4 / 255, 3.0])
    assert quantise(image).mul(255).round().tolist() == [0, 0, 1, 254, 255]
    assert not quantise(image.requires_grad_()).requires_grad
