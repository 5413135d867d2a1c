"""World files: written, changed, used wherever a preset is named, and refused with all faults."""

from pathlib import Path

import pytest

from physadv.core import Choice, Span, generator
from physadv.design import Design, build_victim, build_world, design_from, read_design
from physadv.output.card import world_text
from physadv.presets import PRESETS, members, parse_world, whole_world, world
from physadv.scene import StreetScene, sign
from physadv.world import World
from tests.journey.commands import QUICK, card, done, physadv, refused

TRUCK = """
about = "our truck's camera"
base = "street"
[camera.sensor]
width_px = 640
height_px = 480
[camera.exposure]
gain_ev = [-2, 2]
[camera.mosaic]
which = [0, 3]
method = "bilinear"
[camera.noise]
gain_ratio = {low = 0.5, high = 4, log = true}
full_well_e = 12_000
clips = true
[camera.jpeg]
quality = 70
[scene.fog]
visibility_m = [80, 400]
"""
BAD = """
base = "streeet"
speed = 1
[camera.sensor]
width_px = 99.5
fov_deg = 200
[camera.exposure]
gain_ev = [2, -2]
gainev = 3
[camera.jpeg]
quality = {low = 10, high = 300}
[camera.noise]
clips = 1
full_well_e = nan
read_e = -1
[camera.tone]
gamma_ratio = [1, 1.1, 1.2]
[camera.mosaic]
which = [0, 9]
method = "cubic"
[scene.pose]
distance_m = "near"
height_m = [1, 9]
[scene.fogg]
visibility_m = 80
[scene.fog]
visibility_m = [80, inf]
[scene.headlamps]
level_ratio = {low = 0, high = 1, log = true}
[approach]
from_m = 2
"""
FAULTS = [
    "base: expected one of lab, street,",
    "did you mean 'street'",
    "speed: expected one of",
    "camera.sensor.width_px: expected a whole number, got 99.5",
    "camera.sensor.fov_deg: expected from 1 to 150, got 200",
    "camera.exposure.gain_ev: expected low <= high, got 2 and -2; swap the two",
    "camera.exposure.gainev: expected one of camera.exposure.gain_ev,",
    "camera.jpeg.quality: expected from 1 to 100, got 300",
    "camera.noise.clips: expected true or false, got 1",
    "camera.noise.full_well_e: expected a number, got nan",
    "camera.noise.read_e: expected from 0 to 1000, got -1",
    "camera.tone.gamma_ratio: expected a number, [low, high] or",
    "camera.mosaic.which: expected from -1 to 3, got 9",
    "camera.mosaic.method: expected one of bilinear, malvar, got 'cubic'",
    "scene.pose.distance_m: expected a number, [low, high] or",
    "scene.pose.height_m: expected less than distance_m, got 9 m at a distance of 3 m",
    "scene.fogg.visibility_m: expected one of scene.fog.visibility_m,",
    "scene.fog.visibility_m: expected finite ends, got inf",
    "scene.headlamps.level_ratio: expected low above 0 with log, got 0",
    "approach.from_m: expected farther away than to_m ends, got 2 m, and to_m up to 3 m",
]


@pytest.fixture
def truck(here: Path) -> Path:
    path = here / "truck.toml"
    path.write_text(TRUCK, encoding="utf-8")
    return path


def street(name: str, changes: dict[str, object] | None = None) -> World:
    return world(name, StreetScene(sign("stop")), changes=changes)


def in_world(preset: object) -> Design:
    return design_from({"world": {"preset": str(preset)}})


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_written_whole_is_read_as_itself(name: str) -> None:
    """Laid over itself it changes nothing; laid over another world, all that is no approach."""
    text = whole_world(name)
    found = parse_world(text)
    assert (found.about, found.base, found.changes) == (PRESETS[name].about, name, {})
    elsewhere = parse_world(text.replace(f'base = "{name}"', 'base = "phone"'))
    assert elsewhere.base == "phone"
    (made,) = members("phone", elsewhere.changes)
    assert made.camera == PRESETS[name].camera
    rebuilt, wanted = street("phone", elsewhere.changes), street(name)
    assert rebuilt.declared() == wanted.declared()
    assert made.approach == PRESETS[name].approach


