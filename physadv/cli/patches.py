"""`physadv patches list|show|verify|keep`: designs that are kept as data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from physadv.cli.made_by import made_by
from physadv.cli.options import DeviceOption, FolderArgument, flag, option
from physadv.cli.shelf_table import command, kind_of, laid_into, markdown, shelf_table
from physadv.cli.show import bar, card_table, console, polite, sizes_told
from physadv.core import UserError, check
from physadv.output import Comparison, Kept, find_kept, keep, read_kept, shelf_folder, verify
from physadv.output.shelf import check_shelf

STAGES = 8
patches_app = typer.Typer(
    no_args_is_help=True,
    help="Sticker designs kept as data: look at them, make them again, check their cards.",
)
DirOption = Annotated[
    Path | None,
    option("DIR", "Your own results instead: a folder of results, or one result.", None, "--dir"),
]
NAMES = "A design's name, as physadv patches list says it."


@patches_app.command("list")
@polite
def list_patches(
    folder: DirOption = None,
    readme: Annotated[
        Path | None,
        option("FILE", "Write the table into a Markdown page that has marks for it instead."),
    ] = None,
) -> None:
    """List the designs that come with physadv: what they do, how well, and what makes them.

    Success is what each card says, with its 95 % interval; the worst control is the sticker of
    the same place and size, but another picture, that succeeds most often.
    """
    designs = [read_kept(place) for place in check_shelf(_shelf(folder)).values()]
    if readme is not None:
        laid_into(readme, markdown(designs))
        console.print(f"{len(designs)} designs in {readme}", markup=False, soft_wrap=True)
        return
    console.print(shelf_table(designs))
    for kept in designs:
        console.print(f"{kept.name}: {command(kept)}", markup=False, soft_wrap=True)
    console.print("physadv patches show NAME says more of one")


@patches_app.command()
@polite
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help=NAMES)],
    folder: DirOption = None,
) -> None:
    """Say what a design is, what was measured of it, which files it has, how to make it again."""
    kept = find_kept(_shelf(folder), name)
    card = kept.card
    console.print(card_table(card))
    victim, budget = card["victim"], card["budget"]
    _told(f"{kind_of(kept)} on {card['sign']}, against {victim['name']} in {card['world']}")
    for line in sizes_told(card):
        _told(line)
    _told(f"{budget['steps']} steps, {budget['queries']} photos, {budget['seconds']:.0f} s")
    for doubt in card.get("doubts", []):
        console.print(f"doubt: {doubt}", style="yellow", markup=False)
    _told(f"files, in {kept.folder}:")
    for path in sorted(kept.folder.iterdir()):
        _told(f"  {path.name:<20} {_about(path)}")
    _told(f"make it again: {made_by(kept.design, kept.folder)} --out {kept.name}")
    _told(f"look at it: {_picture(kept.folder)}")
    where = "" if folder is None else f" --dir {folder}"
    _told(f"check its card: physadv patches verify {kept.name}{where}")


@patches_app.command("verify")
@polite
def verify_patches(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help=NAMES)] = None,
    all_of_them: Annotated[bool, flag("--all", "Check every design of the shelf.")] = False,
    folder: DirOption = None,
    n: Annotated[
        int, option("N", "How many of its own conditions are judged again; 0: none.", min=0)
    ] = 40,
    device: DeviceOption = "cpu",
) -> None:
    """Recompute a card: its files' hashes, sizes, conditions, and a sample of its figures.

    The stickers are judged again under the first --n conditions that the card's own seed draws;
    with as many as the card has, on the machine that made it, all counts are equal. Of fewer, or
    elsewhere, the 95 % intervals must meet. Ends with 1 where something does not agree. With --all
    a design whose victim is not here is passed over.
    """
    shelf, either = _shelf(folder), (name is None) == all_of_them
    got = "both" if all_of_them else "neither"
    check(either, "name", expected="the name of a design, or --all", got=got)
    places = check_shelf(shelf)
    designs = [read_kept(one) for one in places.values()] if name is None else []
    designs += [] if name is None else [find_kept(shelf, name)]
    wrong = 0
    for kept in designs:
        try:
            wrong += not _agrees(kept, n, device)
        except UserError as error:
            if name is not None or error.argument != "victim":
                raise
            _told(f"{kept.name}: not verified, {error}")
    if wrong:
        _told(f"{wrong} of {len(designs)} do not agree with their cards")
        raise typer.Exit(1)


@patches_app.command("keep")
@polite
def keep_patch(
    result: FolderArgument,
    folder: Annotated[Path, option("DIR", "The shelf, a folder.", None, "--dir")],
    name: Annotated[
        str | None, option("NAME", "What it is called there; else as the result's folder.")
    ] = None,
) -> None:
    """Keep a result as data: its theta, design, card, patch.png and a small picture of the sign.

    Sheets and reports are left out; physadv sheet writes the sheet again.
    """
    place = keep(result, folder, name or result.resolve().name)
    _told(f"kept in {place}")


def _shelf(folder: Path | None) -> Path:
    return shelf_folder() if folder is None else folder


def _agrees(kept: Kept, n: int, device: str) -> bool:
    """Verify a design and print what came of it."""
    with bar() as progress:
        task = progress.add_task("judging", total=STAGES, note="")

        def tick(stage: str) -> None:
            progress.update(task, advance=1, note=stage)

        found = verify(kept, n=n, device=device, tick=tick)
        progress.update(task, completed=STAGES, note="")
    console.print(_verdict(kept, found))
    return all(one.agrees for one in found)


def _verdict(kept: Kept, found: Sequence[Comparison]) -> Table:
    wrong = sum(not one.agrees for one in found)
    outcome = f"{wrong} of {len(found)} do not agree" if wrong else f"all {len(found)} agree"
    table = Table("", "the card says", "found now", "", title=f"{kept.name}: {outcome}")
    table.title_justify = "left"
    for one in found:
        style, word = ("", "agrees") if one.agrees else ("red", "does not agree")
        table.add_row(one.what, one.said, one.found, word, style=style)
    return table


def _about(path: Path) -> str:
    return f"{path.stat().st_size / 1000:.0f} kB" if path.is_file() else "a folder"


def _picture(folder: Path) -> Path:
    """Return what shows the design best."""
    names = ("report.html", "preview.png", "sign.png", "patch.png")
    return next((folder / name for name in names if (folder / name).is_file()), folder)


def _told(line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)
