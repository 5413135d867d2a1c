"""`physadv preview`: contact sheets of signs and results, and sweeps that show what they say."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.journey.commands import done, physadv, refused

Array = NDArray[np.uint8]


def pixels(path: Path) -> Array:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_random_photos_of_a_sign(here: Path) -> None:
    found = done("preview", "yield", "--world", "street", "--n", 3)
    assert "open preview.png" in found.stdout
    first = pixels(here / "preview.png")
    assert first.shape[1] > 3 * 192
    done("preview", "yield", "--world", "street", "--n", 3, "--out", "same.png")
    done("preview", "yield", "--world", "street", "--n", 3, "--seed", 1, "--out", "other.png")
    assert (here / "same.png").read_bytes() == (here / "preview.png").read_bytes()
    assert (here / "other.png").read_bytes() != (here / "preview.png").read_bytes()


def test_a_result_shows_its_stickers(result: Path, here: Path) -> None:
    done("preview", result, "--sweep", "camera.exposure.gain_ev", "--n", 2)
    done("preview", "stop", "--sweep", "camera.exposure.gain_ev", "--n", 2, "--out", "bare.png")
    with_stickers, bare = pixels(here / "preview.png"), pixels(here / "bare.png")
    assert with_stickers.shape[1] == bare.shape[1]
    top = min(len(bare), len(with_stickers)) // 2
    assert np.abs(with_stickers[:top].astype(int) - bare[:top]).max() > 60


def test_several_sweeps_are_several_rows(here: Path) -> None:
    one = ("--sweep", "camera.jpeg.quality=10,90")
    done("preview", "stop", *one, "--out", "one.png")
    done("preview", "stop", *one, *one, "--n", 2, "--out", "two.png")
    assert len(pixels(here / "two.png")) > len(pixels(here / "one.png")) + 192


def test_the_list_names_what_varies(here: Path) -> None:
    found = done("preview", "--list", "--world", "street")
    for name, text in {
        "scene.pose.distance_m": "3 m to 20 m",
        "camera.jpeg.quality": "50 to 95",
    }.items():
        assert any(name in line and text in line for line in found.stdout.splitlines())
    assert not (here / "preview.png").exists()


CASES = """
stop --sweep camera.exposure.gain => sweep: expected one of camera.exposure.gain_ev | --list
stop --sweep camera.exposure.speed_ev => camera.exposure.gain_ev
stop --sweep scene.pose.x => scene.pose.x_ratio, | scene.pose.distance_m
stop --sweep nothing => sweep: expected | got 'nothing'
stop --sweep scene.pose.yaw_deg=10..-10 => sweep scene.pose.yaw_deg: expected low..high, got 10..-10
stop --sweep scene.pose.yaw_deg=a..b => sweep: expected name, name=low..high or name=value,value…
stop --sweep scene.pose.yaw_deg=0..inf => sweep: expected finite numbers
stop --sweep scene.pose.yaw_deg=0..95 => sweep scene.pose.yaw_deg: expected degrees from -80 to 80
stop --sweep scene.background.which=99 => sweep scene.background.which: expected a whole number
stop --sweep scene.background.which=0..3 => sweep scene.background.which: expected values
stop --sweep camera.jpeg.quality --at camera.tone=1 => sweep: expected one of camera.tone.
stop --sweep camera.jpeg.quality --at camera.tone => at: expected name=value
stop --out here.jpg => out: expected a name that ends in .png, got here.jpg
stop --out nowhere/x.png => out: expected a folder that exists, got nowhere
stopp => sign: expected one of | did you mean 'stop'
stop --world mars => mars
"""


@pytest.mark.parametrize("case", CASES.strip().splitlines())
def test_what_cannot_be_shown_is_refused(here: Path, case: str) -> None:
    arguments, said_texts = case.split(" => ")
    line = refused(physadv("preview", *arguments.split()))
    assert [text for text in said_texts.split(" | ") if text not in line] == []
    assert list(here.iterdir()) == []