def test_a_changed_world_written_whole_is_read_as_itself() -> None:
    first = parse_world(TRUCK)
    again = parse_world(whole_world("street", first.changes, first.about))
    assert again.about == "our truck's camera"
    assert street("street", again.changes).declared() == street("street", first.changes).declared()
    assert members("street", again.changes) == members("street", first.changes)


def test_what_is_named_changes_and_the_rest_stays() -> None:
    found = street("street", parse_world(TRUCK).changes)
    base, changed = street("street").declared(), found.declared()
    assert {name: value for name, value in changed.items() if base[name] != value} == {
        "camera.exposure.gain_ev": Span(-2.0, 2.0, 0.0),
        "camera.mosaic.which": Choice((0.0, 3.0), -1.0),
        "camera.noise.gain_ratio": Span(0.5, 4.0, 0.0, log=True),
        "camera.jpeg.quality": Span.at(70.0),
        "scene.fog.visibility_m": Span(80.0, 400.0, float("inf"), log=True),
    }
    camera = found.camera
    assert (camera.sensor.width_px, camera.sensor.height_px, camera.sensor.fov_deg) == (
        640,
        480,
        60,
    )
    assert (camera.noise.full_well_e, camera.noise.clips) == (12000.0, True)
    assert camera.mosaic.method == "bilinear"


def test_changes_of_any_hold_in_each_member() -> None:
    found = parse_world(
        'base = "any"\n[scene.pose]\ndistance_m = [5, 6]\n[camera.jpeg]\nquality = 60'
    )
    trial = street("any", found.changes)
    given = trial.draw(200, generator(0))
    assert 5 <= float(given["scene.pose.distance_m"].min()) < 5.1
    assert 5.9 < float(given["scene.pose.distance_m"].max()) <= 6
    assert set(given["camera.jpeg.quality"].tolist()) == {60.0}
    assert len(trial.members) == len(PRESETS)


def test_a_design_holds_the_file_and_needs_it_no_more(truck: Path) -> None:
    design = in_world(truck.name)
    assert (design.world.preset, design.world.about) == ("street", "our truck's camera")
    truck.unlink()
    again = design.changed("", seed=0)
    assert again.world == design.world
    assert again.digest() == design.digest() != in_world("street").digest()
    built = build_world(again, build_victim(again))
    assert built.declared()["camera.exposure.gain_ev"] == Span(-2.0, 2.0, 0.0)
    assert world_text(design).startswith(
        "based on street, 10 changes: camera.sensor.width_px=640, camera.sensor.height_px=480, "
    )
    assert world_text(design).endswith(" and 4 more")


def test_a_file_that_changes_nothing_is_its_base(here: Path) -> None:
    (here / "same.toml").write_text("[camera.jpeg]\nquality = [50, 95]\n", encoding="utf-8")
    assert in_world("same.toml").digest() == in_world("street").digest()


def test_changes_may_stand_in_a_design(here: Path, truck: Path) -> None:
    text = f'[world]\npreset = "{truck.name}"\n[world.changes.camera.jpeg]\nquality = 90\n'
    (here / "d.toml").write_text(text, encoding="utf-8")
    design = read_design(here / "d.toml")
    assert design.world.changes is not None
    assert design.world.changes["camera.jpeg.quality"] == 90
    assert design.world.changes["scene.fog.visibility_m"] == [80, 400]


