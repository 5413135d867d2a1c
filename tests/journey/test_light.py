"""Light on the sign and dots on the lens go from the command line to a folder without a sheet."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from physadv.core import UserError, decode, generator, load_rgba
from physadv.design import (
    Design,
    build_attack,
    build_objective,
    build_patch,
    build_problem,
    build_victim,
    design_from,
    design_text,
    parse_design,
    placed,
    read_design,
)
from physadv.design.light import LIGHT
from physadv.output.folder import FILES, SHEETS
from physadv.patch import LaserLine, LensDots, Projection, ShadowPolygon
from physadv.scene import StreetScene, sign
from tests.journey.commands import card, done, physadv, refused, timeless
from tests.journey.test_interrupt import interrupted, stop_at
from tests.journey.test_report import Reader
from tests.shared_data import ROOT

QUICK = (
    *("--name", "light", "--sign", "speed_limit_30"),
    *("--steps", "10", "--batch", "4", "--judged", "20"),
)
FLAGS = {
    "shadow": (),
    "laser": ("--lines", "2", "--ambient-lux", "0.5"),
    "projection": ("--ambient-lux", "50"),
    "lens-dots": ("--dots", "3"),
}
KINDS = pytest.mark.parametrize("kind", FLAGS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a result of each kind as quickly as can be; they must not be changed."""
    folder = tmp_path_factory.mktemp("light")
    for kind, flags in FLAGS.items():
        done("generate", "--kind", kind, *flags, *QUICK, "--out", folder / kind)
    return folder


def theta_of(folder: Path) -> torch.Tensor:
    return load_file(folder / "theta.safetensors")["theta"]


@KINDS
def test_there_is_no_sheet_and_the_report_says_what_to_do(made: Path, kind: str) -> None:
    assert {path.name for path in (made / kind).iterdir()} == set(FILES) - set(SHEETS)
    text = Reader((made / kind / "report.html").read_text(encoding="utf-8")).text
    assert "How to set it up" in text
    assert "sticker" not in text
    assert "sheet.pdf" not in text
    line = refused(physadv("sheet", made / kind))
    assert f"folder: expected stickers, to print, got {kind}" in line


@KINDS
def test_its_folder_is_judged_shown_and_verified(made: Path, tmp_path: Path, kind: str) -> None:
    folder = shutil.copytree(made / kind, tmp_path / kind)
    assert f"│ {kind} " in done("evaluate", folder, "--n", 20, "--world", "street").stdout
    done("patches", "keep", folder, "--dir", tmp_path / "kept")
    shelf = ("--dir", tmp_path / "kept")
    touched = f"touched: {card(folder)['light']['touched_pct']:.1f} % of "
    assert touched in done("patches", "show", kind, *shelf).stdout
    assert f"--kind {kind}" in done("patches", "list", *shelf).stdout
    assert "does not" not in done("patches", "verify", kind, *shelf, "--n", 20).stdout


def test_a_shadow_of_another_place_is_not_the_card_s(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made / "shadow", tmp_path / "shadow")
    text = (folder / "design.toml").read_text()
    (folder / "design.toml").write_text(text.replace("penumbra_mm = 20.0", "penumbra_mm = 5.0"))
    found = physadv("patches", "verify", "shadow", "--dir", folder, "--n", 0)
    wrong = [
        line.split("│")[1].strip() for line in found.stdout.splitlines() if "not agree │" in line
    ]
    assert found.exit_code == 1
    assert wrong == ["design.toml", "design", "drawn by theta", "light"]


def test_a_card_says_where_and_how_strong(made: Path) -> None:
    facts = {kind: card(made / kind)["light"] for kind in FLAGS}
    theta = {kind: theta_of(made / kind) for kind in FLAGS}
    wide, high = (sign("speed_limit_30").size_mm[k] for k in (1, 0))
    corners = theta["shadow"] * torch.tensor([wide, high])
    assert torch.allclose(torch.tensor(facts["shadow"]["corners_mm"]), corners, atol=0.06)
    line, numbers = facts["laser"]["lines"][1], theta["laser"][1].tolist()
    assert len(facts["laser"]["lines"]) == 2
    assert line["angle_deg"] == pytest.approx(180 * numbers[0], abs=0.006)
    assert line["wavelength_nm"] == pytest.approx(400 + 280 * numbers[3], abs=0.006)
    assert line["power_mw"] == pytest.approx(5 * numbers[4], abs=0.006)
    assert facts["laser"]["ambient_lux"] == 0.5
    assert (facts["projection"]["ambient_lux"], facts["projection"]["projector_lux"]) == (50, 800)
    dot, numbers = facts["lens-dots"]["dots"][2], theta["lens-dots"][2].tolist()
    assert len(facts["lens-dots"]["dots"]) == 3
    assert (dot["x_ratio"], dot["y_ratio"]) == pytest.approx((numbers[0], numbers[1]), abs=1e-4)
    assert dot["radius_ratio"] == pytest.approx(0.05 + 0.13 * numbers[2], abs=1e-4)
    colour = [int(dot["colour"][k : k + 2], 16) / 255 for k in (1, 3, 5)]
    assert colour == pytest.approx(numbers[3:], abs=0.5 / 255 + 1e-6)


