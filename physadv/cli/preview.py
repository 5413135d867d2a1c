"""`physadv preview`: what a sign, or a result's stickers, look like in a world."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from torch import Tensor

from physadv.cli.options import flag, in_world, option
from physadv.cli.show import console, polite
from physadv.core import Choice, Conditions, Seed, UserError, Varying, check, generator, spawn, take
from physadv.core.check import one_of
from physadv.design import (
    Design,
    build_patch,
    build_problem,
    build_victim,
    build_world,
)
from physadv.evaluation import ContactSheet, parse_axes, read_as, said, shots, sweep, sweep_values
from physadv.objectives import untargeted
from physadv.output import Strip, read_folder, write_contact_sheet
from physadv.output.card import world_text
from physadv.presets import is_file, whole_world
from physadv.problem import Problem
from physadv.scene import SIGNS
from physadv.victims import Victim

SHOWN = (
    "scene.pose.distance_m",
    "scene.pose.yaw_deg",
    "scene.photo.which",
    "camera.exposure.gain_ev",
)
"""What the captions of random photos say."""
LEGEND = ": blue where it is right, orange where it is not"


@polite
def preview(
    what: Annotated[
        str,
        typer.Argument(metavar="SIGN|DIR", help="A sign, or a folder made by physadv generate."),
    ] = "stop",
    world: Annotated[
        str | None,
        option("PRESET|FILE", "The world or a world file; by default the folder's or lab."),
    ] = None,
    sweeps: Annotated[
        list[str] | None,
        option(
            "NAME[=LOW..HIGH|=V,V…]",
            "A condition to move from low to high, all others at rest; may be given again.",
            None,
            "--sweep",
        ),
    ] = None,
    at: Annotated[
        str | None, option('"NAME=VALUE …"', "Conditions held elsewhere during a sweep.")
    ] = None,
    n: Annotated[int, option("N", "Pictures, or pictures in a row.", min=1, max=64)] = 8,
    seed: Annotated[int, option("N", "Another seed, other random photos.")] = 0,
    out: Annotated[Path, option("FILE", "The PNG to write.")] = Path("preview.png"),
    listed: Annotated[
        bool, flag("--list", "List the world's conditions by name, and stop.")
    ] = False,
    toml: Annotated[
        Path | None,
        option("FILE", "Write the world as a file to change and use as --world, and stop."),
    ] = None,
) -> None:
    """Write a contact sheet: random photos of a world, or one condition moved from end to end.

    Pictures are made as the judge makes them; what the victim reads is written under each.
    """
    design, theta = _source(what, world)
    if toml is not None:
        _write_world(toml, design)
        return
    victim = build_victim(design)
    problem = _problem(design, victim, theta)
    if listed:
        console.print(_conditions(problem))
        return
    _check_out(out)
    held, score = _held(at), design.goal.score
    if sweeps:
        wanted = [sweep_values(problem, text, n) for text in sweeps]
        strips = [
            _strip(name, sweep(problem, theta, name, values, at=held, score=score), problem)
            for name, values in wanted
        ]
    else:
        strips = [_strip("", _random(problem, theta, n, seed, score), problem)]
    title = f"{design.sign.replace('_', ' ')} in {world_text(design)}"
    note = f"read by {victim.name}" + ("" if problem.world.label < 0 else LEGEND)
    write_contact_sheet(out, title, strips, note=note)
    console.print(f"open {out}", markup=False, soft_wrap=True)


def _source(what: str, world: str | None) -> tuple[Design, Tensor | None]:
    """Return a bare sign's design, or a folder's with its stickers, in the world wanted."""
    folder = Path(what)
    if what not in SIGNS and not folder.is_dir():
        try:
            one_of("sign", what, SIGNS)
        except UserError as error:
            raise error.about("sign", error.fix or "or name a result's folder") from error
    design, theta = (Design(sign=what), None) if what in SIGNS else read_folder(folder)
    return in_world(design, world), theta


def _problem(design: Design, victim: Victim, theta: Tensor | None) -> Problem:
    """Return the folder's problem, or for a bare sign one that needs no goal."""
    if theta is not None:
        return build_problem(design, victim)
    return Problem(victim, untargeted(), build_patch(design), build_world(design, victim))


def _write_world(path: Path, design: Design) -> None:
    part = design.world
    street = "a world of simulated photos"
    check(part.photo is None, "toml", expected=street, got=world_text(design))
    text = whole_world(part.preset, part.changes, part.about or "")
    check(is_file(path.name), "toml", expected="a name that ends in .toml", got=str(path))
    check(not path.exists(), "toml", expected="a new file", got=f"{path}, which there is already")
    folder = "a folder that exists"
    check(path.absolute().parent.is_dir(), "toml", expected=folder, got=str(path.parent))
    path.write_text(text, encoding="utf-8")
    told = f"change {path} and give it as --world {path}"
    console.print(told, markup=False, soft_wrap=True)


def _check_out(out: Path) -> None:
    check(out.suffix == ".png", "out", expected="a name that ends in .png", got=str(out))
    folder = "a folder that exists"
    check(out.absolute().parent.is_dir(), "out", expected=folder, got=str(out.parent))


def _held(at: str | None) -> dict[str, float]:
    if at is None:
        return {}
    try:
        axes = parse_axes(at)
    except UserError as error:
        raise error.about("at") from error
    single = all(len(values) == 1 for values in axes.values())
    check(single, "at", expected="one value for each name", got=repr(at))
    return {name: value for name, (value,) in axes.items()}


def _random(
    problem: Problem, theta: Tensor | None, n: int, seed: int, score: float
) -> ContactSheet:
    """Photograph under n random conditions, near ones first."""
    given: Conditions = problem.draw(n, generator(spawn(seed, "preview")))
    shown = [name for name in SHOWN if name in given]
    if SHOWN[0] in given:
        given = take(given, given[SHOWN[0]].argsort())
    columns = [[_short(name, value) for value in given[name].tolist()] for name in shown]
    captions = tuple(", ".join(row) for row in zip(*columns, strict=True))
    return shots(problem, theta, given, captions, score=score)


def _short(name: str, value: float) -> str:
    return f"photo {value:.0f}" if name.endswith(".which") else said(name, value)


def _strip(name: str, sheet: ContactSheet, problem: Problem) -> Strip:
    label, labels = problem.world.label, problem.victim.labels
    marks = ["" if label < 0 else "right" if a == label else "wrong" for a in sheet.answers]
    answers = read_as(labels, sheet.answers)
    note = _range(name, problem.declared()[name]) if name else ""
    return Strip(name, sheet.pictures, sheet.captions, answers, marks, note)


def _range(name: str, varying: Varying) -> str:
    """Say what a world allows of a condition."""
    if isinstance(varying, Seed):
        return "any seed"
    if isinstance(varying, Choice):
        return "one of " + ", ".join(said(name, value) for value in varying.options)
    if varying.low == varying.high:
        return ("at rest: " if varying.idle else "always ") + said(name, varying.low)
    return f"{said(name, varying.low)} to {said(name, varying.high)}"


def _conditions(problem: Problem) -> Table:
    table = Table(title="conditions", title_justify="left")
    for heading in ("name", "in this world", "neutral"):
        table.add_column(heading)
    for name, varying in problem.declared().items():
        rest = "" if varying.neutral is None else said(name, varying.neutral)
        style = "dim" if getattr(varying, "idle", False) else None
        table.add_row(name, _range(name, varying), rest, style=style)
    return table
