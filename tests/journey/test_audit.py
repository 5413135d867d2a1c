"""`physadv audit` and `physadv defences`: a verdict from the command line, and what is refused."""

import json
from pathlib import Path

import pytest
import torch

from physadv.core import Encoded, generator, quantise, save_image
from physadv.victims import load_victim
from tests.journey.commands import done, label_file, physadv, refused, torchscript

VICTIM = ("--victim", "net.pt", "--size-px", "16", "--labels", "names.txt")
QUICK = ("--steps", 3, "--restarts", 1, "--queries", 12, "--eps", "8/255")
OUT = Path("physadv-audit")
DEFENCE = """
from physadv.defences import BitDepth
def coarse():
    return BitDepth(3)
def nothing():
    return None
"""


@pytest.fixture
def work(here: Path) -> Path:
    """Write a network, its labels, and eight images with their labels by the network itself."""
    torchscript(here / "net.pt")
    label_file(here / "names.txt")
    victim = load_victim("net.pt", size_px=16)
    images = Encoded(torch.rand(8, 3, 16, 16, generator=generator(0)))
    lines = ["file,label"]
    for number, label in enumerate(victim(Encoded(quantise(images))).best.tolist()):
        save_image(here / f"{number}.png", Encoded(images[number : number + 1]))
        lines.append(f"{number}.png,{label}")
    (here / "table.csv").write_text("\n".join(lines) + "\n")
    (here / "own.py").write_text(DEFENCE)
    return here


def test_a_verdict_with_its_evidence(work: Path) -> None:
    said = done("audit", *VICTIM, "--images", "table.csv", "--defence", "jpeg", *QUICK).stdout
    facts = json.loads((OUT / "audit.json").read_text())
    assert f"verdict: {facts['verdict']}" in said
    assert facts["verdict"] in ("broken", "doubtful", "holds so far")
    names = [rung["name"] for rung in facts["rungs"]]
    assert names == [
        *("single step", "iterated", "restarts", "adaptive", "adaptive", "adaptive"),
        *("scores alone", "labels alone", "transfer"),
    ]
    assert facts["plan"]["steps"] == 3
    assert facts["withstand"]["hits"] <= facts["clean"]["hits"]
    page = (OUT / "attack.html").read_text()
    assert f"Verdict: {facts['verdict']}" in page
    assert "withstand without the defence" in page


def test_the_victim_itself_and_a_defence_of_ones_own(work: Path) -> None:
    done("audit", *VICTIM, "--images", "table.csv", *QUICK)
    facts = json.loads((OUT / "audit.json").read_text())
    assert facts["gain"] is None
    assert "transfer" not in {rung["name"] for rung in facts["rungs"]}
    again = ("--images", "table.csv", "--defence", "own.py:coarse", *QUICK, "--force")
    done("audit", *VICTIM, *again)
    assert "3 bits" in json.loads((OUT / "audit.json").read_text())["victim"]


def test_a_hardened_victim_beside_another(work: Path) -> None:
    """The same network twice: nothing is gained."""
    arguments = ("--images", "table.csv", "--undefended", "net.pt", *QUICK)
    done("audit", *VICTIM, *arguments)
    facts = json.loads((OUT / "audit.json").read_text())
    assert facts["verdict"] == "broken"
    assert facts["withstand undefended"]["n"] == 8
    assert "transfer" in {rung["name"] for rung in facts["rungs"]}


def test_defences_are_listed() -> None:
    said = " ".join(done("defences").stdout.split())
    assert "jpeg input quality Dziugaite et al. 2016" in said
    assert "feature-squeezing detector" in said


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--defence", "jpg"), "did you mean 'jpeg'"),
        (("--defence", "jpeg", "--set", "quality=0"), "quality: expected 1 to 100, got 0"),
        (("--defence", "jpeg", "--set", "quality=low"), "quality: expected a whole number"),
        (("--defence", "jpeg", "--set", "sides=3"), "expected one of quality"),
        (("--defence", "jpeg", "--set", "quality"), "set: expected NAME=VALUE"),
        (("--defence", "own.py:nothing"), "defence: expected own.py:nothing to return a defence"),
        (("--defence", "own.py:nobody"), "defence: expected one of"),
        (("--defence", "own.py:coarse", "--set", "bits=2"), "set: expected no setting"),
        (("--eps", "8"), "eps: expected above 0, up to 1"),
    ],
)
def test_what_is_wrong_is_one_line(work: Path, flags: tuple[str, ...], message: str) -> None:
    assert message in refused(physadv("audit", *VICTIM, "--images", "table.csv", *flags))
    assert not OUT.exists()


def test_labels_have_to_be_known(work: Path) -> None:
    (work / "photos").mkdir()
    (work / "0.png").rename(work / "photos" / "0.png")
    said = refused(physadv("audit", *VICTIM, "--images", "photos", *QUICK))
    assert "images: expected labels that are known" in said