def test_the_pictures_are_the_light_and_the_sign_under_it(made: Path) -> None:
    face = StreetScene(sign("speed_limit_30")).face(1024)
    shadow, theta = ShadowPolygon(face.size_mm), theta_of(made / "shadow")
    colour, alpha = load_rgba(made / "shadow" / "patch.png")
    assert float(colour.max()) == 0
    gain = shadow.touch(theta, 1024).gain
    assert torch.allclose(1 - alpha, gain[:, :1], atol=0.51 / 255)
    seen, cover = load_rgba(made / "shadow" / "sign.png")
    inside = (cover == 1).expand(-1, 3, -1, -1)
    off = decode(seen)[inside] - (face.texture * gain)[inside]
    assert float(off.abs().max()) < 0.01
    whole, _ = load_rgba(made / "projection" / "patch.png")
    projection = Projection(face.size_mm, ambient_lux=50.0)
    assert torch.allclose(
        whole, projection.picture(theta_of(made / "projection"), 1024), atol=0.51 / 255
    )
    line, _ = load_rgba(made / "laser" / "patch.png")
    laser = LaserLine(face.size_mm, lines=2, ambient_lux=0.5)
    added = laser.touch(theta_of(made / "laser"), 1024).gain - 1
    assert torch.allclose(decode(line), added / added.max(), atol=0.01)


def test_the_dots_are_drawn_over_the_sensor_and_the_sign_is_photographed(made: Path) -> None:
    with Image.open(made / "lens-dots" / "patch.png") as image:
        drawn = np.asarray(image) / 255
    assert drawn.shape == (768, 1024, 4)
    dots, theta = LensDots(dots=3), theta_of(made / "lens-dots")
    x, y = 700.5 / 1024, 300.5 / 1024
    centres = theta[:, :2] * torch.tensor([1.0, 0.75])
    some = [
        dots.alpha(torch.tensor([[x, y]]), one, 0.05 + 0.13 * row[2])
        for one, row in zip(centres, theta, strict=True)
    ]
    through = torch.stack([1 - one for one in some]).prod()
    assert 1 - drawn[300, 700, 3] == pytest.approx(float(through), abs=0.01)
    with Image.open(made / "lens-dots" / "sign.png") as image:
        assert image.size == (512, 512)


def test_a_stopped_search_goes_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ("--kind", "laser", *QUICK, "--steps", 20)
    done("generate", *flags, "--out", "whole")
    with monkeypatch.context() as patch:
        stop_at(patch, "state")
        said = interrupted("generate", *flags, "--out", "new")
    assert "go on with: physadv generate --resume --out new" in said
    line = refused(physadv("generate", "--resume", "--out", "new", "--kind", "shadow"))
    assert "sticker.kind 'shadow' instead of 'laser'" in line
    done("generate", "--resume", "--out", "new")
    assert torch.equal(theta_of(here / "new"), theta_of(here / "whole"))
    assert timeless(card(here / "new")) == timeless(card(here / "whole"))


