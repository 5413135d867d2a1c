"""Victims of all kinds on the command line: where each is taken, and what is said where not."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from physadv.core import generator, save_image
from physadv.design import read_design
from physadv.output import Strip, read_kept, verify
from tests.journey.commands import card, done, label_file, physadv, refused
from tests.onnx_files import write
from tests.plugins.points import points
from tests.server import LABELS, Server, serving
from tests.shared_data import ROOT

__all__ = ["points"]
QUICK = ("--attack", "art:SquareAttack", "--set", "max_iter=3", "--set", "eps=0.3")


@pytest.fixture
def photos(here: Path) -> Path:
    (here / "photos").mkdir()
    rng = generator(0)
    for number in range(3):
        image = torch.rand(1, 3, 32, 48, generator=rng)
        save_image(here / "photos" / f"{number}.png", image)
    label_file(here / "names.txt", LABELS)
    return here / "photos"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as running:
        yield running


def named(server: Server) -> tuple[str, ...]:
    return ("--victim", server.url, "--labels", "names.txt", "--size-px", "12")


def test_a_remote_one_is_attacked_by_its_scores(photos: Path, server: Server, points: Path) -> None:
    said = done("attack", *named(server), "--images", photos, *QUICK).stdout
    facts = card(Path("physadv-attack"))
    assert facts["victim"]["queries"] == server.images > 6
    assert f"asked about {server.images} images" in said
    assert facts["measured"]["success"]["n"] == 3


@pytest.mark.parametrize("attack", ["pgd", "patch", "foolbox:LinfPGD", "art:FastGradientMethod"])
def test_attacks_by_gradient_say_who_takes_a_black_box(
    photos: Path, server: Server, points: Path, attack: str
) -> None:
    line = refused(physadv("attack", *named(server), "--images", photos, "--attack", attack))
    assert "victim: expected" in line
    assert "gradients" in line
    assert "a black box" in line
    assert "art:HopSkipJump" in line
    assert not Path("physadv-attack").exists()


def test_stickers_are_judged_on_a_remote_one_and_not_sought_by_gradient(
    result: Path, here: Path, server: Server
) -> None:
    label_file(here / "names.txt", LABELS)
    folder = Path(shutil.copytree(result, "copy"))
    elsewhere = (*named(server), "--target", "green", "--truth", "red", "--n", 20)
    said = done("evaluate", folder, *elsewhere).stdout
    facts = card(folder, "evaluation.json")
    assert facts["victim"]["queries"] == server.images
    assert f"asked about {server.images} images" in said
    assert facts["measured"]["success"]["n"] == 20
    asked = server.images
    line = refused(physadv("generate", *named(server), "--target", "green", "--out", "new"))
    assert "victim: expected one with gradients" in line
    assert "physadv evaluate --victim" in line
    assert server.images == asked
    assert not Path("new").exists()


def test_an_attack_that_only_asks_finds_stickers_on_a_remote_one(
    here: Path, server: Server
) -> None:
    label_file(here / "names.txt", LABELS)
    goal = ("--target", "green", "--truth", "red", "--layout", "middle", "--cell-mm", 50)
    search = ("--attack", "random-search", "--queries", 120, "--label-only", "--judged", 20)
    done("generate", *named(server), *goal, *search, "--out", "new")
    facts = card(Path("new"))
    assert facts["budget"]["queries"] == 120
    assert 120 < facts["victim"]["queries"] <= server.images  # the report shows a few more
    assert facts["measured"]["success"]["n"] == 20


def test_an_onnx_file_is_attacked_and_one_without_gradients_is_a_black_box(
    photos: Path, points: Path
) -> None:
    write(Path("net.onnx"), shape=("N", 3, 12, 16), outputs=("scores",))
    done("attack", "--victim", "net.onnx", "--images", photos, "--set", "eps=8/255")
    assert card(Path("physadv-attack"))["settings"] == {"eps": "8/255"}


CELLS = f"{ROOT / 'tests' / 'victims.py'}:cell_detector"


def test_a_detector_is_made_to_overlook_a_class(photos: Path) -> None:
    flags = ("--victim", CELLS, "--images", photos, "--truth", 1, "--set", "eps=0.3")
    done("attack", *flags, "--set", "steps=5")
    facts = card(Path("physadv-attack"))
    assert facts["goal"].startswith("no ")
    assert facts["goal"].endswith(" reported")
    assert facts["measured"]["images read correctly"] is None
    sizes = {"confidence", "inf", "2", "1", "0", "ssim"}
    assert facts["images"][0].keys() == {"file", "of", "label", "best candidate"} | sizes
    assert facts["measured"]["clean"]["hits"] <= facts["measured"]["success"]["hits"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "truth: expected the class that a detector is to overlook, got nothing"),
        (("--truth", "0", "--target", "1"), "target: expected a classifier, got a detector"),
        (("--truth", "0", "--camera", "lab"), "camera: expected a classifier, got a detector"),
        (("--truth", "0", "--attack", "art:FastGradientMethod"), "pgd and patch take any"),
    ],
)
def test_what_makes_no_sense_with_a_detector(
    photos: Path, points: Path, flags: tuple[str, ...], message: str
) -> None:
    line = refused(physadv("attack", "--victim", CELLS, "--images", photos, *flags))
    assert message in line


POSTER = ("--area", 100, "--allow-legend", "--layout", "poster", "--cell-mm", 50)
SHORT = ("--steps", 4, "--batch", 4, "--judged", 20)


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a poster that hides a sign from a detector of red."""
    folder = tmp_path_factory.mktemp("detector") / "hidden"
    flags = ("--victim", CELLS, "--truth", "red", "--score", 0.7, *POSTER, *SHORT)
    done("generate", *flags, "--out", folder)
    return folder


