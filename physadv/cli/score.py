"""`physadv score`: real photos of the stickers against what was predicted of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from physadv.cli.options import FolderArgument, option
from physadv.cli.run import STOPPED
from physadv.cli.show import bar, console, errors, interval, polite
from physadv.core import check
from physadv.design import build_problem, build_victim
from physadv.output import read_folder, today
from physadv.output.folder import CARD, check_folder
from physadv.output.score import PAGE, make_scorer, score_facts, write_score
from physadv.scoring import Scored, Scorer, Source, score_photos, sources

WIDEST_DEG = 170.0


@polite
def score(
    photos: Annotated[
        Path,
        typer.Argument(
            metavar="PHOTOS",
            help="A photo, a folder of photos, or a table .csv with the columns file,corners or "
            "file,x1,y1,x2,y2; rows that leave them empty are searched for the sign.",
        ),
    ],
    folder: FolderArgument,
    fov_deg: Annotated[
        float | None,
        option(
            "DEG",
            "Horizontal field of view of the photos; else their EXIF data say it, and where "
            "they do not, 60 is assumed.",
        ),
    ] = None,
    each: Annotated[int, option("N", "Simulated photos behind each prediction.", min=10)] = 40,
    seed: Annotated[int, option("N", "Another seed, other simulated photos.")] = 1,
    out: Annotated[
        Path | None, option("DIR", "Folder for the score; DIR/score without it.")
    ] = None,
) -> None:
    """Score real photos of the sign, with stickers or bare, against what was predicted of them.

    Finds the sign in each photo (or the printed sheet, by its markers), measures distance, angles
    and light, asks the victim, and compares hits with the success simulated at that pose. Leaves
    score.html (look at this first), score.png and score.json. Ctrl-C keeps what is done.
    """
    _check_fov(fov_deg)
    listed = sources(photos)
    place = folder / "score" if out is None else out
    design, theta = read_folder(folder)
    check_folder(place, force=True)
    problem = build_problem(design, build_victim(design))
    scorer = make_scorer(design, problem, theta, fov_deg=fov_deg, each=each, seed=seed)
    rows = _scored(scorer, listed)
    facts = score_facts(
        design, rows, date=today(), asked=len(listed), claimed=_claimed(folder / CARD)
    )
    if rows:
        write_score(place, facts, rows)
    _show(facts)
    if rows:
        console.print(f"open {place / PAGE}", markup=False, soft_wrap=True)
    if facts["stopped"]:
        told = f"stopped after {len(rows)} of {len(listed)} photos"
        errors.print(f"physadv: {told}", style="yellow", markup=False)
        raise typer.Exit(STOPPED)


def _scored(scorer: Scorer, listed: Sequence[Source]) -> list[Scored]:
    """Score with a bar; Ctrl-C ends it early."""
    rows: list[Scored] = []
    with bar() as progress:
        task = progress.add_task("scoring", total=len(listed), note="")
        try:
            for row in score_photos(scorer, listed):
                rows.append(row)
                progress.update(task, advance=1, note=row.name)
        except KeyboardInterrupt:
            progress.update(task, note="stopped")
    return rows


def _check_fov(fov_deg: float | None) -> None:
    good = fov_deg is None or 0 < fov_deg <= WIDEST_DEG
    expected = f"degrees, above 0 and at most {WIDEST_DEG:g}"
    check(good, "fov-deg", expected=expected, got=f"{fov_deg}")


def _claimed(card: Path) -> Mapping[str, Any] | None:
    """Return the success that a card holds, None where there is no card to read."""
    try:
        rate = json.loads(card.read_text(encoding="utf-8"))["measured"]["success"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = isinstance(rate, dict) and {"hits", "n", "share", "low", "high"} <= rate.keys()
    return rate if whole else None


def _show(facts: Mapping[str, Any]) -> None:
    table = Table(title=f"{facts['name']}: real photos", title_justify="left")
    for name in ("photo", "found by", "distance", "yaw", "light"):
        table.add_column(name, justify="left" if name in ("photo", "found by") else "right")
    table.add_column("answer")
    table.add_column("predicted", justify="right")
    for row in facts["rows"]:
        table.add_row(*_cells(row))
    console.print(table)
    for name in ("with stickers", "bare sign", "bare sign read correctly"):
        rate = facts[name]
        if rate is not None:
            console.print(f"{name}: {rate['hits']}/{rate['n']}  {interval(rate)}")
    made = facts["prediction"]
    if made["photos"]:
        told = f"{made['hits']} hits seen, {made['expected']:.1f} ± {made['spread']:.1f} predicted"
        console.print(f"{told} in {made['photos']} photos")


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    pose, light, chance = row["pose"], row["light"], row["predicted"]
    if pose is None:
        return row["file"], "", "", "", "", row["reason"], ""
    said = row["reason"] or f"{'hit' if row['hit'] else 'miss'}: {row['answer']} ({row['shows']})"
    return (
        row["file"],
        row["found by"],
        f"{pose['distance_m']:.1f} m",
        f"{pose['yaw_deg']:+.0f}°",
        f"{light['gain_ev']:+.1f} EV",
        said,
        "" if chance is None else f"{100 * chance['share']:.0f} %",
    )
