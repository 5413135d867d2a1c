"""ICC profiles: our table against Pillow's own transform, and against a printer known by formula.

The profiles are written by tests/icc_file.py, so that the device behind them is known exactly.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from skimage.color import deltaE_ciede2000, rgb2lab

from physadv.core import Encoded, UserError, encode
from physadv.printing import Profile, read_icc, read_profile
from tests import icc_file
from tests.icc_file import Array

COLOURS = np.random.default_rng(0).integers(0, 256, (500, 3)).astype(np.uint8)
ABSOLUTE = ImageCms.Intent.ABSOLUTE_COLORIMETRIC
RELATIVE = ImageCms.Intent.RELATIVE_COLORIMETRIC


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold the profiles of an RGB printer, a CMYK printer and a display."""
    place = tmp_path_factory.mktemp("icc")
    (place / "rgb.icc").write_bytes(icc_file.profile_bytes(b"RGB "))
    (place / "cmyk.icm").write_bytes(icc_file.profile_bytes(b"CMYK"))
    display = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    (place / "display.icc").write_bytes(display.tobytes())
    return place


def ours(profile: Profile) -> Array:
    """Return how the 500 colours look by our table, encoded (500,3)."""
    colour = Encoded(torch.from_numpy(COLOURS).float().T.reshape(1, 3, 1, -1) / 255)
    found: Array = encode(profile(colour))[0, :, 0].T.double().numpy()
    return found


def pillows(path: Path, paper: ImageCms.Intent, intent: ImageCms.Intent = RELATIVE) -> Array:
    srgb = ImageCms.createProfile("sRGB")
    device = ImageCms.ImageCmsProfile(str(path))
    proof = ImageCms.buildProofTransform(srgb, srgb, device, "RGB", "RGB", intent, paper)
    seen = ImageCms.applyTransform(Image.fromarray(COLOURS[None]), proof)
    assert seen is not None
    found: Array = np.asarray(seen)[0] / 255.0
    return found


def apart(one: Array, other: Array) -> Array:
    difference: Array = deltaE_ciede2000(rgb2lab(one), rgb2lab(other))  # type: ignore[no-untyped-call]  # scikit-image has none
    return difference


@pytest.mark.parametrize("name", ["rgb.icc", "cmyk.icm", "display.icc"])
@pytest.mark.parametrize("paper_white", [True, False])
def test_the_table_is_pillows_transform(folder: Path, name: str, paper_white: bool) -> None:
    path = folder / name
    found = ours(read_icc(path, paper_white=paper_white))
    difference = apart(found, pillows(path, ABSOLUTE if paper_white else RELATIVE))
    assert difference.mean() < 0.3
    assert difference.max() < 1.0


def test_the_intent_is_pillows(folder: Path) -> None:
    """Our printer has one table; only the absolute intent keeps the screen's white on its paper."""
    found = ours(read_icc(folder / "rgb.icc", intent="absolute"))
    difference = apart(found, pillows(folder / "rgb.icc", ABSOLUTE, ABSOLUTE))
    assert np.quantile(difference, 0.99) < 1.0
    assert apart(found, ours(read_icc(folder / "rgb.icc"))).max() > 2


@pytest.mark.parametrize("name", ["rgb.icc", "cmyk.icm"])
def test_the_table_is_the_known_printer(folder: Path, name: str) -> None:
    """By formula: XYZ relative to the paper to the device's values, printed, clipped to sRGB."""
    encoded = COLOURS / 255
    linear = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    wanted = icc_file.from_xyz(icc_file.to_xyz(linear) * icc_file.paper_xyz() / icc_file.D50)
    seen = icc_file.printed(icc_file.device_of(wanted)).clip(0, 1)
    expected = np.where(seen > 0.0031308, 1.055 * seen ** (1 / 2.4) - 0.055, 12.92 * seen)
    difference = apart(ours(read_icc(folder / name)), expected)
    assert difference.mean() < 0.5
    assert np.quantile(difference, 0.98) < 1.5  # the file's own table is coarse where it clips


def test_the_paper_is_the_white(folder: Path) -> None:
    """The media white point is what bare paper shows (ISO 15076-1, 9.2.36)."""
    paper = read_icc(folder / "rgb.icc")(Encoded(torch.ones(1, 3, 1, 1))).flatten()
    torch.testing.assert_close(
        paper.double().numpy(), icc_file.WHITE, atol=0.01, rtol=0
    )  # 8 bits: 0.009
    plain = read_icc(folder / "rgb.icc", paper_white=False)
    assert plain.ends_ratio[1] == pytest.approx(1, abs=0.01)


def test_a_file_is_read_by_its_suffix(folder: Path) -> None:
    assert read_profile(folder / "cmyk.icm").source == "cmyk.icm, relative intent"


def test_profiles_that_are_of_no_use(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    whole = icc_file.profile_bytes(b"RGB ")
    files = {
        "lab.icc": (lab.tobytes(), "of class abst"),
        "scanner.icc": (icc_file.profile_bytes(b"RGB ", b"scnr"), "of class scnr"),
        "oneway.icc": (icc_file.profile_bytes(b"RGB ", back=False), "tables to the device"),
        "space.icc": (whole.replace(b"RGB Lab ", b"HSV Lab "), "RGB or CMYK, got"),
        "text.icc": (b"hello", "none or damaged"),
    }
    for name, (content, told) in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match="printer: expected") as caught:
            read_icc(tmp_path / name)
        assert told in str(caught.value), name
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="a file that exists"):
        read_icc(tmp_path / "absent.icc")
