"""`physadv generate` and `physadv demo`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from physadv.cli.run import numbers, run
from physadv.cli.show import polite
from physadv.core import UserError
from physadv.design import Design, design_from, read_design
from physadv.output import Options

OUT = Path("physadv-out")
OutOption = Annotated[Path, typer.Option(help="Folder for the result.")]
PaperOption = Annotated[str, typer.Option(help="A4, A3, Letter, … or WIDTHxHEIGHT in mm.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a result in --out.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with a search that was stopped in --out.")
]
SeedOption = Annotated[int | None, typer.Option(help="Same seed, same machine: same stickers.")]

DEMO: dict[str, Any] = {
    "name": "stop as speed limit 80",
    "sign": "stop",
    "goal": {"target": "Speed limit (80km/h)"},
}


@polite
def demo(
    out: OutOption = OUT,
    seed: SeedOption = 0,
    paper: PaperOption = "A4",
    force: ForceOption = False,
) -> None:
    """Make stickers that turn the bundled recogniser's Stop into Speed limit (80km/h).

    Two minutes on two cores; leaves sheet.pdf, report.html and the rest in --out.
    """
    run(design_from(DEMO | {"seed": seed}), out, Options(paper=paper, force=force))


@polite
def generate(
    design: Annotated[
        Path | None, typer.Argument(help="A design.toml; flags given beside it win.")
    ] = None,
    out: OutOption = OUT,
    name: Annotated[str | None, typer.Option(help="Name on the sheet and the card.")] = None,
    sign: Annotated[
        str | None, typer.Option(help="stop, us_stop, yield, speed_limit_50, …")
    ] = None,
    victim: Annotated[
        str | None,
        typer.Option(
            help='"bundled", file.py:function, a TorchScript .pt, or .safetensors weights.'
        ),
    ] = None,
    labels: Annotated[str | None, typer.Option(help="File with the victim's class names.")] = None,
    size_px: Annotated[int | None, typer.Option(help="Side of the victim's input.")] = None,
    target: Annotated[
        str | None, typer.Option(help="Class to be read, by name or number; none: any wrong one.")
    ] = None,
    truth: Annotated[str | None, typer.Option(help="Class the victim should answer.")] = None,
    world: Annotated[str | None, typer.Option(help="Preset of conditions: lab or street.")] = None,
    backgrounds: Annotated[str | None, typer.Option(help="Folder of background images.")] = None,
    photo: Annotated[
        str | None, typer.Option(help="Real photo of the sign, a folder of them, or a table .csv.")
    ] = None,
    corners: Annotated[
        str | None, typer.Option(help='Sign in the photo: "x,y x,y …", clockwise from top left.')
    ] = None,
    box: Annotated[str | None, typer.Option(help="Sign's box in the photo: x1,y1,x2,y2.")] = None,
    area: Annotated[float | None, typer.Option(help="Most of the face to cover, per cent.")] = None,
    areas: Annotated[
        str | None, typer.Option(help="Make one result for each, and their curve: 5,8,10,12,15.")
    ] = None,
    pieces: Annotated[int | None, typer.Option(help="Most pieces.")] = None,
    min_mm: Annotated[float | None, typer.Option(help="Least side of a piece, mm.")] = None,
    layout: Annotated[
        str | None, typer.Option(help="search, bars, poster, a candidate's name, or a mask image.")
    ] = None,
    allow_legend: Annotated[
        bool, typer.Option("--allow-legend", help="Letters may be covered.")
    ] = False,
    cell_mm: Annotated[float | None, typer.Option(help="Side of a colour cell, mm.")] = None,
    palette: Annotated[
        str | None, typer.Option(help="Printable colours, r,g,b in 0..1 a line.")
    ] = None,
    printable: Annotated[float | None, typer.Option(help="Weight of non-printability.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of a search.")] = None,
    batch: Annotated[int | None, typer.Option(help="Photos a step.")] = None,
    restarts: Annotated[int | None, typer.Option(help="Searches; the best is kept.")] = None,
    optimiser: Annotated[str | None, typer.Option(help="adam or sign.")] = None,
    judged: Annotated[int | None, typer.Option(help="Photos of the judge.")] = None,
    seed: SeedOption = None,
    paper: PaperOption = "A4",
    force: ForceOption = False,
    resume: ResumeOption = False,
) -> None:
    """Find stickers for a sign and a victim, judge them, and write the sheet.

    Ctrl-C judges and writes what was found so far; --resume goes on from there.
    """
    if resume and design is None:
        design = out / "design.toml"
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
        },
        "sticker": {
            "area_pct": area,
            "pieces": pieces,
            "min_mm": min_mm,
            "layout": layout,
            "allow_legend": allow_legend or None,
            "cell_mm": cell_mm,
        },
        "attack": {"steps": steps, "batch": batch, "restarts": restarts, "optimiser": optimiser},
    }
    wanted = _merged(Design() if design is None else read_design(design), flags)
    options = Options(paper, force, resume, numbers("areas", areas))
    run(wanted, out, options)


def _merged(base: Design, flags: dict[str, dict[str, Any]]) -> Design:
    """Lay the flags that were given over a design; new limits forget old contours."""
    values = base.model_dump()
    given = {part: {k: v for k, v in some.items() if v is not None} for part, some in flags.items()}
    for part, some in given.items():
        (values if part == "" else values[part]).update(some)
    if given["sticker"].keys() - {"cell_mm"} or "sign" in given[""]:
        values["sticker"]["pieces_mm"] = ()
    if values["victim"]["spec"] == "bundled" and given["victim"].keys() & {"labels", "size_px"}:
        raise UserError(
            "victim", expected="no --labels or --size-px with the bundled victim", got="them"
        )
    return design_from(values, "flags")
