"""Patches against two real detectors: vanish, mislabel, appear; each photo judged by a fresh one.

python -m benchmarks.detectors --data ../shared/data [--part vanish] [--save]
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import torch
import typer
from rich.table import Table
from torch import Tensor

from benchmarks import show
from benchmarks.coco import detectors
from benchmarks.record import save as write
from physadv.attacks.digital import Patch
from physadv.core import (
    Encoded,
    Paired,
    Rate,
    generator,
    load_image,
    quantise,
    save_image,
)
from physadv.core.check import one_of
from physadv.evaluation import (
    Boxed,
    Crossed,
    CrossFit,
    Fitted,
    cross_fit,
    judge_crossed,
    read_boxed,
)
from physadv.objectives import Objective, appear, mislabel, vanish
from physadv.victims import Ensemble, Victim

RESULTS = Path(__file__).parent / "results" / "detectors"
SCORE = 0.5
OVERLAPS = 0.01
"""A box whose IoU to the sign's is at least this overlaps the sign."""
CENTRE = (0.28, 0.28, 0.72, 0.72)
"""A square in the middle of the sign's box, 19.4 % of it."""
WHOLE = (0.0, 0.0, 1.0, 1.0)
SIDE = 1 / 3
"""How wide and high a patch is that shall appear as a sign, of the picture's sides."""
NATURAL = "shuffled"
"""The control that is subtracted: the patch's own cells in random order."""


@dataclass(frozen=True)
class Run:
    """What all parts share: data, the search's numbers, the seed, where patches go."""

    data: Path
    fit: CrossFit
    seed: int
    patches: Path | None

    def victim(self, name: str) -> Victim:
        """Return a detector, or both as one."""
        if name != "both":
            return detectors(self.data / "detectors", name)
        members = [detectors(self.data / "detectors", one) for one in ("fastestdet", "nanodet")]
        return Ensemble(members, mean="losses", name="both")

    def signs(self, size_px: tuple[int, int]) -> Boxed:
        """Return the photos of stop signs, grouped by scene."""
        return read_boxed(self.data / "photos" / "boxes.csv", "stop", size_px, group="scene")

    def streets(self, size_px: tuple[int, int]) -> Boxed:
        """Return photos without signs, each with a place for a patch, the same in every size."""
        files = sorted((self.data / "photos" / "backgrounds").iterdir())
        images = [
            torch.nn.functional.interpolate(load_image(f), size_px, mode="bilinear", antialias=True)
            for f in files
        ]
        corner = torch.rand(len(files), 2, generator=generator(self.seed)) * (1 - SIDE)
        frame = torch.tensor([size_px[1], size_px[0]]).repeat(2)
        boxes = torch.cat([corner, corner + SIDE], dim=1) * frame
        return Boxed(Encoded(quantise(torch.cat(images))), boxes, torch.arange(len(files)))


Goal = Callable[[int], Objective]


def gone(stop: int) -> Objective:
    """Want no box of the class that overlaps the sign at all."""
    return vanish(stop, score=SCORE, iou=OVERLAPS, reach=0.0)


def missed(stop: int) -> Objective:
    """Want no box of the class on the sign, as recall is counted."""
    return vanish(stop, score=SCORE)


def misnamed(stop: int) -> Objective:
    """Want a box of any other class on the sign, and none of its own."""
    return mislabel(stop, score=SCORE)


def imagined(stop: int) -> Objective:
    """Want a box of the class on the patch."""
    return appear(stop, score=SCORE)


SAID: dict[Goal, str] = {
    gone: "no box overlaps the sign",
    missed: "no box at IoU 0.5",
    misnamed: "another class at IoU 0.5",
    imagined: "a stop sign at IoU 0.5",
}


@dataclass(frozen=True)
class Part:
    """A part of the table: on what patches are made, what for, and on what they are judged."""

    made_on: str
    goal: Goal
    judged: tuple[tuple[str, Goal], ...]
    appears: bool = False


FAST, NANO = "fastestdet", "nanodet"
PARTS = {
    "vanish": Part(FAST, gone, ((FAST, gone), (FAST, missed), (NANO, gone))),
    "ensemble": Part("both", gone, ((FAST, gone), (NANO, gone))),
    "mislabel": Part(FAST, misnamed, ((FAST, misnamed), (NANO, misnamed))),
    "appear": Part(FAST, imagined, ((FAST, imagined), (NANO, imagined)), appears=True),
}


