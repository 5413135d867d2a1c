"""The benchmarks of defences print what the library counts on the same images."""

import re

import pytest
import torch

from benchmarks import certificates, defences, reform, show
from physadv.core import Encoded, UserError, quantise, wilson
from physadv.defences import BitDepth
from physadv.training.robust import drawn_images
from physadv.victims.bundled import bundled
from tests.shared_data import DATA, needs_data

N = 6


@pytest.fixture
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show.console, "width", 240)


@needs_data
@pytest.mark.usefixtures("_wide")
def test_a_row_of_the_table_of_defences() -> None:
    victim = bundled()
    images, labels = drawn_images(DATA / "gtsrb", victim.size_px, N)
    with torch.no_grad():
        read = BitDepth(3)(victim)(Encoded(quantise(images))).best == labels
    with show.console.capture() as taken:
        defences.main(DATA, n=N, eps=[4.0], steps=1, restarts=1, queries=5, only=["bit-depth"])
    (row,) = [line for line in taken.get().splitlines() if line.startswith("| bit-depth")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:3] == ["bit-depth", "4/255", str(wilson(int(read.sum()), N))]
    assert cells[6] in ("broken", "doubtful", "holds so far")
    with pytest.raises(UserError, match="only: expected one of bit-depth, median, "):
        defences.main(DATA, n=N, only=["bits"])


@needs_data
@pytest.mark.usefixtures("_wide")
def test_a_row_of_what_is_left_of_a_reform() -> None:
    with show.console.capture() as taken:
        reform.main(DATA, n=N, which=["ape-gan"], taught=8, kept=8, steps=1, attack_steps=1)
    rows = [line for line in taken.get().splitlines() if line.startswith("|")]
    assert [row.split(" | ")[0] for row in rows] == ["| defence", "| none", "| ape-gan"]
    whole, static = rows[1].split(" | ")[1], rows[1].split(" | ")[3:5]
    assert whole == str(wilson(N, N))
    assert static[0] == static[1]  # there is nothing to know
    assert len(rows[2].split(" | ")) == len(rows[0].split(" | "))


@pytest.mark.usefixtures("_wide")
def test_certified_errors_are_never_below_attacked_ones() -> None:
    with show.console.capture() as taken:
        certificates.main(seeds=1, recipe=["standard"], restarts=1, epochs=2)
    rows = [line for line in taken.get().splitlines() if "standard" in line]
    assert len(rows) == len(certificates.RADII)
    for row in rows:
        clean, attacked, *proofs = (int(hits) for hits in re.findall(r"\((\d+)/500", row))
        assert len(proofs) == 3
        assert clean <= attacked <= proofs[2] <= min(proofs[:2])