def test_light_takes_away_the_sheet_of_what_it_replaces(result: Path, here: Path) -> None:
    folder = Path(shutil.copytree(result, "old"))
    done("generate", "--kind", "laser", *QUICK, "--out", folder, "--force")
    assert {path.name for path in folder.iterdir()} == set(FILES) - set(SHEETS)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            "--kind shadow --area 3 --pieces 2",
            "--kind: expected a kind that has area_pct and pieces",
        ),
        ("--kind laser --layout middle", "--kind: expected a kind that has layout, got laser"),
        ("--kind shadow --printer p.icc", "--kind: expected a kind that has printer, got shadow"),
        ("--kind shadow --inks black,white", "--inks: expected the kinds pixels and bars"),
        ("--kind projection --away-mm 5", "has away_mm, got projection; or leave that out"),
        ("--kind shadow --areas 5,8", "--kind: expected a kind that has areas_pct, got shadow"),
        ("--kind shadow --lines 2", "--kind: expected a kind that has lines, got shadow"),
        ("--dots 4", "--kind: expected a kind that has dots, got pixels"),
        ("--kind lens-dots --ambient-lux 5", "has ambient_lux, got lens-dots"),
        ("--kind laser --ambient-lux 0", "--ambient-lux: expected lux, above 0, got 0"),
        ("--kind laser --lines 0", "--lines: expected a whole number, at least 1, got 0"),
        ("--kind lens-dots --photo a.jpg", "--photo: expected none with lens-dots, got a.jpg"),
        ("--kind lens-dot", "--kind: expected 'pixels', 'bars'"),
    ],
)
def test_what_a_kind_has_not_is_refused(here: Path, flags: str, said: str) -> None:
    assert said in refused(physadv("generate", *flags.split(), "--out", "new"))
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("light", "told"),
    [
        ({"corners": 2}, "corners: expected a whole number, at least 3, got 2"),
        ({"shade_ratio": 1.5}, "shade_ratio: expected a number from 0 to 1, got 1.5"),
        ({"penumbra_mm": 201}, "penumbra_mm: expected millimetres, from 0 to 200, got 201"),
        ({"width_mm": [20, 10]}, "width_mm: expected the lower one first, got [20.0, 10.0]"),
        ({"width_mm": [0, 10]}, "two numbers above 0, the lower one first, got 0"),
        ({"wavelength_nm": [300, 500]}, "two numbers from 380 to 780"),
        ({"contrast_ratio": 0.5}, "contrast_ratio: expected a number, at least 1, got 0.5"),
        ({"alpha_max": -0.1}, "alpha_max: expected a number from 0 to 1, got -0.1"),
        ({"corner": 3}, "did you mean 'corners'?"),
    ],
)
def test_light_that_cannot_be_is_refused(light: dict[str, object], told: str) -> None:
    with pytest.raises(UserError) as caught:
        design_from({"light": light})
    assert told in str(caught.value)


def test_designs_from_before_keep_their_digests() -> None:
    folder = ROOT / "patches" / "poster"
    kept = read_design(folder / "design.toml")
    digest = "a3ac48c499d6224c8bc166791922e7cf02ceec96182dbfad83e617ff6d7c9ea7"
    assert kept.digest() == digest == card(folder)["design"]["digest"]
    shadow = design_from({"sticker": {"kind": "shadow"}})
    said = design_from({"sticker": {"kind": "shadow"}, "light": {"corners": 3}})
    other = design_from({"sticker": {"kind": "shadow"}, "light": {"corners": 4}})
    assert said.digest() == shadow.digest() != other.digest()
    assert shadow.digest() != Design().digest()


@KINDS
def test_a_design_file_holds_what_its_kind_has_and_nothing_else(kind: str) -> None:
    design = design_from({"sticker": {"kind": kind}, "goal": {"target": "Stop"}})
    text = design_text(design)
    assert parse_design(text) == design
    others = {name for names in LIGHT.values() for name in names} - set(LIGHT[kind])
    printed = {"area_pct", "pieces", "layout", "smooth", "printable", "inks"}
    assert [name for name in others | printed if f"{name} = " in text] == []
    assert "[light]" in text
    assert "[light]" not in design_text(Design())


def test_the_defaults_are_those_of_the_patches() -> None:
    size = sign("stop").size_mm
    wanted = (ShadowPolygon(size), LaserLine(size), Projection(size), LensDots())
    found = tuple(build_patch(design_from({"sticker": {"kind": kind}})) for kind in FLAGS)
    assert found == wanted
    light = {"alpha_max": 0.3, "radius_ratio": [0.08, 0.2], "dots": 5}
    dots = build_patch(design_from({"sticker": {"kind": "lens-dots"}, "light": light}))
    assert dots == LensDots(5, alpha_max=0.3, radius_ratio=(0.08, 0.2))


def test_light_has_no_layout_and_no_regulariser_of_ink() -> None:
    design = design_from({"sticker": {"kind": "shadow"}})
    victim = build_victim(design)
    assert placed(design, build_problem(design, victim)) == design
    assert len(build_objective(design, victim, 14).terms) == 1
    assert len(build_objective(Design(), victim, 14).terms) == 2


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        *(("shadow", "random-search"), ("shadow", "cma-es"), ("laser", "nes")),
        *(("projection", "spsa"), ("lens-dots", "graphite")),
    ],
)
def test_attacks_that_only_ask_find_light(kind: str, method: str) -> None:
    attack = {"method": method, "queries": 320}
    design = design_from({"sticker": {"kind": kind}, "attack": attack})
    problem = build_problem(design, build_victim(design))
    *_, last = build_attack(design).search(problem, generator(0), None)
    assert 200 < last.queries <= 320
    assert torch.equal(problem.patch.project(last.best), last.best)


def test_light_falls_on_real_photos(here: Path) -> None:
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(here / "photo.png")
    flags = ("--photo", "photo.png", "--box", "40,40,160,160")
    done("generate", "--kind", "laser", *QUICK, *flags, "--out", "new")
    assert card(here / "new")["world"] == "real photos: photo.png"
