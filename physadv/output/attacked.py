"""The folder of digital attacks: images and differences as PNG, cards, a table, a page."""

import csv
import platform
import re
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from physadv.core import save_image
from physadv.evaluation import NOISE, Run, Sifted
from physadv.output.attack_page import write_attack_page
from physadv.output.card import MARKING, PACKAGES, image_facts, rate_facts, victim_facts, write_card
from physadv.output.course import course_png
from physadv.output.folder import CARD, check_unused, writing
from physadv.output.generate import today
from physadv.victims import Detector

IMAGES, DIFFERENCES, ATTACKS = "images", "differences", "attacks"
TABLE, PAGE, COURSE = "attacks.csv", "attack.html", "course.png"
GAIN = 10
"""So many times larger than they are differences are shown, about grey."""
NORMS = ("inf", "2", "1", "0")
COLUMNS = (
    *("attack", "eps", "settings", "success", "hits", "n", "low", "high", "left out"),
    *(*(f"median norm {norm}" for norm in NORMS), "mean ssim", "queries an image", "seconds"),
)


def check_attacked(folder: Path, *, force: bool = False) -> None:
    """Raise `UserError` where the folder is a file or holds a result already."""
    check_unused(folder, (CARD, TABLE, IMAGES, ATTACKS), of="a result", force=force)


def write_attacked(
    folder: Path, runs: Sequence[Run], left: Sifted, facts: dict[str, Any], doubts: Sequence[str]
) -> list[dict[str, Any]]:
    """Write all runs in place of those of other attacks; return their cards.

    One run fills the folder itself, several a folder each in `attacks`; beside them are
    attacks.csv and attack.html. `facts` are goal, wanted, nothing (whether images began as noise),
    seed, victim, camera and mask or None; `doubts` are about all runs.
    """
    with writing(folder):
        for name in (IMAGES, DIFFERENCES, ATTACKS):
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
        for name in (CARD, COURSE):
            (folder / name).unlink(missing_ok=True)
        places = [folder] if len(runs) == 1 else [folder / ATTACKS / slug(run.told) for run in runs]
        cards = [_run(*pair, left, facts) for pair in zip(places, runs, strict=True)]
        if len(runs) == 1:
            cards[0]["doubts"] += doubts
            write_card(folder / CARD, cards[0])
        _table(folder / TABLE, runs, left)
        write_attack_page(folder / PAGE, runs, cards, facts | {"left": left, "doubts": doubts})
    return cards


def slug(text: str) -> str:
    """Return a text as a folder's name."""
    return re.sub(r"[^\w.=]+", "-", text).strip("-")


def _run(folder: Path, run: Run, left: Sifted, facts: dict[str, Any]) -> dict[str, Any]:
    """Write the images, differences, course and card of one run; return the card."""
    for name in (IMAGES, DIFFERENCES):
        (folder / name).mkdir(parents=True)
    names = dict(enumerate(facts["victim"].labels)) | {-1: "nothing"}
    read = "best candidate" if isinstance(facts["victim"], Detector) else "read as"
    rows, found = [], run.found
    for number, file in enumerate(found.pictures.files):
        one = slice(number, number + 1)
        name = f"{number:04d}-{file.stem}.png"
        save_image(folder / IMAGES / name, found.images[one])
        change = found.images[one] - found.pictures.images[one]
        save_image(folder / DIFFERENCES / name, 0.5 + GAIN * change)
        label = names[int(found.pictures.labels[number])]
        row = {"file": f"{IMAGES}/{name}", "of": file.name, "label": label}
        rows.append(row | {read: names[found.report.answers[number]]} | _sizes(run, number))
    figure = course_png(found.course, facts["wanted"])
    if figure is not None:
        (folder / COURSE).write_bytes(figure)
    card = _card(run, left, facts, rows)
    write_card(folder / CARD, card)
    return card


def _sizes(run: Run, number: int) -> dict[str, float | None]:
    """Return how sure the victim is of an image, and how far that is from what it was."""
    found = run.found
    sizes = {name: round(float(value[number]), 6) for name, value in found.sizes.items()}
    sure = found.report.sure[number]
    return {"confidence": None if sure is None else round(sure, 6), **sizes}


def _card(
    run: Run, left: Sifted, facts: dict[str, Any], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    found = run.found
    stopped = (
        ["stopped by hand, or by the victim (budget, failure): whole batches are judged"]
        if found.interrupted
        else []
    )
    own = [] if found.pictures.told else ["labels are the victim's own answers"]
    measured = image_facts(found.report) | {"images read correctly": rate_facts(left.correct)}
    return {
        "marking": MARKING,
        "date": today(),
        "attack": run.name,
        "settings": run.settings,
        "goal": facts["goal"],
        "victim": victim_facts(facts["victim"]),
        "camera": facts["camera"],
        "mask": facts["mask"],
        "left out": {"misread": left.misread, "as wanted already": left.met},
        "measured": measured | {"one step": rate_facts(found.one_step)},
        "doubts": [*found.report.doubts, *_misread(left), *own, *stopped],
        "budget": {
            "seconds": round(found.seconds, 1),
            "queries": found.queries,
            "seed": facts["seed"],
        },
        "images": rows,
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
    }


def _misread(left: Sifted) -> list[str]:
    if left.correct is None or left.correct.share >= 0.9:
        return []
    return [f"the victim reads the images in only {left.correct}; the others are left out"]


def _table(path: Path, runs: Sequence[Run], left: Sifted) -> None:
    """Write a row a run and, below each, one for noise of its size."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for run in runs:
            writer.writerows(table_rows(run, left))


def table_rows(run: Run, left: Sifted) -> list[dict[str, object]]:
    """Return the run's row and that of noise of its size."""
    found, n = run.found, len(run.found.images)
    sizes = {f"median norm {k}": f"{float(found.sizes[k].quantile(0.5)):.6g}" for k in NORMS}
    settings = " ".join(f"{k}={v}" for k, v in run.settings.items() if k != "eps")
    told = {"eps": run.settings.get("eps", ""), "settings": settings, "left out": left.out} | sizes
    spent = {
        "mean ssim": f"{float(found.sizes['ssim'].mean()):.6g}",
        "queries an image": "" if found.queries is None else f"{found.queries / n:.6g}",
        "seconds": f"{found.seconds:.3f}",
    }
    rates = [(run.name, run.success, spent)]
    rates += [(f"{run.name}: {NOISE}", found.noise, {})] if found.noise else []
    rows = []
    for name, rate, more in rates:
        shares = {"success": rate.share, "low": rate.low, "high": rate.high}
        said = {key: f"{share:.4f}" for key, share in shares.items()}
        rows.append({"attack": name, "hits": rate.hits, "n": rate.n, **said, **told, **more})
    return rows
