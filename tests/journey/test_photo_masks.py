"""Real photos from the command line: masks of what is before the sign, and folders with faults."""

from pathlib import Path
from shutil import copytree

import pytest
import torch
from PIL import Image

from physadv.design import Design, build_victim, build_world, design_from
from physadv.scene import PhotoScene, SignPhoto
from tests.journey.commands import card, done, physadv, refused

DIGEST = "4dfa144301d8d95d67782851ce1f61b9a2b4b142dcd6caaedf55a2bea2dc8562"
"""Of the default design, as it was before there were masks and methods of relighting."""
FLAGS = {
    "--photo p.png --box 10,10,90,90 --occlusion small.png": [
        "occlusion mask: expected an image as large as its photo, 120 x 100 px, got small.png of",
    ],
    "--photo p.png --box 10,10,90,90 --occlusion torn.png": [
        "occlusion mask: expected a readable image",
        "save it anew",
    ],
    "--photo p.png --occlusion white.png": [
        "occlusion mask: expected a mask that leaves some of the sign free",
        "paint white what is before the sign",
    ],
    "--photo folder --occlusion leaves.png": [
        "photo: expected one photo for occlusion, got folder",
        "write a table .csv",
    ],
    "--occlusion leaves.png": ["--photo: expected a file, got none"],
    "--photo folder": [
        "photos: expected photos that can all be read, got 2 of 3 that cannot:",
        "(1) bad.png, image: expected a readable image",
        "(2) worse.jpg, image: expected a readable image",
        "mend these or take them out; the other one is fine",
    ],
}


@pytest.fixture
def files(here: Path) -> Path:
    Image.new("RGB", (120, 100), (90, 90, 90)).save(here / "p.png")
    Image.new("L", (12, 10)).save(here / "small.png")
    Image.new("L", (120, 100), 255).save(here / "white.png")
    leaves = Image.new("L", (120, 100))
    leaves.paste(255, (0, 0, 60, 100))
    leaves.save(here / "leaves.png")
    whole = (here / "p.png").read_bytes()
    (here / "torn.png").write_bytes(whole[: len(whole) // 2])
    (here / "folder").mkdir()
    (here / "folder/a.png").write_bytes(whole)
    (here / "folder/bad.png").write_bytes(whole[:60])
    (here / "folder/worse.jpg").write_text("no photo at all")
    return here


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("flags", FLAGS)
def test_photos_and_masks_that_cannot_be(files: Path, flags: str) -> None:
    line = refused(physadv("generate", *flags.split(), "--target", 5, "--out", "new"))
    assert [text for text in FLAGS[flags] if text not in line] == []
    assert not (files / "new").exists()


def test_a_design_with_a_mask_hides_the_stickers_there(files: Path) -> None:
    world = {"photo": str(files / "p.png"), "box": "10,10,90,90", "relight": "least_squares"}
    photos: list[SignPhoto] = []
    for occlusion in (None, str(files / "leaves.png")):
        design = design_from({"world": world | {"occlusion": occlusion}})
        scene = build_world(design, build_victim(design)).scene
        assert isinstance(scene, PhotoScene)
        photos.extend(scene.photos)
    bare, masked = photos
    assert bare.front is None
    assert masked.front is not None
    assert float(masked.front.mean()) == pytest.approx(0.5, abs=0.05)
    assert torch.equal(bare.light, masked.light)


def test_a_grey_wall_is_no_sign(files: Path, result: Path) -> None:
    """Judged in another photo, behind a mask; that it shows no sign is among the doubts."""
    copytree(result, files / "result")
    photo = ("--photo", "p.png", "--box", "10,10,90,90", "--occlusion", "leaves.png")
    done("evaluate", "result", *photo, "--n", 20)
    facts = card(files / "result", "evaluation.json")
    assert any("relit, the sign is off by more than 15 %" in doubt for doubt in facts["doubts"])


def test_designs_without_a_mask_keep_their_digest() -> None:
    plain = design_from({"world": {"photo": "p.png", "box": "1,2,30,40"}})
    changed = [
        plain.changed("world", occlusion="m.png"),
        plain.changed("world", relight="least_squares"),
    ]
    assert len({one.digest() for one in (plain, *changed)}) == 3
    assert Design().digest() == DIGEST
