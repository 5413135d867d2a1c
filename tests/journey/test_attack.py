"""`physadv attack` and `physadv plugins`: from images to a folder with a card."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from physadv.attacks.digital import PGD
from physadv.core import Encoded, generator, load_image, save_image
from tests.journey.commands import card, done, label_file, physadv, refused, torchscript
from tests.plugins.points import points

__all__ = ["points"]
VICTIM = ("--victim", "net.pt", "--size-px", "16", "--labels", "names.txt")

TOLD = ("Go", "Stop", "0", "Yield", "Stop")
"""What the table says of the photos; the victim reads all but the fourth so."""


@pytest.fixture
def work(here: Path) -> Path:
    """Make a victim, its labels, and images of two sizes with a table."""
    torchscript(here / "net.pt")
    label_file(here / "names.txt")
    (here / "photos").mkdir()
    rng = generator(0)
    for number in range(5):
        side = 16 if number < 4 else 40
        save_image(here / "photos" / f"{number}.png", torch.rand(1, 3, side, side, generator=rng))
    rows = "".join(f"photos/{k}.png,{label}\n" for k, label in enumerate(TOLD))
    (here / "table.csv").write_text("file,label\n" + rows)
    return here


def test_a_folder_of_images(work: Path) -> None:
    said = done("attack", *VICTIM, "--images", "photos", "--set", "eps=0.1", "--batch", 2).stdout
    facts = card(work / "physadv-attack")
    measured = facts["measured"]
    assert measured["success"]["n"] == 5
    assert measured["success"]["hits"] == sum(
        row["label"] != row["read as"] for row in facts["images"]
    )
    assert measured["clean"]["hits"] == 0
    assert measured["images read correctly"] is None
    assert measured["largest change"]["inf"] <= 26 / 255 + 1e-6
    assert "labels are the victim's own answers" in facts["doubts"]
    made = load_image(work / "physadv-attack" / facts["images"][1]["file"])
    plain = load_image(work / "photos" / "1.png")
    assert 0 < float((made - plain).abs().max()) <= 26 / 255 + 1e-6
    assert "kept in physadv-attack" in said
    assert "/5 " in said


def test_a_table_with_labels_and_a_target(work: Path) -> None:
    arguments = (*VICTIM, "--images", "table.csv", "--target", "Yield", "--out", "out")
    done("attack", *arguments, "--set", "eps=0.2", "--set", "steps=5")
    facts = card(work / "out")
    assert facts["goal"] == "read as Yield"
    assert [row["label"] for row in facts["images"]] == ["Go", "Stop", "Stop", "Stop"]
    read = facts["measured"]["images read correctly"]
    assert (read["hits"], read["n"]) == (4, 5)
    assert facts["left out"] == {"misread": 1, "as wanted already": 0}
    assert any("the victim reads the images in only 80.0 %" in one for one in facts["doubts"])
    assert facts["measured"]["success"]["n"] == 4
    assert facts["measured"]["success"]["hits"] >= 3
    assert facts["settings"] == {"eps": "0.2", "steps": "5"}
    again = refused(physadv("attack", *arguments))
    assert "expected a folder without a result" in again
    done("attack", *arguments, "--force", "--attack", "patch", "--set", "steps=2")
    assert card(work / "out")["attack"] == "patch"


def test_one_image_and_a_fraction(work: Path) -> None:
    done("attack", *VICTIM, "--images", "photos/1.png", "--set", "eps=8/255")
    facts = card(work / "physadv-attack")
    assert [row["of"] for row in facts["images"]] == ["1.png"]
    assert facts["measured"]["largest change"]["inf"] == pytest.approx(8 / 255, abs=1e-6)


def test_through_a_camera(work: Path) -> None:
    arguments = (*VICTIM, "--images", "photos", "--camera", "lab", "--samples", 2, "--force")
    done("attack", *arguments)
    one = card(work / "physadv-attack")
    assert one["camera"] == "lab"
    misread = [row for row in one["images"] if row["label"] != row["read as"]]
    assert one["measured"]["success"]["hits"] == len(misread)
    done("attack", *arguments)
    again = card(work / "physadv-attack")
    assert again["measured"] == one["measured"]


@pytest.mark.parametrize("name", ["universal", "rp2"])
def test_one_change_for_all_is_for_all_whatever_the_batch(work: Path, name: str) -> None:
    """Where nothing is cut off at black or white, which is nearly everywhere in images of grey."""
    for path in (work / "photos").iterdir():
        save_image(path, Encoded(0.45 + 0.1 * load_image(path)[..., :16, :16]))
    flags = ("--images", "photos", "--attack", name, "--batch", 2)
    done("attack", *VICTIM, *flags, "--set", "steps=5", "--set", "rate=0.02")
    rows = card(work / "physadv-attack")["images"]
    assert len(rows) > 2
    made = torch.cat([load_image(work / "physadv-attack" / row["file"]) for row in rows])
    changes = made - torch.cat([load_image(work / "photos" / row["of"]) for row in rows])
    whole = ((made > 0) & (made < 1)).all(dim=0)
    assert float(whole.float().mean()) > 0.3
    assert float((changes - changes[:1])[:, whole].abs().max()) < 1.01 / 255
    assert float(changes[:, whole].abs().max()) > 2 / 255


def test_one_change_for_all_inside_a_mask(work: Path) -> None:
    half = torch.zeros(1, 3, 16, 16)
    half[..., :8] = 1
    save_image(work / "mask.png", half)
    flags = ("--images", "photos", "--attack", "rp2", "--target", "Yield", "--mask", "mask.png")
    done("attack", *VICTIM, *flags, "--set", "steps=40", "--set", "weight=0.001")
    facts = card(work / "physadv-attack")
    assert (facts["attack"], facts["mask"]) == ("rp2", "mask.png")
    assert facts["measured"]["success"]["hits"] > facts["measured"]["clean"]["hits"]
    for row in facts["images"][:4]:
        made = load_image(work / "physadv-attack" / row["file"])
        plain = load_image(work / "photos" / row["of"])
        assert torch.equal(made[..., 8:], plain[..., 8:])
        assert not torch.equal(made[..., :8], plain[..., :8])
    save_image(work / "mask.png", torch.ones(1, 3, 20, 20))
    wrong = refused(physadv("attack", *VICTIM, *flags, "--force"))
    assert "mask: expected a shape that broadcasts to (5, 3, 16, 16), got (1, 3, 20, 20)" in wrong


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("pgd", "norm=0"),
        ("fast_gradient", "norm=2"),
        ("iterative", "decay=1"),
        ("lbfgs", "rounds=3"),
        ("smallest", "rounds=3"),
        ("universal", "steps=5"),
        ("perceptual", "steps=20"),
    ],
)
def test_white_box_attacks_by_name(work: Path, name: str, setting: str) -> None:
    pixels = ("--set", "eps=20") if setting == "norm=0" else ()
    done("attack", *VICTIM, "--images", "photos", "--attack", name, "--set", setting, *pixels)
    facts = card(work / "physadv-attack")
    assert (facts["attack"], facts["measured"]["success"]["n"]) == (name, 5)
    assert facts["measured"]["largest change"]["inf"] > 0


@pytest.mark.parametrize("name", ["art:FastGradientMethod", "foolbox:LinfPGD", "torchattacks:FGSM"])
def test_attacks_of_frameworks(work: Path, points: Path, name: str) -> None:
    done("attack", *VICTIM, "--images", "photos", "--attack", name, "--truth", "Go")
    facts = card(work / "physadv-attack")
    assert facts["attack"] == name
    assert facts["measured"]["largest change"]["inf"] > 0
    assert {row["label"] for row in facts["images"]} == {"Go"}


def test_plugins_are_listed(points: Path) -> None:
    said = " ".join(done("plugins").stdout.split())
    assert "physadv itself: --attack advgan | disguise | estimated | evade-hc" in said
    assert "smallest --set: norm, most, rounds, steps" in said
    assert "art: the Adversarial Robustness Toolbox" in said
    assert "HopSkipJump" in said
    assert "on black boxes too: BoundaryAttack, HopSkipJump" in said
    assert "pgd --set: norm, eps, rate, steps, random_starts, stop" in said
    assert "--attack foolbox:NAME" in said
    assert "broken: not usable (No module named 'physadv_nowhere')" in said


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--attack", "pgdd"), "did you mean 'pgd'"),
        (("--attack", "PGD"), "did you mean 'pgd'"),
        (("--attack", "HopSkipJump"), "as in art:HopSkipJump; physadv plugins lists them"),
        (("--attack", "nowhere:PGD"), "attack: expected one of"),
        (("--attack", "broken:PGD"), "pip install 'physadv[broken]'"),
        (("--attack", "art:GeoDA"), "numpy.mat"),
        (("--set", "epss=1"), "did you mean 'eps'"),
        (("--set", "eps"), "set: expected NAME=VALUE"),
        (("--set", "eps=1", "--set", "eps=2"), "set: expected each name once"),
        (("--set", "steps=0"), "steps: expected at least 1"),
        (("--set", "eps=wide"), "eps: expected a number, got 'wide'"),
        (("--set", "rate=true"), "rate: expected a number or none, got True"),
        (("--set", "steps=2.5"), "steps: expected a whole number, got 2.5"),
        (("--images", "nowhere"), "images: expected a folder, an image or a .csv"),
        (("--images", "empty"), "images: expected at least one image"),
        (("--images", "wrong.csv"), "columns file and label"),
        (("--images", "gaps.csv"), "a file and a label in every row"),
        (("--images", "unknown.csv"), "label: expected one of"),
        (("--camera", "lob"), "camera: expected one of lab"),
        (("--target", "Nothing"), "target: expected one of"),
        (("--truth", "Nothing"), "truth: expected one of"),
        (("--images", "table.csv", "--truth", "Go"), "truth: expected no label beside those"),
        (
            ("--set", "eps=8"),
            "eps: expected at most 1 with the norm inf, got 8; images are in",
        ),
        (("--set", "eps=1/0"), "eps: expected a number, got '1/0'"),
        (("--out", "names.txt"), "out: expected a folder"),
        (("--attack", "art:DeepFool", "--mask", "m.png"), "mask: expected an attack of physadv's"),
        (("--attack", "rp2", "--set", "printability=1"), "palette: expected a file"),
    ],
)
def test_what_is_wrong_is_one_line(
    work: Path, points: Path, flags: tuple[str, ...], message: str
) -> None:
    (work / "empty").mkdir()
    (work / "wrong.csv").write_text("path,class\nphotos/0.png,Stop\n")
    (work / "gaps.csv").write_text("file,label\nphotos/0.png,\n")
    (work / "unknown.csv").write_text("file,label\nphotos/0.png,Elephant\n")
    images = () if "--images" in flags else ("--images", "photos")
    assert message in refused(physadv("attack", *VICTIM, *images, *flags))
    assert not (work / "physadv-attack").exists()


def test_ctrl_c_keeps_whole_batches(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, calls = PGD.__call__, list[int]()

    def stopped(self: PGD, *args: object, **kwargs: object) -> Tensor:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, *args, **kwargs)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(PGD, "__call__", stopped)
    found = physadv("attack", *VICTIM, "--images", "photos", "--batch", 2)
    assert found.exit_code == 130
    facts = card(work / "physadv-attack")
    assert facts["measured"]["success"]["n"] == 4
    assert len(list((work / "physadv-attack" / "images").iterdir())) == 4
    assert any("stopped by hand" in doubt for doubt in facts["doubts"])
    calls.clear()
    calls.extend([1, 1])
    nothing = physadv("attack", *VICTIM, "--images", "photos", "--out", "none")
    assert nothing.exit_code == 130
    assert not (work / "none").exists()
