"""The folder of a digital attack: attacked images as PNG, and the card."""

import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from physadv.core import UserError, save_image
from physadv.evaluation import Attacked
from physadv.output.card import MARKING, PACKAGES, image_facts, victim_facts, write_card
from physadv.output.folder import CARD, writing
from physadv.output.generate import today
from physadv.victims import Detector

IMAGES = "images"


def check_attacked(folder: Path, *, force: bool = False) -> None:
    """Raise `UserError` where the folder is a file or holds a result already."""
    if folder.exists() and not folder.is_dir():
        raise UserError("out", expected="a folder", got=f"{folder} (a file)")
    held = [name for name in (CARD, IMAGES) if (folder / name).exists()]
    if held and not force:
        got = f"{folder}, which holds one ({held[0]})"
        fix = "choose another --out, or --force to replace it"
        raise UserError("out", expected="a folder without a result", got=got, fix=fix)


def write_attacked(folder: Path, found: Attacked, facts: dict[str, Any]) -> dict[str, Any]:
    """Write the images and the card, in place of those of another attack; return the card.

    `facts` are the attack's name, settings, goal, seed, victim, and camera and mask or None.
    """
    names = dict(enumerate(facts["victim"].labels)) | {-1: "nothing"}
    read = "best candidate" if isinstance(facts["victim"], Detector) else "read as"
    with writing(folder):
        if (folder / IMAGES).is_dir():
            shutil.rmtree(folder / IMAGES)
        (folder / IMAGES).mkdir(parents=True)
        rows = []
        for number, file in enumerate(found.pictures.files):
            name = f"{IMAGES}/{number:04d}-{file.stem}.png"
            save_image(folder / name, found.images[number : number + 1])
            label = names[int(found.pictures.labels[number])]
            answer = names[found.report.answers[number]]
            rows.append({"file": name, "of": file.name, "label": label, read: answer})
        card = _card(found, facts, rows)
        write_card(folder / CARD, card)
    return card


def _card(found: Attacked, facts: dict[str, Any], rows: list[dict[str, str]]) -> dict[str, Any]:
    stopped = (
        ["stopped by hand, or by the victim's budget: whole batches are judged"]
        if found.interrupted
        else []
    )
    own = [] if found.pictures.told else ["labels are the victim's own answers"]
    return {
        "marking": MARKING,
        "date": today(),
        "attack": facts["attack"],
        "settings": facts["settings"],
        "goal": facts["goal"],
        "victim": victim_facts(facts["victim"]),
        "camera": facts["camera"],
        "mask": facts["mask"],
        "measured": image_facts(found.report),
        "doubts": [*found.report.doubts, *own, *stopped],
        "budget": {"seconds": round(found.seconds, 1), "seed": facts["seed"]},
        "images": rows,
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
    }
