"""Several attacks in one `physadv attack`, what it leaves, and `physadv attacks`."""

import csv
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from physadv.core import generator, load_image, save_image, ssim
from physadv.victims import load_victim
from tests.journey.commands import card, done, label_file, physadv, refused, torchscript
from tests.plugins.points import points

__all__ = ["points"]
VICTIM = ("--victim", "net.pt", "--size-px", "16", "--labels", "names.txt")
OUT = Path("physadv-attack")


@pytest.fixture
def work(here: Path) -> Path:
    """Make a victim, its labels, and six images."""
    torchscript(here / "net.pt")
    label_file(here / "names.txt")
    (here / "photos").mkdir()
    rng = generator(0)
    for number in range(6):
        save_image(here / "photos" / f"{number}.png", torch.rand(1, 3, 16, 16, generator=rng))
    return here


def rows() -> list[dict[str, str]]:
    with (OUT / "attacks.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_several_attacks_and_sizes_leave_a_table_and_a_page(work: Path, points: Path) -> None:
    names = ("--attack", "pgd", "--attack", "torchattacks:FGSM", "--attack", "patch")
    flags = ("--images", "photos", "--eps", "4/255", "--eps", "0.1", "--set", "steps=5")
    said = done("attack", *VICTIM, *names, *flags).stdout
    table = rows()
    told = [(row["attack"], row["eps"]) for row in table if "noise" not in row["attack"]]
    sizes = ("4/255", "0.1")
    ours = [("pgd", eps) for eps in sizes]
    assert told == [*ours, *(("torchattacks:FGSM", eps) for eps in sizes), ("patch", "")]
    assert len(table) == 2 * len(told)
    known = load_victim("net.pt", labels=Path("names.txt"), size_px=16)
    for row in table[::2]:
        eps = f", eps {row['eps']}" if row["eps"] else ""
        folder = OUT / "attacks" / re.sub(r"[^\w.=]+", "-", row["attack"] + eps)
        facts = card(folder)
        read = [int(known(load_image(folder / one["file"])).best) for one in facts["images"]]
        wrong = [
            known.labels[k] != one["label"] for k, one in zip(read, facts["images"], strict=True)
        ]
        assert int(row["hits"]) == sum(wrong) == facts["measured"]["success"]["hits"]
        assert row["attack"] in said
    page = (OUT / "attack.html").read_text()
    assert "Success by size" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert not (OUT / "card.json").exists()
    assert "steps" in card(OUT / "attacks" / "patch")["settings"]
    assert "steps" not in card(OUT / "attacks" / "torchattacks-FGSM-eps-0.1")["settings"]
    done("attack", *VICTIM, "--images", "photos", "--force")
    assert not (OUT / "attacks").exists()
    assert (OUT / "card.json").exists()


def test_differences_are_ten_times_as_large_about_grey(work: Path) -> None:
    done("attack", *VICTIM, "--images", "photos", "--eps", "4/255")
    for row in card(OUT)["images"]:
        made, plain = load_image(OUT / row["file"]), load_image(work / "photos" / row["of"])
        shown = load_image(OUT / row["file"].replace("images", "differences"))
        wanted = (0.5 + 10 * (made - plain)).clamp(0, 1)
        assert float((shown - wanted).abs().max()) <= 0.51 / 255
        assert row["inf"] == pytest.approx(float((made - plain).abs().max()), abs=1e-6)
    assert (OUT / "course.png").stat().st_size > 1000


def test_synthesis_needs_no_images(work: Path) -> None:
    done("attack", *VICTIM, "--attack", "synthesis", "--set", "confidence=0.9")
    facts = card(OUT)
    assert [row["of"] for row in facts["images"]] == [f"class-0{k}.png" for k in range(3)]
    assert [row["read as"] for row in facts["images"]] == ["Stop", "Go", "Yield"]
    assert min(row["confidence"] for row in facts["images"]) >= 0.9
    page = (OUT / "attack.html").read_text(encoding="utf-8")
    assert page.count('<img alt=""') == 3
    done("attack", *VICTIM, "--attack", "synthesis", "--target", "Go", "--force")
    assert [row["read as"] for row in card(OUT)["images"]] == ["Go"]
    line = refused(
        physadv("attack", *VICTIM, "--attack", "pgd", "--attack", "synthesis", "--force")
    )
    assert "images: expected a folder, an image or a .csv, got nothing; only --attack syn" in line


def test_a_disguise_keeps_its_similarity_in_the_file(work: Path) -> None:
    flags = ("--images", "photos", "--attack", "disguise", "--target", "Yield")
    done("attack", *VICTIM, *flags, "--set", "ssim=0.9", "--set", "steps=20")
    facts = card(OUT)
    assert facts["measured"]["success"]["hits"] > 0
    for row in facts["images"]:
        pair = (load_image(work / "photos" / row["of"]), load_image(OUT / row["file"]))
        alike = float(ssim(*(one.double() for one in pair)))
        assert alike >= 0.9
        assert row["ssim"] == pytest.approx(alike, abs=1e-5)


class Odd(nn.Module):
    """Gives probabilities, or, for bright images, what is no number."""

    def __init__(self, broken: bool) -> None:
        super().__init__()
        self.layer, self.broken = nn.Linear(3, 2), broken

    def forward(self, images: Tensor) -> Tensor:
        shares: Tensor = self.layer(images.mean(dim=(2, 3))).softmax(dim=1)
        return shares * torch.nan if self.broken else shares


def odd(broken: bool) -> str:
    text = "\n".join(
        [
            "from physadv.victims import Classifier",
            "from tests.journey.test_attacks import Odd",
            "def victim():",
            f"    return Classifier(Odd({broken}), ['a', 'b'], size_px=16)",
        ]
    )
    Path("odd.py").write_text(text)
    return "odd.py:victim"


def test_probabilities_are_doubted_and_what_is_no_number_refused(work: Path) -> None:
    done("attack", "--victim", odd(False), "--images", "photos")
    assert any("probabilities, not logits" in doubt for doubt in card(OUT)["doubts"])
    line = refused(physadv("attack", "--victim", odd(True), "--images", "photos", "--force"))
    assert "finite" in line or "nan" in line.lower()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--eps", "wide"), "eps: expected a number, got 'wide'"),
        (("--eps", "0.1", "--set", "eps=0.2"), "eps: expected --eps or --set eps, got both"),
        (
            ("--eps", "0.1", "--attack", "patch"),
            "eps: expected an attack that takes one, got patch",
        ),
        (
            ("--attack", "pgd", "--attack", "rp2", "--set", "sted=3"),
            "set: expected a setting of one",
        ),
        (("--attack", "pgd", "--attack", "nothing"), "attack: expected one of advgan, disguise"),
        (("--attack", "disguise", "--set", "ssim=none"), "ssim: expected a bound"),
        (("--truth", "Yield"), "images: expected an image that the victim reads correctly"),
    ],
)
def test_what_is_wrong_is_one_line(work: Path, flags: tuple[str, ...], message: str) -> None:
    assert message in refused(physadv("attack", *VICTIM, "--images", "photos", *flags))
    assert not OUT.exists()


def test_all_attacks_are_listed_with_what_they_need(points: Path) -> None:
    said = done("attacks").stdout
    count = int(re.search(r"(\d+) attacks;", said)[1])  # type: ignore[index]  # it is there
    assert count > 100
    for line in (
        r"pgd\s+gradients\s+inf, 2, 1, 0\s+Madry",
        r"art:ZooAttack\s+scores\s+2\s+arXiv 1708",
    ):
        assert re.search(line, said), line
    assert "not told" not in said
    assert not re.search(r"^\S+:\S+\s+\w+\s+\S+\s*$", said, re.MULTILINE), "one without a source"
    few = done("attacks", "--needs", "labels", "--norm", "2").stdout
    assert re.search(r"art:BoundaryAttack\s+labels", few)
    assert "art:ZooAttack" not in few
    assert "pgd" not in few.split("attacks;")[0]
    assert "did you mean 'scores'" in refused(physadv("attacks", "--needs", "score"))
