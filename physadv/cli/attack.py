"""`physadv attack`: digital attacks, ours or frameworks', on images, with our judging."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from rich.table import Table

from physadv.cli.attack_resume import check_answers, end_stopped, keeping, told
from physadv.cli.attack_runs import Planned, plan, run_all
from physadv.cli.options import (
    LOCAL,
    REMOTE,
    RESULT,
    VICTIM,
    ForceOption,
    LabelsOption,
    OutOption,
    SizeOption,
    flag,
    option,
)
from physadv.cli.show import console, polite
from physadv.core import check, load_image
from physadv.evaluation import (
    Photographed,
    Pictures,
    Run,
    Sifted,
    audit,
    from_nothing,
    label_of,
    read_pictures,
    sift,
)
from physadv.objectives import Objective, as_labelled, cross_entropy, untargeted, vanish
from physadv.output import all_doubts, check_attacked, write_attacked
from physadv.victims import Detector, Loaded, check_gradients, load_victim

NOTHING_NEEDED = "synthesis"
"""The attack that needs no images."""
GOAL, SEARCH = "Goal", "Search"


@polite
def attack(
    images: Annotated[
        Path | None,
        option(
            "DIR|CSV|FILE",
            "A folder of images, a table .csv with the columns file and label, or one image. They "
            "are brought to the victim's size. Synthesis needs none: it begins with noise, an "
            "image for each class or for --target.",
            GOAL,
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        option(
            "NAME",
            "pgd (if none is named), fast_gradient, evade-hc, … transfer (made "
            "on a substitute: physadv train substitute), or a framework's: art:HopSkipJump, "
            "foolbox:LinfPGD, torchattacks:APGD, …; may be repeated. physadv attacks lists all.",
            SEARCH,
            "--attack",
        ),
    ] = None,
    eps: Annotated[
        list[str] | None,
        option(
            "EPS",
            "Largest change, e.g. 8/255 (images are in [0,1]); may be repeated: each attack that "
            "takes one runs with each.",
            SEARCH,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        option(
            "NAME=VALUE",
            "A setting of the attack, e.g. steps=40; may be repeated. A wrong name lists those "
            "there are. Of several attacks each takes those that it knows.",
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
    resume: Annotated[
        bool,
        flag("--resume", "Go on with the attack on a remote victim that stopped in --out.", RESULT),
    ] = False,
    force: ForceOption = False,
) -> None:
    """Attack images digitally, with one attack or several, and judge them rounded to 8 bits.

    Leaves the images, and their changes ten times as large, as PNG, card.json, attacks.csv and
    attack.html in --out: success with its interval beside noise of the same size, norms, SSIM,
    queries, seconds; course.png shows how the search went. Of several attacks each has a folder of
    its own in attacks. Images that are misread as they are, or as wanted already, are left out and
    counted. Ctrl-C judges and writes the batches that are finished. What a remote victim answered
    is kept in answers.safetensors: where it fails, its budget ends, or by Ctrl-C, nothing is lost.

    Examples:

    physadv attack --images photos --eps 2/255 --eps 8/255 --target "Speed limit (80km/h)"

    physadv attack --images table.csv --attack pgd --attack torchattacks:FGSM --eps 4/255

    physadv attack --attack synthesis

    physadv attack --images photos --attack art:HopSkipJump --set max_iter=10 --victim
    https://host/classify --labels names.txt --size-px 64

    physadv attack --images photos --truth "stop sign" --victim
    torchvision:ssdlite320_mobilenet_v3_large:weights.pth
    """
    check_attacked(out, force=force or resume)
    check_answers(out, force=force, resume=resume)
    plans = plan(names or ["pgd"], eps or [], settings or [])
    own = mask is None or not any(":" in one.name for one in plans)
    which = ", ".join(one.name for one in plans)
    check(own, "mask", expected="an attack of physadv's own", got=which, fix="leave --mask out")
    file = None if labels is None else Path(labels)
    known = load_victim(victim, labels=file, size_px=size_px)
    wanted = None if target is None else label_of(known, target, "target")
    if isinstance(known, Detector):
        _check_detector(images, truth, target=target, camera=camera)
    if any(one.needs == "gradients" for one in plans):
        check_gradients(known)  # before a black box is asked, which may cost
    given: dict[str, object]
    given = {"victim": victim, "images": images, "target": target, "truth": truth, "mask": mask}
    given |= {"camera": camera, "samples": samples, "batch": batch, "seed": seed}
    with keeping(known, out, told(plans, **given), resume=resume) as again:
        if images is None:
            pictures, goal, said = _noise(known, plans, wanted, seed)
            left, wanted = Sifted(0, 0, None), None
        else:
            pictures = read_pictures(images, known, truth)
            if mask is not None:
                pictures = replace(pictures, mask=load_image(mask))
            goal, said = _goal(known, wanted, pictures)
            pictures, left = sift(known, pictures, goal, wanted)
        seen = known if camera is None else Photographed(known, camera, samples=samples, seed=seed)
        runs = run_all(seen, plans, pictures, (goal, wanted), seed=seed, batch=batch)
    facts = {
        "goal": said,
        "nothing": images is None,
        "wanted": _wanted(known, wanted, images),
        "seed": seed,
        "victim": known,
        "camera": camera,
        "mask": None if mask is None else str(mask),
    }
    doubts = audit(runs)
    cards = write_attacked(out, runs, left, facts, doubts)
    _show(cards, runs, left, doubts)
    console.print(f"kept in {out}: open {out / 'attack.html'}", markup=False, soft_wrap=True)
    end_stopped(runs, again)


def _noise(
    victim: Loaded, plans: Sequence[Planned], wanted: int | None, seed: int
) -> tuple[Pictures, Objective, str]:
    """Return noise to begin with, an image a class, the goal, and the goal in words."""
    others = [one.name for one in plans if one.name != NOTHING_NEEDED]
    fix = f"only --attack {NOTHING_NEEDED} begins with noise"
    expected, got = "a folder, an image or a .csv", "nothing"
    check(not others, "images", expected=expected, got=got, fix=fix)
    classes = range(len(victim.labels)) if wanted is None else [wanted]
    told = "every class from noise" if wanted is None else f"{victim.labels[wanted]} from noise"
    return from_nothing(victim, classes, seed), as_labelled(cross_entropy), told


def _wanted(victim: Loaded, wanted: int | None, images: Path | None) -> str:
    """Say in words of which class the course shows the confidence."""
    if wanted is not None:
        return victim.labels[wanted]
    return "the label" if images is not None else "the class wanted"


def _check_detector(
    images: Path | None, truth: str | None, *, target: str | None, camera: str | None
) -> None:
    """Raise `UserError` for what makes no sense with a detector."""
    for name, value in {"target": target, "camera": camera}.items():
        got, fix = f"a detector with --{name} {value}", f"leave --{name} out"
        check(value is None, name, expected="a classifier", got=got, fix=fix)
    told = truth is not None or images is None or images.suffix.lower() == ".csv"
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


def _show(
    cards: Sequence[dict[str, Any]], runs: Sequence[Run], left: Sifted, doubts: Sequence[str]
) -> None:
    console.print(f"{cards[0]['victim']['name']}: {cards[0]['goal']}", markup=False)
    table = Table(box=None, pad_edge=False)
    for name in ("attack", "success", "95 % interval", "noise", "inf", "SSIM", "queries", "s"):
        table.add_column(name, justify="left" if name == "attack" else "right")
    for run in runs:
        found, rate, n = run.found, run.success, len(run.found.images)
        noise = "" if found.noise is None else f"{found.noise.hits}/{found.noise.n}"
        low, high = 100 * rate.low, 100 * rate.high
        change = f"{255 * float(found.sizes['inf'].quantile(0.5)):.3g}/255"
        queries = "" if found.queries is None else f"{found.queries / n:.4g}"
        shares = f"{rate.hits}/{rate.n}", f"{low:.1f}-{high:.1f} %", noise
        sizes = change, f"{float(found.sizes['ssim'].mean()):.3f}", queries
        table.add_row(run.told, *shares, *sizes, f"{found.seconds:.1f}")
    console.print(table)
    if left.out:
        told = f"{left.misread} misread as they are, {left.met} as wanted already"
        console.print(f"left out: {left.out} images ({told})", markup=False)
    if "queries" in cards[-1]["victim"]:
        asked = cards[-1]["victim"]["queries"]
        console.print(f"the victim was asked about {asked} images", markup=False)
    for doubt in all_doubts(runs, cards, doubts):
        console.print(f"doubt: {doubt}", style="yellow", markup=False)