def test_a_poster_hides_a_sign_from_a_detector(hidden: Path) -> None:
    facts = card(hidden)
    assert facts["goal"] == "red not reported as such"
    assert facts["measured"]["success"]["hits"] >= 5
    assert facts["measured"]["clean"]["hits"] == 0
    margin = facts["conditions"]["camera.framing.margin_ratio"]
    assert (margin["low"], margin["high"]) == (0.5, 2.0)
    assert ">nothing<" in (hidden / "report.html").read_text(encoding="utf-8")
    assert read_design(hidden / "design.toml").goal.score == 0.7


def test_what_hides_from_a_detector_is_judged_again(hidden: Path) -> None:
    done("evaluate", hidden, "--world", "street", "--n", 20)
    again = card(hidden, "evaluation.json")["measured"]
    assert again["success"]["hits"] > again["clean"]["hits"]
    agreed = verify(read_kept(hidden), n=20)
    assert [one.what for one in agreed if not one.agrees] == []


@pytest.mark.parametrize("how", [(), ("--sweep", "scene.pose.distance_m")])
@pytest.mark.parametrize(("score", "reported"), [(0.001, True), (0.9999999, False)])
def test_a_preview_asks_a_detector_as_its_folder_does(
    hidden: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: tuple[str, ...],
    score: float,
    reported: bool,
) -> None:
    shutil.copytree(hidden, tmp_path / "scored")
    design = tmp_path / "scored" / "design.toml"
    design.write_text(design.read_text().replace("score = 0.7", f"score = {score}"))
    seen: list[Strip] = []
    monkeypatch.setattr(
        "physadv.cli.preview.write_contact_sheet",
        lambda out, title, strips, *, note: seen.extend(strips),
    )
    done("preview", tmp_path / "scored", *how, "--n", 3, "--out", tmp_path / "seen.png")
    answers = {answer for strip in seen for answer in strip.answers}
    assert ("nothing" not in answers) if reported else (answers == {"nothing"})


def test_a_detector_shall_name_another_class(here: Path) -> None:
    flags = ("--victim", CELLS, "--truth", "red", "--target", "blue", *POSTER, *SHORT)
    done("generate", *flags, "--out", "blue")
    assert card(Path("blue"))["goal"] == "red reported as blue"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "truth: expected the class the victim should answer, got none"),
        (("--target", 1), "give --truth"),
        (("--truth", "red", "--target", "red"), "target: expected another class than the sign's"),
        (("--truth", "red", "--photo", "a.png"), "photo: expected none for a detector"),
        (("--truth", "red", "--score", 1), "--score: expected a number between 0 and 1, got 1"),
        (("loss.toml",), "loss: expected margin, for a detector, got cross_entropy"),
    ],
)
def test_what_a_detector_s_stickers_need(
    here: Path, flags: tuple[object, ...], message: str
) -> None:
    Path("loss.toml").write_text('[goal]\nloss = "cross_entropy"\ntruth = "red"\n')
    line = refused(physadv("generate", *flags, "--victim", CELLS, "--out", "new"))
    assert message in line
    assert not Path("new").exists()


def test_photos_are_not_scored_by_a_detector(hidden: Path, here: Path) -> None:
    save_image(Path("one.png"), torch.rand(1, 3, 32, 48, generator=generator(0)))
    line = refused(physadv("score", "one.png", hidden))
    assert "victim: expected a classifier, got cells, a detector" in line
