"""`physadv evaluate` and `physadv sheet`: what is done with a result's folder."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from physadv.cli.show import bar, console, interval, polite
from physadv.core import spawn
from physadv.design import Design, build_problem, build_victim, design_from
from physadv.evaluation import Grid, parse_axes, success_grid
from physadv.judge import judge
from physadv.output import read_folder, today, write_card, write_sheets
from physadv.output.card import grid_facts, report_facts, victim_facts
from physadv.patch import Mask
from physadv.scene import sign

FolderArgument = Annotated[Path, typer.Argument(help="A folder made by physadv generate.")]


@polite
def evaluate(
    folder: FolderArgument,
    victim: Annotated[
        str | None, typer.Option(help="Judge against another victim, as in generate.")
    ] = None,
    size_px: Annotated[int | None, typer.Option(help="Side of that victim's input.")] = None,
    labels: Annotated[str | None, typer.Option(help="File with that victim's class names.")] = None,
    target: Annotated[
        str | None, typer.Option(help="Class to be read, as that victim names it.")
    ] = None,
    world: Annotated[str | None, typer.Option(help="Judge in another preset's world.")] = None,
    grid: Annotated[
        str | None,
        typer.Option(help='Axes, e.g. "scene.pose.distance_m=3,6,9 scene.pose.yaw_deg=-30,0,30".'),
    ] = None,
    each: Annotated[int, typer.Option(min=1, help="Photos in a cell of the grid.")] = 20,
    n: Annotated[int, typer.Option(min=20, help="Fresh photos to judge.")] = 500,
    seed: Annotated[int, typer.Option(help="Another seed, other conditions.")] = 1,
) -> None:
    """Judge a result again: under fresh conditions, over a grid, elsewhere, on another victim.

    Prints the figures and keeps them in evaluation.json beside the card.
    """
    design, theta = read_folder(folder)
    axes = None if grid is None else parse_axes(grid)
    flags = {"victim": {"spec": victim, "labels": labels, "size_px": size_px}}
    flags |= {"goal": {"target": target}, "world": {"preset": world}}
    changed = _changed(design, flags)
    against = build_victim(changed)
    problem = build_problem(changed, against, _mask(changed))
    with bar() as progress:
        task = progress.add_task("judging", total=8, note="")

        def tick(name: str) -> None:
            progress.update(task, advance=1, note=name)

        report = judge(problem, theta, seed=spawn(seed, "evaluate"), n=n, tick=tick)
        cells = None
        if axes is not None:
            tick("grid")
            cells = success_grid(problem, theta, axes, each=each, seed=seed)
        progress.update(task, completed=8, note="")
    facts: dict[str, Any] = {
        "date": today(),
        "victim": victim_facts(against),
        "world": design.world.preset if world is None else world,
        "seed": seed,
        "measured": report_facts(report),
        "doubts": list(report.doubts),
        "grid": None if cells is None else grid_facts(cells),
    }
    write_card(folder / "evaluation.json", facts)
    _show(facts, cells)


@polite
def sheet(
    folder: FolderArgument,
    paper: Annotated[str, typer.Option(help="A4, A3, Letter, … or WIDTHxHEIGHT in mm.")] = "A4",
) -> None:
    """Write sheet.pdf and sheet.svg again, for another paper."""
    design, _ = read_folder(folder)
    pages = write_sheets(folder, design, date=today(), paper=paper)
    console.print(f"{folder / 'sheet.pdf'}: {pages} pages of {paper}; print at 100 %")


def _changed(design: Design, flags: dict[str, dict[str, Any]]) -> Design:
    values = design.model_dump()
    if flags["victim"]["spec"] is not None:
        values["victim"] = {}
    for part, some in flags.items():
        values[part].update({name: value for name, value in some.items() if value is not None})
    return design_from(values, "flags")


def _mask(design: Design) -> Mask:
    return Mask(sign(design.sign).size_mm, design.sticker.pieces_mm)


def _show(facts: dict[str, Any], cells: Grid | None) -> None:
    measured = facts["measured"]
    table = Table(title=f"{facts['victim']['name']} in {facts['world']}", title_justify="left")
    table.add_column("judged under fresh conditions")
    table.add_column("success", justify="right")
    rows = {"stickers": measured["success"], "bare sign": measured["clean"]} | measured["controls"]
    for name, rate in rows.items():
        table.add_row(name, f"{rate['hits']}/{rate['n']}  {interval(rate)}")
    console.print(table)
    for doubt in facts["doubts"]:
        console.print(f"doubt: {doubt}", style="yellow")
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
    table.add_column("cell")
    table.add_column("success", justify="right")
    for index, rate in enumerate(cells.rates):
        table.add_row(str(index), str(rate))
    return table
