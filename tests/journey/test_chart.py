"""From the chart to a calibrated result: chart, a photo of it, calibrate, generate --printer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from skimage.io import imread

from physadv.core import Span
from physadv.design import Design, build_world
from physadv.printing import load_profile
from physadv.victims import load_victim
from tests.icc_file import profile_bytes
from tests.journey.commands import done, physadv, refused
from tests.virtual_rig import VirtualRig


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a chart, print and photograph it on the rig, and calibrate."""
    folder = tmp_path_factory.mktemp("chart")
    done("chart", "--out", folder / "chart.pdf")
    rig = VirtualRig(5)
    printed = rig.print(np.ascontiguousarray(imread(folder / "chart.png")[::2, ::2]))
    taken = rig.photograph(printed, (1200, 900))
    Image.fromarray(taken).save(folder / "photo.jpg", quality=95)
    done("calibrate", folder / "photo.jpg", "--out", folder / "p.safetensors")
    return folder


def test_the_files_that_are_written(measured: Path) -> None:
    names = {path.name for path in measured.iterdir()}
    assert names == {"chart.pdf", "chart.png", "photo.jpg", "p.safetensors", "found.png"}
    profile = load_profile(measured / "p.safetensors")
    assert profile.source == "photo.jpg"
    assert profile.held_out_de2000 is not None
    assert profile.held_out_de2000 < 3
    assert Image.open(measured / "found.png").size == (900, 1200)


def test_what_calibrate_says(measured: Path) -> None:
    said = done("calibrate", measured / "photo.jpg", "--out", measured / "p.safetensors", "--force")
    profile = load_profile(measured / "p.safetensors")
    assert f"{profile.held_out_de2000:.2f} dE2000" in said.stdout
    assert "300, " in said.stdout
    assert "physadv generate --printer" in said.stdout


def test_stickers_are_made_for_the_printer(measured: Path) -> None:
    """A design with the profile prints by it, and varies by its uncertainty."""
    profile = load_profile(measured / "p.safetensors")
    design = Design().changed("world", printer=str(measured / "p.safetensors"))
    world = build_world(design, load_victim("bundled"))
    assert world.printer.profile is not None
    assert torch.equal(world.printer.profile.table, profile.table)
    gain = world.declared()["printer.drift.green_gain_ratio"]
    assert isinstance(gain, Span)
    std = float(profile.gain_std_ratio[1])
    assert gain.high - gain.low == pytest.approx(2 * 3**0.5 * std)
    plain = build_world(Design(), load_victim("bundled")).declared()["printer.drift.red_gain_ratio"]
    assert isinstance(plain, Span)
    assert plain.idle


def test_generate_hands_the_profile_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    designs = []
    monkeypatch.setattr("physadv.cli.generate.run", lambda design, *_: designs.append(design))
    done("generate", "--target", 5, "--printer", "p.safetensors")
    assert designs[0].world.printer == "p.safetensors"


def test_a_profile_changes_the_designs_digest_and_none_keeps_it() -> None:
    plain = Design()
    named = plain.changed("world", printer="p.safetensors")
    assert named.digest() != plain.digest()
    assert named.changed("world", printer=None).digest() == plain.digest()


@pytest.mark.usefixtures("no_work")
def test_printers_that_are_none(here: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    (here / "lab.icc").write_bytes(lab.tobytes())
    (here / "grey.icc").write_bytes(profile_bytes().replace(b"RGB Lab ", b"GRAYLab "))
    (here / "torn.safetensors").write_bytes(b"torn")
    cases = {
        "absent.safetensors": "printer: expected a file that exists, got absent.safetensors",
        "torn.safetensors": "printer: expected a printer profile, got torn.safetensors",
        "lab.icc": "printer: expected an ICC profile of a printer (prtr) or a display (mntr)",
        "grey.icc": "printer: expected an ICC profile of a printer in RGB or CMYK, got grey.icc",
    }
    for name, told in cases.items():
        line = refused(physadv("generate", "--target", 5, "--printer", name, "--out", "new"))
        assert told in line
        assert not (here / "new").exists()


CASES = {
    "chart --paper A9": "paper: expected one of A5, A4,",
    "chart --paper 300x400": "paper: expected one of A5, A4,",
    "chart --out chart.png": "out: expected a file named ….pdf, got chart.png",
    "chart --out absent/chart.pdf": "out: expected a folder that exists",
    "chart --out taken.pdf": "out: expected files that are not there yet, got taken.pdf",
    "calibrate absent.jpg": "photo: expected a file that exists, got absent.jpg",
    "calibrate taken.pdf": "photo: expected a readable image",
    "calibrate grey.png": "photo: expected the colour chart that physadv chart makes, got a photo",
    "calibrate grey.png --white 88": "white: expected a share of light",
    "calibrate grey.png --out p.txt": "out: expected a file named ….safetensors, got p.txt",
}


@pytest.mark.parametrize("command", CASES)
def test_wrong_flags(here: Path, command: str) -> None:
    (here / "taken.pdf").write_text("mine")
    Image.new("RGB", (300, 200), (128, 128, 128)).save(here / "grey.png")
    line = refused(physadv(*command.split()))
    assert CASES[command] in line
    assert {path.name for path in here.iterdir()} == {"taken.pdf", "grey.png"}
    assert (here / "taken.pdf").read_text() == "mine"
