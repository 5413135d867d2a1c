"""Each kind of sticker goes from the command line to a sheet, and its folder is judged again."""

from pathlib import Path

import pytest

from physadv.core import load_rgba
from physadv.design import read_design
from tests.journey.commands import QUICK, card, done, physadv, refused

KINDS = {
    "two inks": ("--inks", "black,white"),
    "bars": ("--kind", "bars", "--inks", "black,white", "--pieces", "3"),
    "strokes": ("--kind", "strokes", "--pieces", "2"),
    "letters": ("--kind", "letters", "--text", "WAY"),
    "waves": ("--kind", "waves"),
    "camouflage": ("--kind", "camouflage", "--most-de2000", "20", "--cell-mm", "50"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_from_command_to_sheet(here: Path, kind: str) -> None:
    done("generate", "--target", 5, *QUICK, *KINDS[kind], "--out", here / "out")
    facts, design = card(here / "out"), read_design(here / "out" / "design.toml")
    stickers = facts["stickers"]
    assert stickers["pieces"] == len(design.sticker.pieces_mm) >= 1
    colour, alpha = load_rgba(here / "out" / "patch.png")
    if design.sticker.inks:
        assert set(colour[0][:, alpha[0, 0] > 0].unique().tolist()) <= {0.0, 1.0}
    area = float(alpha.mean()) / 0.8284  # an octagon's share of its square
    assert 0 < 100 * area <= 15.1
    if kind != "strokes":  # which may enclose what they do not cover
        assert 100 * area == pytest.approx(stickers["area_pct"], rel=0.02)
    done("evaluate", here / "out", "--n", 20)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--inks", "blak,white"), "inks"),
        (("--inks", "black"), "at least two"),
        (("--kind", "waves", "--inks", "black,white"), "the kinds pixels and bars"),
        (("--kind", "bars", "--inks", "red,white"), "black,white"),
        (("--kind", "bars", "--area", "1"), "allow fewer pieces"),
        (("--kind", "letters", "--text", " "), "at least one letter"),
        (("--kind", "camouflage", "--most-de2000", "0"), "above 0"),
        (("--kind", "dots"), "--kind"),
    ],
)
def test_what_does_not_fit_is_told(
    here: Path, no_work: None, flags: tuple[str, ...], told: str
) -> None:
    found = physadv("generate", "--target", 5, *QUICK, *flags, "--out", here / "out")
    assert told in refused(found)
