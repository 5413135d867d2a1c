"""`physadv evaluate` and `physadv sheet`: what is done with a result's folder."""

from itertools import product
from typing import Annotated, Any

from rich.table import Table

from physadv.cli.drives import driven, drives_facts, show_drives
from physadv.cli.options import (
    FLAGS,
    REMOTE,
    WORLDS_HELP,
    DeviceOption,
    FolderArgument,
    PaperOption,
    laid_over,
    option,
)
from physadv.cli.show import bar, console, interval, polite
from physadv.core import spawn
from physadv.design import Design, build_problem, build_victim, design_from
from physadv.evaluation import Grid, check_axes, parse_axes, success_grid
from physadv.judge import judge
from physadv.output import read_folder, today, write_card, write_sheets
from physadv.output.card import grid_facts, report_facts, victim_facts, world_text
from physadv.output.folder import EVALUATION, staged
from physadv.output.paper import page_of

ELSEWHERE, HOW = "What to judge against instead", "How"


@polite
def evaluate(
    folder: FolderArgument,
    victim: Annotated[
        str | None, option("SPEC", f"Another victim, as in generate; or {REMOTE}.", ELSEWHERE)
    ] = None,
    size_px: Annotated[int | None, option("PX", "Side of its input.", ELSEWHERE)] = None,
    labels: Annotated[str | None, option("FILE", "Its class names.", ELSEWHERE)] = None,
    target: Annotated[
        str | None, option("CLASS", "The class wanted, as it names it.", ELSEWHERE)
    ] = None,
    truth: Annotated[str | None, option("CLASS", "The sign's own class there.", ELSEWHERE)] = None,
    world: Annotated[str | None, option("PRESET|FILE", WORLDS_HELP, ELSEWHERE)] = None,
    photo: Annotated[str | None, option("FILE", "Real photos, as in generate.", ELSEWHERE)] = None,
    corners: Annotated[
        str | None, option('"X,Y …"', "Where the sign is in the photo.", ELSEWHERE)
    ] = None,
    box: Annotated[
        str | None, option("X1,Y1,X2,Y2", "The same for one head-on.", ELSEWHERE)
    ] = None,
    occlusion: Annotated[
        str | None, option("FILE", "Mask of what is before it there.", ELSEWHERE)
    ] = None,
    grid: Annotated[
        str | None,
        option(
            "AXES",
            'Conditions, e.g. "scene.pose.distance_m=3,6,9 scene.pose.yaw_deg=-30,0,30"; all '
            "others vary. card.json lists their names under conditions.",
            HOW,
        ),
    ] = None,
    each: Annotated[int, option("N", "Photos in a cell of the grid.", HOW, min=1)] = 20,
    n: Annotated[int, option("N", "Fresh photos to judge.", HOW, min=20)] = 500,
    drives: Annotated[int, option("N", "Drives past the sign, in drive_by.", HOW, min=2)] = 20,
    seed: Annotated[int, option("N", "Another seed, other conditions.", HOW)] = 1,
    device: DeviceOption = "cpu",
) -> None:
    """Judge a result again: fresh conditions, a grid, another world, other photos or victims.

    Prints the figures and keeps them in evaluation.json in the folder, in place of those of the
    last time. The stickers stay as they are.
    """
    design, theta = read_folder(folder)
    flags: dict[str, dict[str, Any]] = {
        "victim": {"spec": victim, "labels": labels, "size_px": size_px},
        "goal": {"target": target, "truth": truth},
        "world": {
            "preset": world,
            "photo": photo,
            "corners": corners,
            "box": box,
            "occlusion": occlusion,
        },
    }
    design = _elsewhere(design, flags)
    axes = None if grid is None else parse_axes(grid)
    against = build_victim(design, device=device)
    problem = build_problem(design, against)
    check_axes(problem.declared(), axes or {})
    with bar() as progress:
        task = progress.add_task("judging", total=8, note="")

        def tick(name: str) -> None:
            progress.update(task, advance=1, note=name)

        report = judge(problem, theta, seed=spawn(seed, "evaluate"), n=n, tick=tick)
        tick("grid" if axes else "done")
        cells = success_grid(problem, theta, axes, each=each, seed=seed) if axes else None
        past = driven(problem, theta, design.world, n=drives, seed=seed)
        progress.update(task, completed=8, note="")
    facts: dict[str, Any] = {
        "date": today(),
        "victim": victim_facts(against),
        "target": design.goal.target,
        "world": world_text(design),
        "seed": seed,
        "measured": report_facts(report),
        "doubts": list(report.doubts),
        "grid": None if cells is None else grid_facts(cells),
        "drives": None if past is None else drives_facts(past),
    }
    with staged(folder) as part:
        write_card(part / EVALUATION, facts)
    _show(facts, cells, "stickers" if design.printed else design.sticker.kind)
    if past is not None:
        show_drives(past)
    console.print(f"kept in {folder / EVALUATION}", markup=False, soft_wrap=True)


@polite
def sheet(folder: FolderArgument, paper: PaperOption = "A4") -> None:
    """Write sheet.pdf and sheet.svg again, for another paper.

    Stickers larger than the paper are tiled with a glue strip. Scale, contours and ink stay.
    """
    page_of(paper)
    design, _ = read_folder(folder)
    pages = write_sheets(folder, design, date=today(), paper=paper)
    told = f"{folder / 'sheet.pdf'}: {pages} pages of {paper}; print at 100 %"
    console.print(told, markup=False, soft_wrap=True)


def _elsewhere(design: Design, flags: dict[str, dict[str, Any]]) -> Design:
    values = design.model_dump()
    if flags["victim"]["spec"] is not None:
        values["goal"]["truth"] = None
    for part, some in flags.items():
        laid_over(values, part, some)
    return design_from(values, "flags", names=FLAGS)


def _show(facts: dict[str, Any], cells: Grid | None, found: str) -> None:
    measured = facts["measured"]
    table = Table(title=f"{facts['victim']['name']} in {facts['world']}", title_justify="left")
    table.add_column("judged under fresh conditions")
    table.add_column("success", justify="right")
    rows = {found: measured["success"], "bare sign": measured["clean"]} | measured["controls"]
    for name, rate in rows.items():
        table.add_row(name, f"{rate['hits']}/{rate['n']}  {interval(rate)}")
    console.print(table)
    if "queries" in facts["victim"]:
        console.print(f"the victim was asked about {facts['victim']['queries']} images")
    for doubt in facts["doubts"]:
        console.print(f"doubt: {doubt}", style="yellow", markup=False)
    if cells is not None:
        console.print(_grid_table(cells))


def _grid_table(cells: Grid) -> Table:
    names, values = list(cells.axes), list(cells.axes.values())
    table = Table(title="success by " + " x ".join(names), title_justify="left")
    if len(names) == 2:
        table.add_column(f"{names[1]} \\ {names[0]}")
        for value in values[0]:
            table.add_column(f"{value:g}", justify="right")
        for value, row in zip(values[1], cells.table(), strict=True):
            table.add_row(f"{value:g}", *[f"{rate.hits}/{rate.n}" for rate in row])
        return table
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("success", justify="right")
    for cell, rate in zip(product(*values), cells.rates, strict=True):
        table.add_row(*[f"{value:g}" for value in cell], str(rate))
    return table
