"""From nothing to a sheet: what `physadv generate` leaves, and that all of it is true."""

import hashlib
import re
import shutil
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pikepdf
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file

from physadv.core import Choice, Seed, Span, load_rgba, spawn
from physadv.design import build_problem, build_victim, read_design
from physadv.judge import judge
from physadv.output import load_state
from physadv.output.card import rate_facts, tensor_digest
from physadv.output.folder import FILES
from physadv.patch import ink as ink_of
from physadv.printing import hard
from physadv.scene import sign
from tests.journey.commands import QUICK, card, done, physadv, refused, timeless
from tests.oracle.test_sheet import contours

NOTICE = "robustness test artefact - not for use on public roads"

OVERLAP_MM = 10.0
"""How much two tiles of a piece share."""


def test_all_files_are_there_and_nothing_else(result: Path) -> None:
    assert {path.name for path in result.iterdir()} == set(FILES)
    assert all(path.stat().st_size > 500 for path in result.iterdir())


def test_the_card_is_complete(result: Path) -> None:
    facts = card(result)
    assert facts["marking"] == NOTICE
    assert facts["goal"] == "Stop read as Speed limit (80km/h)"
    assert (facts["sign"], facts["world"], facts["areas"]) == ("stop", "lab", [])
    assert facts["victim"]["digest"] == build_victim(read_design(result / "design.toml")).digest()
    assert facts["versions"]["torch"] == version("torch")
    assert facts["budget"]["steps"] == 20
    assert facts["budget"]["interrupted"] is False
    assert facts["budget"]["queries"] == 20 * 8 + 2 * 60
    assert facts["placement"] == {"chosen": "middle", "held-out loss": {}}
    stickers = facts["stickers"]
    assert stickers["area_pct"] <= 15.05
    assert 1 <= stickers["pieces"] <= 8
    assert stickers["smallest_mm"] >= 39.5
    assert stickers["legend_pct"] <= 10.05


def test_the_card_s_hashes_are_the_files_own(result: Path) -> None:
    facts, design = card(result), read_design(result / "design.toml")
    assert facts["theta"] == tensor_digest(load_file(result / "theta.safetensors")["theta"])
    assert facts["design"] == {"digest": design.digest(), "seed": 0}
    assert len(facts["files"]) == 4
    for name, digest in facts["files"].items():
        assert hashlib.sha256((result / name).read_bytes()).hexdigest() == digest


def test_the_card_s_figures_are_found_again(result: Path) -> None:
    """An own call of the judge under the card's seed, with theta from the file."""
    facts, design = card(result), read_design(result / "design.toml")
    problem = build_problem(design, build_victim(design))
    theta = load_file(result / "theta.safetensors")["theta"]
    report = judge(problem, theta, seed=spawn(design.seed, "report"), n=20)
    measured = facts["measured"]
    assert measured["success"] == rate_facts(report.success)
    assert measured["clean"] == rate_facts(report.clean)
    assert measured["bare sign read correctly"] == rate_facts(report.correct)
    assert measured["controls"] == {n: rate_facts(rate) for n, rate in report.controls.items()}
    assert len(measured["controls"]) == 5
    kinds = {Span: {"low", "high"}, Choice: {"options"}, Seed: {"neutral"}}
    varied = {name: one for name, one in problem.declared().items() if not one.idle}
    assert "camera.exposure.gain_ev" in varied
    assert "scene.fog.visibility_m" not in facts["conditions"]
    for name, varying in (varied | {"camera.noise.seed": Seed()}).items():
        assert kinds[type(varying)] <= facts["conditions"][name].keys()


def test_the_design_repeats_the_run(result: Path, here: Path) -> None:
    """The target was given as a number, the layout as a name: the file has class and contours."""
    text = (result / "design.toml").read_text()
    assert 'target = "Speed limit (80km/h)"' in text
    done("generate", result / "design.toml", "--out", "again")
    assert timeless(card(here / "again")) == timeless(card(result))
    for name in ("theta.safetensors", "design.toml", "patch.png", "sign.png", "sheet.svg"):
        assert (here / "again" / name).read_bytes() == (result / name).read_bytes(), name


