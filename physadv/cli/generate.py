"""`physadv generate` and `physadv demo`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from physadv.cli.options import (
    FLAGS,
    LOCAL,
    RESULT,
    VICTIM,
    WORLDS_HELP,
    DeviceOption,
    ForceOption,
    LabelsOption,
    OutOption,
    PaperOption,
    SizeOption,
    flag,
    laid_over,
    numbers,
    option,
)
from physadv.cli.run import run
from physadv.cli.show import polite
from physadv.design import Design, design_from, read_design
from physadv.output import Options, load_state

OUT = Path("physadv-out")
GOAL, WORLD, STICKERS, SEARCH = "Goal", "World: what it is photographed in", "Stickers", "Search"

DEMO: dict[str, Any] = {
    "name": "stop as speed limit 80",
    "sign": "stop",
    "goal": {"target": "Speed limit (80km/h)"},
}


@polite
def demo(
    out: OutOption = OUT,
    seed: Annotated[int, option("N", "Same seed, same machine: same stickers.", RESULT)] = 0,
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
        option(
            "SPEC",
            LOCAL + ". A detector, too: then the sign shall not be reported.",
            VICTIM,
        ),
    ] = None,
    labels: LabelsOption = None,
    size_px: SizeOption = None,
    sign: Annotated[
        str | None,
        option("NAME", "The sign: stop (the default), us_stop, yield, speed_limit_50, …", GOAL),
    ] = None,
    target: Annotated[
        str | None,
        option(
            "CLASS",
            "What it should be read as, by name or number; without it: anything wrong, or, by a "
            "detector, nothing.",
            GOAL,
        ),
    ] = None,
    score: Annotated[
        float | None,
        option("P", "The score above which a detector's boxes count.", GOAL, show_default="0.5"),
    ] = None,
    truth: Annotated[
        str | None,
        option(
            "CLASS", "What the victim answers for the bare sign, where its labels do not say.", GOAL
        ),
    ] = None,
    world: Annotated[
        str | None,
        option(
            "PRESET|FILE",
            "lab (3-12 m, yaw 30°, a still camera; the default), " + WORLDS_HELP[5:],
            WORLD,
        ),
    ] = None,
    backgrounds: Annotated[
        str | None, option("DIR", "Your own images behind the sign.", WORLD)
    ] = None,
    photo: Annotated[
        str | None,
        option(
            "FILE",
            "Instead: a real photo of the sign; a folder of photos that the sign fills; or a "
            "table .csv with the columns file,corners or file,x1,y1,x2,y2, and perhaps mask.",
            WORLD,
        ),
    ] = None,
    corners: Annotated[
        str | None,
        option(
            '"X,Y …"',
            "The sign's corners, or its frame's four, in the photo's pixels, clockwise from "
            "the top left one.",
            WORLD,
        ),
    ] = None,
    box: Annotated[
        str | None,
        option("X1,Y1,X2,Y2", "Instead of corners, for a sign seen head-on: its box.", WORLD),
    ] = None,
    occlusion: Annotated[
        str | None,
        option(
            "FILE",
            "What is before the sign in the photo (leaves, a pole) and hides stickers: an "
            "image as large as the photo, white (or, on transparent, opaque) there.",
            WORLD,
        ),
    ] = None,
    printer: Annotated[
        str | None,
        option(
            "FILE", "Profile of your printer, made by physadv calibrate, or an ICC file.", WORLD
        ),
    ] = None,
    area: Annotated[
        float | None,
        option(
            "PCT", "Cover at most this share of the face, per cent.", STICKERS, show_default="15"
        ),
    ] = None,
    areas: Annotated[
        str | None,
        option(
            "PCT,PCT…",
            "A result for each and their curve, e.g. 5,8,10,12,15; the largest is the main "
            "one, the others go into folders inside --out.",
            STICKERS,
        ),
    ] = None,
    pieces: Annotated[
        int | None, option("N", "At most this many pieces.", STICKERS, show_default="8")
    ] = None,
    min_mm: Annotated[
        float | None,
        option("MM", "Least size of a piece in both directions.", STICKERS, show_default="40"),
    ] = None,
    layout: Annotated[
        str | None,
        option(
            "KIND",
            "search (races layouts on the victim; the default); where the victim is sensitive: l1, "
            "cam (its class activation), occlusion; learnt (rectangles moved and turned); bars, "
            "poster, the name of one that is raced (middle, around, …); or a mask image, white "
            "where stickers go.",
            STICKERS,
        ),
    ] = None,
    allow_legend: Annotated[
        bool,
        flag(
            "--allow-legend",
            "Let stickers cover the letters; else at most 10 % of their strokes.",
            STICKERS,
        ),
    ] = False,
    symmetric: Annotated[
        bool, flag("--symmetric", "Stickers that are their own mirror image.", STICKERS)
    ] = False,
    away_mm: Annotated[
        float | None,
        option("MM", "Stickers at least this far from the letters.", STICKERS),
    ] = None,
    cell_mm: Annotated[
        float | None, option("MM", "Side of a colour cell.", STICKERS, show_default="12.5")
    ] = None,
    kind: Annotated[
        str | None,
        option(
            "KIND",
            "pixels (free colours; the default), waves (smooth ones), camouflage (near the face's "
            "own); shapes that the search moves: bars, strokes, letters; or nothing printed, but "
            "light on the sign: shadow, laser, projection; or on the lens: lens-dots.",
            STICKERS,
        ),
    ] = None,
    ambient_lux: Annotated[
        float | None,
        option(
            "LUX",
            "White light on the sign beside --kind laser or projection.",
            STICKERS,
            show_default="20, 120",
        ),
    ] = None,
    lines: Annotated[
        int | None, option("N", "The lines of --kind laser.", STICKERS, show_default="1")
    ] = None,
    dots: Annotated[
        int | None, option("N", "The dots of --kind lens-dots.", STICKERS, show_default="8")
    ] = None,
    inks: Annotated[
        str | None,
        option(
            "NAME,NAME…",
            "Only these inks, pure, e.g. black,white or #ffd700,black; none named: all.",
            STICKERS,
        ),
    ] = None,
    text: Annotated[
        str | None, option("TEXT", "The letters of --kind letters.", STICKERS, show_default="LOVE")
    ] = None,
    most_de2000: Annotated[
        float | None,
        option(
            "N",
            "The most that --kind camouflage differs from the face, in CIEDE2000.",
            STICKERS,
            show_default="10",
        ),
    ] = None,
    palette: Annotated[
        str | None,
        option("FILE", "Colours that your printer can print: r,g,b in 0..1, one a line.", STICKERS),
    ] = None,
    printable: Annotated[
        float | None, option("W", "Weight of non-printability by --palette.", STICKERS)
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
        int | None, option("N", "Steps of a search.", SEARCH, show_default="200")
    ] = None,
    batch: Annotated[int | None, option("N", "Photos a step.", SEARCH, show_default="24")] = None,
    restarts: Annotated[
        int | None, option("N", "Searches, of which the best is kept.", SEARCH, show_default="1")
    ] = None,
    optimiser: Annotated[str | None, option("NAME", "adam (the default) or sign.", SEARCH)] = None,
    judged: Annotated[
        int | None, option("N", "Fresh photos that the judge takes.", SEARCH, show_default="500")
    ] = None,
    seed: Annotated[
        int | None, option("N", "Same seed, same machine: same stickers.", SEARCH, show_default="0")
    ] = None,
    out: OutOption = OUT,
    name: Annotated[str | None, option("TEXT", "Name on the sheet and the card.", RESULT)] = None,
    paper: PaperOption = "A4",
    force: ForceOption = False,
    device: DeviceOption = "cpu",
    resume: Annotated[
        bool, flag("--resume", "Go on with the search that was stopped in --out.", RESULT)
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
        "goal": {
            "target": target,
            "truth": truth,
            "score": score,
            "palette": palette,
            "printable": printable,
        },
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
            "symmetric": symmetric or None,
            "away_mm": away_mm,
            "cell_mm": cell_mm,
            "kind": kind,
            "text": text,
            "most_de2000": most_de2000,
            "inks": None if inks is None else tuple(inks.split(",")),
        },
        "light": {"ambient_lux": ambient_lux, "lines": lines, "dots": dots},
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