def test_a_result_is_made_and_judged_in_worlds_of_files(here: Path) -> None:
    text = 'about = "our truck"\nbase = "lab"\n[scene.pose]\ndistance_m = [8, 12]\n'
    (here / "far.toml").write_text(text, encoding="utf-8")
    done("generate", "--target", 5, *QUICK, "--world", "far.toml", "--out", "r")
    (here / "far.toml").unlink()
    told = "based on lab, 1 change: scene.pose.distance_m=[8, 12]"
    assert card(here / "r")["world"] == told
    assert f"our truck: {told}" in (here / "r" / "report.html").read_text(encoding="utf-8")
    assert read_design(here / "r" / "design.toml").world.changes == {
        "scene.pose.distance_m": [8, 12]
    }
    (here / "dim.toml").write_text("[camera.exposure]\ngain_ev = -1\n", encoding="utf-8")
    done("evaluate", "r", "--n", 20, "--world", "dim.toml")
    seen = card(here / "r", "evaluation.json")["world"]
    assert seen == "based on street, 1 change: camera.exposure.gain_ev=-1"


def test_preview_writes_a_world_and_reads_it(here: Path) -> None:
    done("preview", "--world", "dashcam", "--toml", "mine.toml")
    assert members("dashcam") == members("dashcam", parse_world(read("mine.toml")).changes)
    text = read("mine.toml").replace("quality = [40.0, 85.0]", "quality = [30.0, 35.0]")
    Path("mine.toml").write_text(text, encoding="utf-8")
    listed = done("preview", "--world", "mine.toml", "--list").stdout
    assert any("jpeg.quality" in line and "30 to 35" in line for line in listed.splitlines())
    assert "already" in refused(physadv("preview", "--toml", "mine.toml"))
    assert "one preset" in refused(physadv("preview", "--world", "any", "--toml", "any.toml"))
    assert "ends in .toml" in refused(physadv("preview", "--toml", "mine.txt"))


def read(name: str) -> str:
    return Path(name).read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_work")
def test_all_faults_of_a_file_are_told_at_once(here: Path) -> None:
    (here / "bad.toml").write_text(BAD, encoding="utf-8")
    line = refused(physadv("generate", "--world", "bad.toml"))
    assert "--world: expected a world that fits, got bad.toml: " in line
    assert [text for text in FAULTS if text not in line] == []
    assert "got bad.toml: 19 faults" in line
    assert "camera.jpeg.quality: expected" in refused(physadv("preview", "--world", "bad.toml"))


SINGLE = {
    "[camera.lens]\nk1_ratio = -0.5\n[camera.sensor]\nfov_deg = 120": "camera.lens: expected a",
    'base = "any"\n[approach]\nfrom_m = 20': "approach.from_m: expected a base that is one drive",
    "[camera.jpeg]\nquality = 0": "one.toml, camera.jpeg.quality: expected from 1 to 100, got 0",
    "[scene.pose]\ndistance_m = -inf": "scene.pose.distance_m: expected from 1 to 300, got -inf",
    "[scene.dirt]\nseed = 3": "scene.dirt.seed: expected one of",
    "camera = 3": "camera: expected one of camera.sensor.width_px",
    "[camera.exposure]\ngain_ev = {low = 1}": "camera.exposure.gain_ev: expected a number, [low,",
    "about = 3": "about: expected text, got 3",
    "[camera": "a TOML file, got one.toml (",
}


@pytest.mark.parametrize("text", SINGLE)
def test_a_single_fault_is_told_plainly(here: Path, text: str) -> None:
    (here / "one.toml").write_text(text, encoding="utf-8")
    assert SINGLE[text] in refused(physadv("preview", "--world", "one.toml", "--list"))


def test_a_file_that_is_missing(here: Path) -> None:
    line = refused(physadv("preview", "--world", "none.toml"))
    assert line == "physadv: --world: expected a file that exists, got none.toml"


def test_faults_of_changes_in_a_design(here: Path) -> None:
    text = '[world]\npreset = "lab"\n[world.changes]\n"camera.jpeg.quality" = 0\n"camera.x" = 1\n'
    (here / "d.toml").write_text(text, encoding="utf-8")
    line = refused(physadv("generate", "d.toml"))
    assert "d.toml, world.changes: expected changes that fit the world, got " in line
    assert "camera.jpeg.quality: expected from 1 to 100, got 0; camera.x: expected one of" in line
