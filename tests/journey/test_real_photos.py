"""Real photos of stop signs (RP2's): `generate --photo` from nothing to a sheet."""

from collections.abc import Callable
from pathlib import Path

from physadv.output.folder import FILES
from tests.journey.commands import QUICK, card, done
from tests.shared_data import DATA, needs_data

pytestmark = needs_data
SEVERAL = DATA / "rp2/victims_256"
ONE = DATA / "rp2/misc/uw17-square.jpg"
GOAL = ("--sign", "us_stop", "--target", 5)


def test_one_photo_with_a_box(here: Path) -> None:
    flags = ("--photo", ONE, "--box", "2,34,2482,2480", *GOAL)
    done("generate", *flags, *QUICK, "--steps", 5, "--out", "new")
    assert {path.name for path in (here / "new").iterdir()} == set(FILES)
    facts = card(here / "new")
    assert facts["goal"] == "Stop read as Speed limit (80km/h)"
    assert facts["measured"]["bare sign read correctly"]["hits"] == 20
    assert facts["measured"]["success"]["n"] == 20
    assert facts["grid"] is None
    assert any("all photos show one scene" in doubt for doubt in facts["doubts"])
    assert "pictures made from one real photo" in (here / "new/report.html").read_text()


def test_forty_photos_that_the_sign_fills(
    here: Path, record_property: Callable[[str, object], None]
) -> None:
    """A short search in a fixed layout; the default one reaches 497 of 500."""
    flags = ("--photo", SEVERAL, *GOAL, "--layout", "middle", "--steps", 40, "--batch", 12)
    done("generate", *flags, "--judged", 60, "--out", "new")
    facts = card(here / "new")
    measured = facts["measured"]
    success, controls = measured["success"], measured["controls"]
    record_property("success on RP2's 40 photos", str(success))
    print(f"success on RP2's 40 photos: {success}; controls: {controls}")
    assert len(facts["conditions"]["scene.photo.which"]["options"]) == 40
    assert success["n"] == 60
    assert success["low"] <= success["share"] <= success["high"]
    assert success["high"] - success["low"] > 0.01
    assert all(success["share"] > control["share"] for control in controls.values())
    assert success["share"] > measured["clean"]["share"]
    assert "pictures made from 40 real photos" in (here / "new/report.html").read_text()
