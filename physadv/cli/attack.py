"""`physadv attack`: digital attacks, ours or a framework's, on images, with our judging."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from physadv.cli.options import (
    LOCAL,
    REMOTE,
    VICTIM,
    ForceOption,
    LabelsOption,
    OutOption,
    SizeOption,
    option,
)
from physadv.cli.plugins import find_attack
from physadv.cli.show import bar, console, errors, interval, polite
from physadv.core import UserError, check, load_image
from physadv.evaluation import (
    Attacked,
    Photographed,
    Pictures,
    attack_pictures,
    label_of,
    read_pictures,
)
from physadv.objectives import Objective, as_labelled, cross_entropy, untargeted, vanish
from physadv.output import check_attacked, write_attacked
from physadv.victims import Detector, Loaded, load_victim

STOPPED = 130
GOAL, SEARCH = "Goal", "Search"


@polite
def attack(
    images: Annotated[
        Path,
        option(
            "DIR|CSV|FILE",
            "A folder of images, a table .csv with the columns file and label, or one image. They "
            "are brought to the victim's size.",
            GOAL,
        ),
    ],
    name: Annotated[
        str,
        option(
            "NAME",
            "pgd, patch, rp2 (one change for all of a batch); without gradients estimated, "
            "gen-attack, evade-hc (labels alone); or a framework's: art:HopSkipJump, "
            "foolbox:LinfPGD, torchattacks:APGD, … physadv plugins lists them.",
            SEARCH,
            "--attack",
        ),
    ] = "pgd",
    settings: Annotated[
        list[str] | None,
        option(
            "NAME=VALUE",
            "A setting of the attack, e.g. eps=8/255 (images are in [0,1]) or steps=40; may be "
            "repeated. A wrong name lists those there are.",
            SEARCH,
            "--set",
        ),
    ] = None,
    victim: Annotated[
        str,
        option(
            "SPEC",
            f"{LOCAL}; or, for attacks without gradients, {REMOTE}. Detectors, too.",
            VICTIM,
        ),
    ] = "bundled",
    labels: LabelsOption = None,
    size_px: SizeOption = None,
    camera: Annotated[
        str | None,
        option(
            "PRESET",
            "A world whose camera stands before the victim: fresh photographs of the images "
            "in every step and for the judge (lens and crop are left out).",
            VICTIM,
        ),
    ] = None,
    samples: Annotated[int, option("N", "Photographs averaged in each step.", VICTIM, min=1)] = 1,
    target: Annotated[
        str | None,
        option(
            "CLASS", "What images should be read as; without it: anything but their labels.", GOAL
        ),
    ] = None,
    truth: Annotated[
        str | None,
        option(
            "CLASS",
            "What all the images show, where no table says it; without it: what the victim reads. "
            "Of a detector: what it is to overlook.",
            GOAL,
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        option(
            "FILE",
            "An image of the victim's size, black where images stay as they are; not for "
            "frameworks' attacks.",
            GOAL,
        ),
    ] = None,
    batch: Annotated[int, option("N", "Images attacked at once.", SEARCH, min=1)] = 8,
    seed: Annotated[int, option("N", "Same seed, same machine: same images.", SEARCH)] = 0,
    out: OutOption = Path("physadv-attack"),
    force: ForceOption = False,
) -> None:
    """Attack images digitally, one change an image, and judge them rounded to 8 bits.

    Leaves the images as PNG and card.json with success, the clean rate and their intervals in
    --out. Ctrl-C judges and writes the batches that are finished.

    Examples:

    physadv attack --images photos --set eps=8/255 --target "Speed limit (80km/h)"

    physadv attack --images photos --attack art:HopSkipJump --set max_iter=10 --victim
    https://host/classify --labels names.txt --size-px 64

    physadv attack --images photos --truth "stop sign" --victim
    torchvision:ssdlite320_mobilenet_v3_large:weights.pth
    """
    check_attacked(out, force=force)
    own = mask is None or ":" not in name
    check(own, "mask", expected="an attack of physadv's own", got=name, fix="leave --mask out")
    made = find_attack(name, _pairs(settings or []))
    file = None if labels is None else Path(labels)
    known = load_victim(victim, labels=file, size_px=size_px)
    wanted = None if target is None else label_of(known, target, "target")
    if isinstance(known, Detector):
        _check_detector(images, truth, target=target, camera=camera)
    pictures = read_pictures(images, known, truth)
    if mask is not None:
        pictures = replace(pictures, mask=load_image(mask))
    goal, told = _goal(known, wanted, pictures)
    with bar() as progress:
        task = progress.add_task("attacking", total=1.0, note=f"{len(pictures.files)} images")

        def tick(share: float) -> None:
            progress.update(task, completed=share)

        seen = known if camera is None else Photographed(known, camera, samples=samples, seed=seed)
        found = attack_pictures(
            seen, made, pictures, (goal, wanted), seed=seed, watch=(batch, tick)
        )
    facts = {
        "attack": name,
        "settings": _pairs(settings or []),
        "goal": told,
        "seed": seed,
        "victim": known,
        "camera": camera,
        "mask": None if mask is None else str(mask),
    }
    _show(write_attacked(out, found, facts), out, found)


def _check_detector(
    images: Path, truth: str | None, *, target: str | None, camera: str | None
) -> None:
    """Raise `UserError` for what makes no sense with a detector."""
    for name, value in {"target": target, "camera": camera}.items():
        got, fix = f"a detector with --{name} {value}", f"leave --{name} out"
        check(value is None, name, expected="a classifier", got=got, fix=fix)
    told = truth is not None or images.suffix.lower() == ".csv"
    check(told, "truth", expected="the class that a detector is to overlook", got="nothing")


def _goal(victim: Loaded, wanted: int | None, pictures: Pictures) -> tuple[Objective, str]:
    """Return what is wanted of the victim, and in words."""
    if isinstance(victim, Detector):
        shown = sorted(set(pictures.labels.tolist()))
        fix, one = "attack the images of each class by themselves", len(shown) == 1
        expected, got = "one class that the detector is to overlook", f"{len(shown)} classes"
        check(one, "images", expected=expected, got=got, fix=fix)
        return vanish(shown[0], iou=None), f"no {victim.labels[shown[0]]} reported"
    if wanted is None:
        return untargeted(cross_entropy), "read as anything but the label"
    return as_labelled(cross_entropy), f"read as {victim.labels[wanted]}"


def _pairs(settings: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in settings]
    for (key, equals, value), text in zip(pairs, settings, strict=True):
        check(bool(key and equals and value), "set", expected="NAME=VALUE", got=repr(text))
    found = {key.strip(): value.strip() for key, _, value in pairs}
    if len(found) < len(pairs):
        raise UserError("set", expected="each name once", got=" ".join(settings))
    return found


def _show(card: dict[str, Any], out: Path, found: Attacked) -> None:
    measured, pixels = card["measured"], found.report.change["inf"] * 255
    read = measured["images read correctly"]
    console.print(f"{card['attack']} on {card['victim']['name']}: {card['goal']}", markup=False)
    rows = {"attacked images": measured["success"], "images themselves": measured["clean"]}
    rows |= {} if read is None else {"images read correctly": read}
    for name, rate in rows.items():
        console.print(f"  {name:<22} {rate['hits']}/{rate['n']}  {interval(rate)}", markup=False)
    console.print(f"  largest change of a pixel: {pixels:.0f}/255")
    if "queries" in card["victim"]:
        console.print(f"  the victim was asked about {card['victim']['queries']} images")
    for doubt in card["doubts"]:
        console.print(f"doubt: {doubt}", style="yellow", markup=False)
    console.print(f"kept in {out}", markup=False, soft_wrap=True)
    if found.interrupted:
        errors.print(
            "physadv: stopped by hand, or by the victim's budget; whole batches are kept",
            style="yellow",
        )
        raise typer.Exit(STOPPED)
