"""Attacks on the light and on the lens, each in its literature's setting, on the bundled victim.

python -m benchmarks.light [shadow laser projector "lens dots" …] [--n 300] [--seed 0]
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from rich.table import Table

from benchmarks import show
from physadv.attacks import Gradient, Result
from physadv.core import check
from physadv.evaluation import contact_sheet, touched_pct
from physadv.objectives import untargeted
from physadv.output import Strip, contact_sheet_image
from physadv.patch import LaserLine, LensDots, Patch, Projection, ShadowPolygon
from physadv.presets import world
from physadv.problem import HARD_PX, Problem
from physadv.scene import StreetScene, sign
from physadv.victims.bundled import bundled

SEARCH = Gradient(steps=30, batch=16, restarts=8, held_out=32, check_every=15, enough=0.97)
LONG = replace(SEARCH, restarts=16)
SHOWN = 5


@dataclass(frozen=True)
class Setting:
    """What is attacked how: the sign, the patch on it, and the world as changes to a preset."""

    sign: str
    patch: Patch
    changes: Mapping[str, object] = field(default_factory=dict)
    search: Gradient = SEARCH
    preset: str = "lab"


STOP_MM, SPEED_MM = sign("stop").size_mm, sign("speed_limit_30").size_mm
SETTINGS = {
    "shadow": Setting("speed_limit_30", ShadowPolygon(SPEED_MM)),
    "shadow on stop": Setting("stop", ShadowPolygon(STOP_MM)),
    "laser": Setting("speed_limit_20", LaserLine(SPEED_MM, ambient_lux=0.1), search=LONG),
    "three lasers": Setting(
        "speed_limit_20", LaserLine(SPEED_MM, lines=3, ambient_lux=2.0), search=LONG
    ),
    "projector": Setting(
        "stop",
        Projection(STOP_MM, cell_mm=60.0, ambient_lux=50.0),
        {"camera.exposure.gain_ev": [-3.0, -1.0]},
    ),
    "lens dots": Setting(
        "stop",
        LensDots(alpha_max=0.3, radius_ratio=(0.08, 0.2)),
        {
            "camera.sensor.width_px": 320,
            "camera.sensor.height_px": 240,
            "camera.sensor.fov_deg": 12.0,
            "scene.pose.distance_m": [6.0, 7.0],
            "scene.pose.yaw_deg": [-15.0, 15.0],
            "scene.pose.x_ratio": [-0.03, 0.03],
            "scene.pose.y_ratio": [-0.03, 0.03],
        },
    ),
}


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which attacks; all by default.")
    ] = None,
    n: Annotated[int, typer.Option(help="Fresh photographs that each is judged on.")] = 300,
    seed: Annotated[int, typer.Option()] = 0,
    pictures: Annotated[Path | None, typer.Option(help="Folder for a strip of each.")] = None,
) -> None:
    """Search, judge and print a row for each attack, the controls below it."""
    show.heading()
    for name in names or SETTINGS:
        known = ", ".join(SETTINGS)
        check(name in SETTINGS, "attack", expected=f"one of {known}", got=name)
        setting = SETTINGS[name]
        aim = problem(setting)
        found = setting.search(aim, seed=seed, n=n)
        show.console.print(table(name, aim, found))
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            path = pictures / f"{name.replace(' ', '_')}.png"
            strip(name, aim, found).quantize(128).save(path, optimize=True)


def problem(setting: Setting) -> Problem:
    """Return the untargeted problem of a setting."""
    victim, design = bundled(), sign(setting.sign)
    label = design.labels["gtsrb"]
    around = world(setting.preset, StreetScene(design), label=label, changes=setting.changes)
    return Problem(victim, untargeted(), setting.patch, around)


def strip(name: str, aim: Problem, found: Result) -> Image.Image:
    """Return photographs of what was found, with what the victim read."""
    sheet = contact_sheet(aim, found.theta, n=SHOWN, seed=found.seed)
    read = tuple(aim.victim.labels[answer] for answer in sheet.answers)
    return contact_sheet_image("", [Strip(name, sheet.pictures, read)])


def table(name: str, aim: Problem, found: Result) -> Table:
    """Return the judge's figures of one attack and of its controls."""
    report = found.report
    area = touched_pct(aim.patch.touch(found.theta, HARD_PX), aim)
    title = f"{name}, {aim.world.scene.design.name}, seed {found.seed}, {area:.1f} % touched, "
    rows = Table(title + f"{found.seconds:.0f} s, {found.queries} queries", "misread")
    rows.add_row("attack", str(report.success))
    rows.add_row("bare sign", str(report.clean))
    for control, rate in report.controls.items():
        rows.add_row(f"control: {control}", str(rate))
    for doubt in found.doubts:
        rows.add_row("doubt", doubt)
    told = " ".join(f"{value:.4f}" for value in found.theta.flatten().tolist()[:18])
    rows.caption = f"theta {told}"
    return rows


if __name__ == "__main__":
    show.run(main)