def test_patch_png_is_the_ink_that_was_judged(result: Path) -> None:
    with Image.open(result / "patch.png") as image:
        assert (image.mode, image.size) == ("RGBA", (1024, 1024))
    design = read_design(result / "design.toml")
    problem = build_problem(design, build_victim(design))
    theta = load_file(result / "theta.safetensors")["theta"]
    ink = hard(ink_of(problem.patch, theta, 1024))
    colour, cover = load_rgba(result / "patch.png")
    assert torch.equal(cover, ink.cover)
    assert set(cover.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(colour * cover, ink.colour * ink.cover)
    assert float((colour * (1 - cover)).abs().max()) == 0


def test_patch_png_has_ink_inside_the_contours_only(result: Path) -> None:
    with Image.open(result / "patch.png") as image:
        alpha = np.asarray(image)[..., 3]
    inside = np.zeros_like(alpha)
    for piece in read_design(result / "design.toml").sticker.pieces_mm:
        ring = np.round(np.array(piece) * 1024 / 900 - 0.5).astype(np.int32)
        cv2.fillPoly(inside, [ring], (255,))
    near = cv2.dilate(inside, np.ones((3, 3), np.uint8))
    far = cv2.erode(inside, np.ones((3, 3), np.uint8))
    assert (alpha[near == 0] == 0).all()
    assert (alpha[far == 255] == 255).all()


def test_sign_png_is_the_face_with_the_ink_on(result: Path) -> None:
    with Image.open(result / "sign.png") as image:
        shown = np.asarray(image.convert("RGBA"))
    with Image.open(result / "patch.png") as image:
        ink = np.asarray(image)
    outline = np.zeros(shown.shape[:2], np.uint8)
    ring = np.round(np.array(sign("stop").outline_mm) * 1024 / 900 - 0.5).astype(np.int32)
    cv2.fillPoly(outline, [ring], (255,))
    assert (shown[..., 3][cv2.dilate(outline, np.ones((5, 5), np.uint8)) == 0] == 0).all()
    assert (shown[..., 3][cv2.erode(outline, np.ones((5, 5), np.uint8)) == 255] == 255).all()
    assert (shown[..., 3][:100, :100] == 0).all()
    there = ink[..., 3] == 255
    assert (shown[there] == ink[there]).all()
    red, green, blue = shown[120, 512, :3].astype(int)  # above the legend
    assert red > 2 * max(green, blue)


def sides(points: NDArray[np.float64]) -> tuple[float, float]:
    """Return the short and the long side of a contour's box, mm."""
    short, long = sorted(np.ptp(points, axis=0).tolist())
    return short, long


def matched(piece: tuple[float, float], drawn: list[tuple[float, float]]) -> bool:
    """Take a contour within 0.2 mm of the piece's size from those drawn, if there is one."""
    for one in drawn:
        if np.allclose(one, piece, atol=0.2):
            drawn.remove(one)
            return True
    return False


@pytest.mark.parametrize("paper", ["A4", "A3", "Letter"])
def test_the_sheet_has_every_contour_at_true_scale(
    result: Path, tmp_path: Path, paper: str
) -> None:
    folder = shutil.copytree(result, tmp_path / "copy")
    found = done("sheet", folder, "--paper", paper)
    with pikepdf.open(folder / "sheet.pdf") as pdf:
        assert f"{len(pdf.pages)} pages of {paper}" in found.stdout
        wide = [float(page.mediabox[2]) for page in pdf.pages]
    assert np.allclose(wide, {"A4": 595.28, "A3": 841.89, "Letter": 612}[paper], atol=0.05)
    pieces = read_design(result / "design.toml").sticker.pieces_mm
    drawn = [sides(stroke.points) for stroke in contours(folder / "sheet.pdf")]
    tiled = [piece for piece in map(sides, map(np.array, pieces)) if not matched(piece, drawn)]
    assert bool(tiled) == (paper != "A3")  # what is too long for a page is cut in two
    assert len(drawn) == 2 * len(tiled)
    wanted = sum(short * (long + OVERLAP_MM) for short, long in tiled)
    assert sum(short * long for short, long in drawn) == pytest.approx(wanted, abs=0.2 * 900)
    svg = (folder / "sheet.svg").read_text()
    wide_mm = re.findall(r'<svg[^>]* width="([\d.]+)mm"', svg)
    page_mm, pages = {"A4": 210, "A3": 297, "Letter": 215.9}[paper], len(wide) - 1
    side_by_side = pages * page_mm + (pages - 1) * 10  # all but the placement page
    assert float(wide_mm[0]) == pytest.approx(side_by_side, abs=0.1)
    assert len(re.findall(r"<(?:path|polygon)\b", svg)) >= len(pieces)


def test_the_report_says_what_the_card_says(result: Path) -> None:
    page, facts = (result / "report.html").read_text(encoding="utf-8"), card(result)
    success = facts["measured"]["success"]
    assert f"{100 * success['share']:.1f}" in page.split('class="verdict"')[1][:200]
    assert f"{success['hits']}/20" in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "<script" not in page
    for digest in (facts["theta"], facts["design"]["digest"], facts["victim"]["digest"]):
        assert digest in page
    assert "sheet.pdf has" in page
    assert NOTICE in page


def test_force_replaces_a_result_and_the_terminal_shows_the_new(result: Path, here: Path) -> None:
    folder = Path(shutil.copytree(result, "my result"))
    (folder / "evaluation.json").write_text("of the old stickers")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    flags = (*QUICK, "--target", 1, "--seed", 1, "--steps", 5, "--out", folder)
    refused(physadv("generate", *flags))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    found = done("generate", *flags, "--force")
    assert {path.name for path in folder.iterdir()} == set(FILES)
    assert all((folder / name).read_bytes() != before[name] for name in FILES if name[0] != "s")
    facts, success = card(folder), card(folder)["measured"]["success"]
    assert facts["goal"] == "Stop read as Speed limit (30km/h)"
    for text in ("placing", "searching", "judging", "loss", facts["goal"]):
        assert text in found.stdout
    assert re.search(rf"stickers\s+│\s+{success['hits']}/20", found.stdout)
    assert "open my result/report.html; print my result/sheet.pdf at 100 %" in found.stdout
    assert found.stderr == ""


def test_a_finished_search_has_nothing_to_resume(result: Path) -> None:
    line = refused(physadv("generate", "--resume", "--out", result))
    assert "whose search is done" in line
    with pytest.raises(ValueError, match="resume"):
        load_state(result)


def test_untargeted_and_another_sign(here: Path) -> None:
    flags = ("--steps", 5, "--batch", 4, "--judged", 20, "--layout", "bars", "--area", 20)
    done("generate", "--sign", "yield", "--world", "street", *flags, "--out", "new")
    facts = card(here / "new")
    assert facts["goal"] == "Yield not read as such"
    assert facts["world"] == "street"
    assert facts["stickers"]["area_pct"] <= 20.05
