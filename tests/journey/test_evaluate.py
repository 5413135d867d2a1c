"""`physadv evaluate`: elsewhere, on other victims and photos, over grids; figures that are true."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.journey.commands import LABELS, card, done, label_file, physadv, refused, torchscript

BOX = ("--box", "100,60,340,300")


@pytest.fixture
def folder(result: Path, here: Path) -> Path:
    return Path(shutil.copytree(result, "copy"))


@pytest.fixture
def photo(result: Path, here: Path) -> Path:
    """Make a photo of the bare sign on grey, in a box."""
    image = Image.new("RGB", (480, 400), (120, 125, 130))
    with Image.open(result / "sign.png") as shown:
        small = shown.convert("RGBA").resize((240, 240))
    image.paste(small, (100, 60), small)
    image.save(here / "photo.png")
    return here / "photo.png"


def test_a_grid_in_another_world(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    axes = "scene.pose.distance_m=4,9,19 scene.pose.yaw_deg=-20,35"
    flags = ("--world", "street", "--n", 20, "--each", 2)
    found = done("evaluate", folder, *flags, "--grid", axes)
    facts = card(folder, "evaluation.json")
    assert facts["world"] == "street"
    assert facts["measured"]["n"] == facts["measured"]["success"]["n"] == 20
    assert facts["grid"]["axes"] == {
        "scene.pose.distance_m": [4.0, 9.0, 19.0],
        "scene.pose.yaw_deg": [-20.0, 35.0],
    }
    assert [rate["n"] for rate in facts["grid"]["rates"]] == [2] * 6
    assert "success by scene.pose.distance_m x scene.pose.yaw_deg" in found.stdout
    assert {n: c for n, c in before.items() if (folder / n).read_bytes() != c} == {}
    again = done("evaluate", folder, "--n", 20, "--seed", 2, "--grid", "camera.jpeg.quality=75")
    assert card(folder, "evaluation.json")["seed"] == 2
    assert "camera.jpeg.quality" in again.stdout


def test_another_victim(folder: Path, here: Path) -> None:
    torchscript(here / "net.pt")
    label_file(here / "names.txt")
    flags = ("--victim", "net.pt", "--size-px", 16, "--labels", "names.txt", "--n", 20)
    line = refused(physadv("evaluate", folder, *flags))
    assert "target: expected one of Stop, Go, Yield, got 'Speed limit (80km/h)'" in line
    found = done("evaluate", folder, *flags, "--target", "Go")
    facts = card(folder, "evaluation.json")
    assert facts["target"] == "Go"
    assert facts["victim"]["name"] == "net.pt"
    assert facts["victim"]["classes"] == len(LABELS)
    assert facts["victim"]["digest"] != card(folder)["victim"]["digest"]
    assert facts["measured"]["bare sign read correctly"]["n"] == 20
    assert "net.pt in lab" in found.stdout


def test_a_photo_of_any_kind(folder: Path, photo: Path) -> None:
    """Alpha, EXIF rotation: the same figures as the plain photo; grey and 16 bits: the same two."""
    with Image.open(photo) as image:
        plain = image.convert("RGB")
    exif = Image.Exif()
    exif[274] = 6  # to be turned clockwise for viewing
    plain.convert("RGBA").save(photo.with_name("alpha.png"))
    plain.transpose(Image.Transpose.ROTATE_90).save(photo.with_name("turned.png"), exif=exif)
    grey = np.asarray(plain.convert("L"))
    Image.fromarray(grey).save(photo.with_name("grey.png"))
    Image.fromarray(grey.astype(np.uint16) * 257).save(photo.with_name("deep.png"))
    measured = {}
    for name in ("photo", "alpha", "turned", "grey", "deep"):
        done("evaluate", folder, "--photo", photo.with_name(f"{name}.png"), *BOX, "--n", 20)
        facts = card(folder, "evaluation.json")
        assert f"{name}.png" in facts["world"]
        assert any("one scene" in doubt for doubt in facts["doubts"])
        measured[name] = facts["measured"]
    assert measured["photo"] == measured["alpha"] == measured["turned"]
    assert measured["grey"] == measured["deep"]
    low, high = (measured["photo"]["bare sign read correctly"][side] for side in ("low", "high"))
    assert high - low > 0.1  # one photo has no interval of its own: Wilson's is given


def test_a_photo_is_judged_in_the_street_if_asked(folder: Path, photo: Path) -> None:
    text = (folder / "design.toml").read_text()
    settings = f'[world]\nphoto = "{photo}"\nbox = "100,60,340,300"\n'
    (folder / "design.toml").write_text(text.replace("[world]\n", settings))
    done("evaluate", folder, "--world", "lab", "--n", 20)
    assert card(folder, "evaluation.json")["world"] == "lab"


CASES = """
scene.pose.distance=3 => grid: expected one of scene.pose.distance_m, | 'scene.pose.distance_m'?
scene.pose.distance_m => grid: expected name=value,value… for each axis
scene.pose.distance_m=3,x => grid: expected name=value,value… for each axis
scene.pose.distance_m=nan => grid: expected name=value,value… for each axis
scene.pose.distance_m=0 => grid scene.pose.distance_m: expected a number above 0, got 0
scene.pose.yaw_deg=95 => grid scene.pose.yaw_deg: expected degrees from -80 to 80, got 95
camera.defocus.blur_px=-1 => grid camera.defocus.blur_px: expected a number, at least 0, got -1
scene.background.which=500 => grid scene.background.which: expected a whole number from 0 to
"""


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("case", CASES.strip().splitlines())
def test_grids_that_cannot_be(result: Path, here: Path, case: str) -> None:
    axes, said = case.split(" => ")
    line = refused(physadv("evaluate", result, "--grid", axes))
    assert [text for text in said.split(" | ") if text not in line] == []


@pytest.mark.usefixtures("no_work")
def test_a_result_that_is_damaged(folder: Path) -> None:
    whole = (folder / "theta.safetensors").read_bytes()
    (folder / "theta.safetensors").write_bytes(whole[:500])
    assert "weights: expected a readable" in refused(physadv("evaluate", folder))
    (folder / "patch.png").unlink()
    (folder / "theta.safetensors").write_bytes(whole)
    assert "image: expected a file that exists" in refused(physadv("sheet", folder))
