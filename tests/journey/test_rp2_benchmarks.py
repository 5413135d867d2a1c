"""The tables of RP2: their rows are what the published figures say."""

from pathlib import Path

import pytest
from safetensors.torch import load_file

from benchmarks import rp2, rp2_street
from physadv.core import UserError
from tests.shared_data import DATA, needs_data


@needs_data
def test_rows_of_the_published_rectangles() -> None:
    known = rp2.signs(DATA)
    noise = load_file(DATA / "rp2" / "published" / "noise.safetensors")["rectangles_epoch_350"]
    rows = rp2.masks(known, "rectangles")["raw mask"]
    entropy, total, success, most, missed = rp2.row(known, rows, noise[None])
    assert (entropy, total) == ("0.63278", "0.79035")
    assert success.startswith("90.0 % (36/40")
    assert missed == "9 20 21 40"
    assert most == "at most 0/40"


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    for main in (rp2.main, rp2_street.main):
        with pytest.raises(UserError, match="did you mean 'rectangles'"):
            main(tmp_path, part="rectangle")
