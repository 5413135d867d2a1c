"""`physadv generate` and `physadv demo`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from physadv.cli.options import (
    FLAGS,
    WORLDS_HELP,
    DeviceOption,
    ForceOption,
    OutOption,
    PaperOption,
    laid_over,
    numbers,
)
from physadv.cli.run import run
from physadv.cli.show import polite
from physadv.design import Design, design_from, read_design
from physadv.output import Options, load_state

OUT = Path("physadv-out")
VICTIM, GOAL, WORLD, STICKERS, SEARCH, RESULT = (
    *("Victim: the recogniser that you own", "Goal", "World: what it is photographed in"),
    *("Stickers", "Search", "Result"),
)

DEMO: dict[str, Any] = {
    "name": "stop as speed limit 80",
    "sign": "stop",
    "goal": {"target": "Speed limit (80km/h)"},
}


@polite
def demo(
    out: OutOption = OUT,
    seed: Annotated[
        int, typer.Option(help="Same seed, same machine: same stickers.", rich_help_panel=RESULT)
    ] = 0,
    paper: PaperOption = "A4",
    force: ForceOption = False,
    device: DeviceOption = "cpu",
) -> None:
    """Make stickers that turn the bundled recogniser's Stop into Speed limit (80km/h).

    About two minutes on two cores. Leaves in --out: report.html (look at this first), sheet.pdf and
    sheet.svg (to print and cut), patch.png, sign.png, theta.safetensors, design.toml (repeats the
    run: physadv generate design.toml) and card.json (what was measured).

    Ctrl-C judges and writes what was found so far; physadv generate --resume goes on from there.
    """
    options = Options(paper=paper, force=force, device=device)
    run(design_from(DEMO | {"seed": seed}, names=FLAGS), out, options)


@polite
def generate(
    design: Annotated[
        Path | None,
        typer.Argument(metavar="DESIGN.toml", help="A design file; flags beside it win."),
    ] = None,
    victim: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="bundled, file.py:function (returns an nn.Module), a TorchScript .pt, or "
            ".safetensors weights made by physadv train.",
            rich_help_panel=VICTIM,
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Class names: one a line, or a .csv with the columns id and name.",
            rich_help_panel=VICTIM,
        ),
    ] = None,
    size_px: Annotated[
        int | None,
        typer.Option(
            metavar="PX", help="Side of the victim's input in pixels.", rich_help_panel=VICTIM
        ),
    ] = None,
    sign: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The sign: stop (the default), us_stop, yield, speed_limit_50, …",
            rich_help_panel=GOAL,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="What it should be read as, by name or number; without it: anything wrong.",
            rich_help_panel=GOAL,
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="What the victim answers for the bare sign, where its labels do not say.",
            rich_help_panel=GOAL,
        ),
    ] = None,
    world: Annotated[
        str | None,
        typer.Option(
            metavar="PRESET|FILE",
            help="lab (3-12 m, yaw 30°, a still camera; the default), " + WORLDS_HELP[5:],
            rich_help_panel=WORLD,
        ),
    ] = None,
    backgrounds: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Your own images behind the sign.", rich_help_panel=WORLD),
    ] = None,
    photo: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Instead: a real photo of the sign; a folder of photos that the sign fills; or a "
            "table .csv with the columns file,corners or file,x1,y1,x2,y2, and perhaps mask.",
            rich_help_panel=WORLD,
        ),
    ] = None,
    corners: Annotated[
        str | None,
        typer.Option(
            metavar='"X,Y …"',
            help="The sign's corners, or its frame's four, in the photo's pixels, clockwise from "
            "the top left one.",
            rich_help_panel=WORLD,
        ),
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X1,Y1,X2,Y2",
            help="Instead of corners, for a sign seen head-on: its box.",
            rich_help_panel=WORLD,
        ),
    ] = None,
    occlusion: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What is before the sign in the photo (leaves, a pole) and hides stickers: an "
            "image as large as the photo, white (or, on transparent, opaque) there.",
            rich_help_panel=WORLD,
        ),
    ] = None,
    printer: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Profile of your printer, made by physadv calibrate, or an ICC file.",
            rich_help_panel=WORLD,
        ),
    ] = None,
    area: Annotated[
        float | None,
        typer.Option(
            metavar="PCT",
            help="Cover at most this share of the face, per cent.",
            show_default="15",
            rich_help_panel=STICKERS,
        ),
    ] = None,
    areas: Annotated[
        str | None,
        typer.Option(
            metavar="PCT,PCT…",
            help="A result for each and their curve, e.g. 5,8,10,12,15; the largest is the main "
            "one, the others go into folders inside --out.",
            rich_help_panel=STICKERS,
        ),
    ] = None,
    pieces: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="At most this many pieces.",
            show_default="8",
            rich_help_panel=STICKERS,
        ),
    ] = None,
    min_mm: Annotated[
        float | None,
        typer.Option(
            metavar="MM",
            help="Least size of a piece in both directions.",
            show_default="40",
            rich_help_panel=STICKERS,
        ),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="search (races layouts on the victim; the default), bars, poster, the name of one "
            "that is raced (middle, around, …), or a mask image, white where stickers go.",
            rich_help_panel=STICKERS,
        ),
    ] = None,
    allow_legend: Annotated[
        bool,
        typer.Option(
            "--allow-legend",
            help="Let stickers cover the letters; else at most 10 % of their strokes.",
            rich_help_panel=STICKERS,
        ),
    ] = False,
    cell_mm: Annotated[
        float | None,
        typer.Option(
            metavar="MM",
            help="Side of a colour cell.",
            show_default="12.5",
            rich_help_panel=STICKERS,
        ),
    ] = None,
    palette: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Colours that your printer can print: r,g,b in 0..1, one a line.",
            rich_help_panel=STICKERS,
        ),
    ] = None,
    printable: Annotated[
        float | None,
        typer.Option(
            metavar="W", help="Weight of non-printability by --palette.", rich_help_panel=STICKERS
        ),
    ] = None,
    attack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="gradient (the default), or one that only asks the victim: random-search, nes, "
            "spsa, cma-es, graphite.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    queries: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Pictures that an attack which only asks may show the victim.",
            show_default="10000",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    label_only: Annotated[
        bool,
        typer.Option(
            "--label-only",
            help="Let it use the class that is answered, no scores.",
            rich_help_panel=SEARCH,
        ),
    ] = False,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Steps of a search.", show_default="200", rich_help_panel=SEARCH
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(metavar="N", help="Photos a step.", show_default="24", rich_help_panel=SEARCH),
    ] = None,
    restarts: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Searches, of which the best is kept.",
            show_default="1",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    optimiser: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="adam (the default) or sign.", rich_help_panel=SEARCH),
    ] = None,
    judged: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Fresh photos that the judge takes.",
            show_default="500",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Same seed, same machine: same stickers.",
            show_default="0",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    out: OutOption = OUT,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Name on the sheet and the card.", rich_help_panel=RESULT
        ),
    ] = None,
    paper: PaperOption = "A4",
    force: ForceOption = False,
    device: DeviceOption = "cpu",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the search that was stopped in --out.",
            rich_help_panel=RESULT,
        ),
    ] = False,
) -> None:
    """Find stickers for a sign and a victim, judge them, and write the sheet.

    Examples:

    physadv generate --target "Speed limit (80km/h)" --out stop-as-80

    physadv generate --victim net.py:load --size-px 64 --labels names.txt --target 5 --truth 14

    physadv generate --photo sign.jpg --box 120,80,410,370 --sign us_stop --target 5

    Ctrl-C judges and writes what was found so far; --resume with the same --out goes on.
    """
    flags: dict[str, dict[str, Any]] = {
        "": {"name": name, "sign": sign, "seed": seed, "judged": judged},
        "victim": {"spec": victim, "labels": labels, "size_px": size_px},
        "goal": {"target": target, "truth": truth, "palette": palette, "printable": printable},
        "world": {
            "preset": world,
            "backgrounds": backgrounds,
            "photo": photo,
            "corners": corners,
            "box": box,
            "occlusion": occlusion,
            "printer": printer,
        },
        "sticker": {
            "area_pct": area,
            "areas_pct": numbers("--areas", areas),
            "pieces": pieces,
            "min_mm": min_mm,
            "layout": layout,
            "allow_legend": allow_legend or None,
            "cell_mm": cell_mm,
        },
        "attack": {
            "method": attack,
            "queries": queries,
            "answers": "label" if label_only else None,
            "steps": steps,
            "batch": batch,
            "restarts": restarts,
            "optimiser": optimiser,
        },
    }
    base = Design()
    if design is not None:
        base = read_design(design)
    elif resume:
        base = load_state(out).design
    run(_merged(base, flags), out, Options(paper, force, resume, device))


KEEP_PLACES = {"name", "judged", "cell_mm", "palette", "printable", *("steps", "batch", "restarts")}
"""Flags that leave stickers where a design file has them."""


def _merged(base: Design, flags: dict[str, dict[str, Any]]) -> Design:
    """Lay the flags that were given over a design.

    What a layout was chosen for may change with them; then it is chosen anew.
    """
    wanted = {name for some in flags.values() for name, value in some.items() if value is not None}
    values = (base if wanted <= KEEP_PLACES else base.unplaced()).model_dump()
    for part, some in flags.items():
        laid_over(values, part, some)
    if flags["sticker"]["area_pct"] is not None and flags["sticker"]["areas_pct"] is None:
        values["sticker"]["areas_pct"] = ()
    return design_from(values, "flags", names=FLAGS)