def main(
    data: Annotated[Path, typer.Option(help="Folder with detectors/ and photos/.")],
    part: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(PARTS)}.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each fold's search.")] = 100,
    batch: Annotated[int, typer.Option(min=1, help="Photos of a step.")] = 8,
    folds: Annotated[int, typer.Option(min=2, help="Folds of scenes.")] = 5,
    zooms: Annotated[int, typer.Option(min=0, help="Other framings of each photo.")] = 0,
    seed: Annotated[int, typer.Option(help="All else is drawn from it.")] = 0,
    save: Annotated[bool, typer.Option("--save", help="Write the figures as JSON.")] = False,
    results: Annotated[Path, typer.Option(help="The folder of --save.")] = RESULTS,
    patches: Annotated[Path | None, typer.Option(help="Write each fold's patch here.")] = None,
) -> None:
    """Print how often patches succeed on photos they never saw, beside their controls.

    A patch a fold, made on the photos of the other folds' scenes; rates are of the photos in which
    the bare sign does not do it anyway, intervals by bootstrap over scenes, p McNemar's.
    """
    show.heading()
    attack = Patch(
        shared=True,
        steps=steps,
        batch=batch,
        rows_px=24,
        columns_px=24,
        turn_deg=4.0,
        size_ratio=0.05,
        shift_ratio=0.04,
        gain_ev=0.3,
        tries=1,
        check_every=10**6,
    )
    run = Run(data, CrossFit(attack, CENTRE, folds, zooms), seed, patches)
    for name in part or PARTS:
        one_of("part", name, PARTS)
        found = measure(run, PARTS[name], name)
        if save:
            show.saved(write(found, results / name))


def measure(run: Run, part: Part, name: str) -> dict[str, Any]:
    """Make a part's patches, judge them, print the table, and return its figures."""
    fit = replace(run.fit, spot=WHOLE, zooms=0) if part.appears else run.fit
    read = run.streets if part.appears else run.signs
    maker = run.victim(part.made_on)
    stop = maker.label("stop sign")
    goal = part.goal(stop)
    tell, begun = show.console.print, process_time()
    fitted = cross_fit(maker, read(maker.size_px), goal, fit, seed=run.seed, tick=tell)
    busy, rows = process_time() - begun, list[dict[str, Any]]()
    if run.patches is not None:
        keep(fitted, run.patches / name)
    for judge, wanted in part.judged:
        victim = run.victim(judge)
        seen = read(victim.size_px)
        crossed = judge_crossed(victim, seen, wanted(stop), fit, fitted, seed=run.seed)
        rows.append({"judged on": judge, "success": SAID[wanted], **figures(crossed)})
    area = 100 * SIDE**2 if part.appears else fit.area_pct
    where = "picture" if part.appears else "box"
    spent = f"{fitted.seconds:.0f} s, {busy:.0f} of them on a core"
    title = f"{name}: made on {part.made_on}, {area:.1f} % of the {where}, {spent}"
    show.console.print(table(title, rows))
    return {
        "part": name,
        "seed": run.seed,
        "fit": asdict(fit),
        "area_pct": area,
        "seconds": fitted.seconds,
        "core_seconds": busy,
        "patches": [digest(one) for one in fitted.patches],
        "rows": rows,
    }


def figures(crossed: Crossed) -> dict[str, Any]:
    """Return the rates of a judgement as plain numbers."""
    beyond, every = crossed.beyond(NATURAL), crossed.beyond(*crossed.controls)
    return {
        "photos": len(crossed.clean),
        "patch": plain(crossed.rate()),
        "controls": {name: plain(crossed.rate(name)) for name in crossed.controls},
        "beyond shuffled": None if beyond is None else plain(beyond),
        "beyond every control": None if every is None else plain(every),
        "against": {name: plain(crossed.against(name)) for name in crossed.controls},
    }


def plain(found: Rate | Paired) -> dict[str, Any]:
    """Return a rate or a difference as numbers and as people write it."""
    return {**asdict(found), "said": str(found)}


def table(title: str, rows: list[dict[str, Any]]) -> Table:
    """Return the table of a part."""
    drawn = Table("", *(f"{row['judged on']}: {row['success']}" for row in rows), title=title)

    def line(name: str, found: list[Any]) -> None:
        drawn.add_row(name, *("-" if one is None else one["said"] for one in found))

    names = list(rows[0]["controls"])
    line("the patch", [row["patch"] for row in rows])
    for name in names:
        line(name, [row["controls"][name] for row in rows])
    line("patch, where shuffled fails", [row["beyond shuffled"] for row in rows])
    line("patch, where all controls fail", [row["beyond every control"] for row in rows])
    for name in names:
        line(f"patch less {name}, points", [row["against"][name] for row in rows])
    return drawn


def digest(patch: Tensor) -> str:
    """Return the SHA-256 of a patch in 8 bits."""
    return hashlib.sha256((patch * 255).round().byte().numpy().tobytes()).hexdigest()


def keep(fitted: Fitted, folder: Path) -> None:
    """Write each fold's patch as a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, patch in enumerate(fitted.patches):
        save_image(folder / f"fold-{k + 1}.png", Encoded(patch))


if __name__ == "__main__":
    show.run(main)
