"""`physadv attack`: digital attacks, ours or a framework's, on images, with our judging."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from physadv.cli.options import ForceOption
from physadv.cli.plugins import find_attack
from physadv.cli.show import bar, console, errors, interval, polite
from physadv.core import UserError, check, load_image
from physadv.evaluation import Attacked, Photographed, attack_pictures, read_pictures
from physadv.objectives import as_labelled, cross_entropy, untargeted
from physadv.output import check_attacked, write_attacked
from physadv.victims import load_victim

STOPPED = 130
VICTIM, GOAL, SEARCH = "Victim: the recogniser that you own", "Goal", "Search"


@polite
def attack(
    images: Annotated[
        Path,
        typer.Option(
            metavar="DIR|CSV",
            help="A folder of images, or a table .csv with the columns file and label. They are "
            "brought to the victim's size.",
            rich_help_panel=GOAL,
        ),
    ],
    name: Annotated[
        str,
        typer.Option(
            "--attack",
            metavar="NAME",
            help="pgd, patch, rp2 (one change for all of a batch), or a framework's: "
            "art:HopSkipJump, foolbox:LinfPGD, torchattacks:APGD, … physadv plugins lists them.",
            rich_help_panel=SEARCH,
        ),
    ] = "pgd",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting of the attack, e.g. eps=0.03; may be repeated.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    victim: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="bundled, file.py:function, a TorchScript .pt, or .safetensors, as in generate.",
            rich_help_panel=VICTIM,
        ),
    ] = "bundled",
    size_px: Annotated[
        int | None,
        typer.Option(metavar="PX", help="Side of its input in pixels.", rich_help_panel=VICTIM),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Its class names, as in generate.", rich_help_panel=VICTIM
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="PRESET",
            help="A world whose camera stands before the victim: fresh photographs of the images "
            "in every step and for the judge (lens and crop are left out).",
            rich_help_panel=VICTIM,
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(min=1, help="Photographs averaged in each step.", rich_help_panel=VICTIM),
    ] = 1,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="What images should be read as; without it: anything but their labels.",
            rich_help_panel=GOAL,
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="What all images of a folder show; without it: what the victim reads.",
            rich_help_panel=GOAL,
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="An image of the victim's size, black where images stay as they are; not for "
            "frameworks' attacks.",
            rich_help_panel=GOAL,
        ),
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, help="Images attacked at once.", rich_help_panel=SEARCH)
    ] = 8,
    seed: Annotated[
        int, typer.Option(help="Same seed, same machine: same images.", rich_help_panel=SEARCH)
    ] = 0,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the result.", rich_help_panel="Result")
    ] = Path("physadv-attack"),
    force: ForceOption = False,
) -> None:
    """Attack images digitally, one change an image, and judge them rounded to 8 bits.

    Leaves the images as PNG and card.json with success, the clean rate and their intervals in
    --out. Ctrl-C judges and writes the batches that are finished.
    """
    check_attacked(out, force=force)
    own = mask is None or ":" not in name
    check(own, "mask", expected="an attack of physadv's own", got=name, fix="leave --mask out")
    made = find_attack(name, _pairs(settings or []))
    known = load_victim(victim, labels=labels, size_px=size_px)
    wanted = None if target is None else known.label(target)
    goal = untargeted(cross_entropy) if wanted is None else as_labelled(cross_entropy)
    pictures = read_pictures(images, known, truth)
    if mask is not None:
        pictures = replace(pictures, mask=load_image(mask))
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
        "target": target,
        "seed": seed,
        "victim": known,
        "camera": camera,
        "mask": None if mask is None else str(mask),
    }
    _show(write_attacked(out, found, facts), out, found)


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
    for doubt in card["doubts"]:
        console.print(f"doubt: {doubt}", style="yellow", markup=False)
    console.print(f"kept in {out}", markup=False, soft_wrap=True)
    if found.interrupted:
        errors.print("physadv: stopped by hand; whole batches are kept", style="yellow")
        raise typer.Exit(STOPPED)
