"""From a design to a problem: load the victim, set the goal, make the world."""

from dataclasses import replace
from pathlib import Path

from physadv.attacks import (
    CMAES,
    Attack,
    Budget,
    Gradient,
    GradientEstimate,
    Graphite,
    RandomSearch,
)
from physadv.attacks.gradient import BLACK_BOX
from physadv.core import Choice, UserError, check
from physadv.core.device import find_device
from physadv.design.model import Design
from physadv.design.stickers import build_patch
from physadv.objectives import (
    Objective,
    cross_entropy,
    in_gamut,
    margin,
    printable,
    read_palette,
    smooth,
    targeted,
    untargeted,
)
from physadv.presets import photo_world, world
from physadv.printing import Printer, read_profile
from physadv.problem import Problem
from physadv.scene import (
    Backdrop,
    PhotoFile,
    SignPhoto,
    StreetScene,
    backgrounds,
    parse_box,
    parse_corners,
    photo_scene,
    read_photos,
    sign,
)
from physadv.victims import Classifier, Remote, Victim, check_gradients, load_victim
from physadv.victims.frameworks import is_address
from physadv.world import World

PHOTO_ZOOM = 4
"""How many times what the victim takes a sign in a photo is kept large; more only costs time."""
TABLED = "for many, write a table .csv with the columns file,corners,mask"

LOSSES = {"cross_entropy": cross_entropy, "margin": margin}


def build_victim(design: Design, *, device: str = "cpu") -> Classifier | Remote:
    """Load the design's victim onto `device`, where its photographs are then made.

    Raises `UserError` unless it is a classifier and the machine has the device.
    """
    part, place = design.victim, find_device(device)
    found = load_victim(
        part.spec,
        labels=Path(part.labels) if part.labels else None,
        size_px=part.size_px,
        mean=part.mean,
        std=part.std,
    )
    if isinstance(found, Remote):
        return found
    if not isinstance(found, Classifier):
        fix = "physadv attack takes it; stickers for it are made in Python (docs/victims.md)"
        raise UserError("victim", expected="a classifier", got=repr(found), fix=fix)
    found.module.to(place)
    return found


def build_open_victim(design: Design, *, device: str = "cpu") -> Classifier | Remote:
    """Load a victim that the design's attack can search on.

    Raises `UserError` as `build_victim`, and for a black box where the attack needs gradients.
    """
    if design.attack.method != "gradient":
        return build_victim(design, device=device)
    spec, expected = design.victim.spec, "one with gradients"
    check(not is_address(spec), "victim", expected=expected, got=spec, fix=BLACK_BOX)
    found = build_victim(design, device=device)
    check_gradients(found, BLACK_BOX)
    return found


def truth(design: Design, victim: Victim) -> int:
    """Return the class the victim should answer for the sign, -1 where nobody knows.

    Taken from the design, or by the sign's title or GTSRB class among the victim's labels.
    """
    if design.goal.truth is not None:
        return _class("truth", design.goal.truth, victim)
    shown = sign(design.sign)
    titles = [label.lower() for label in victim.labels]
    if shown.title.lower() in titles:
        return titles.index(shown.title.lower())
    known = load_victim("bundled").labels
    return shown.labels["gtsrb"] if victim.labels == known and "gtsrb" in shown.labels else -1


def named(design: Design, victim: Victim) -> Design:
    """Return the design with the names of its classes, where it had their numbers.

    Names can be found again among another victim's labels, numbers would mean something else.
    """
    goal = {"target": design.goal.target, "truth": design.goal.truth}
    names = {}
    for argument, value in goal.items():
        if value is not None:
            name = victim.labels[_class(argument, value, victim)]
            names[argument] = name if victim.labels.count(name) == 1 else value
    return design.changed("goal", **names)


def _class(argument: str, value: str, victim: Victim) -> int:
    try:
        return victim.label(value)
    except UserError as error:
        fix = "physadv victims lists the bundled recogniser's classes"
        raise error.about(argument, error.fix or fix) from error


def build_objective(design: Design, victim: Victim, label: int) -> Objective:
    """Return what the attacker wants, with the regularisers of the ink, where there is any."""
    goal = design.goal
    loss, confidence = LOSSES[goal.loss], goal.confidence
    if goal.target is not None:
        target = _class("target", goal.target, victim)
        check(
            target != label,
            "target",
            expected="another class than the sign's own",
            got=f"{victim.labels[target]!r}",
            fix="name another target, or leave it out for any wrong answer",
        )
        wanted = targeted(target, loss, confidence=confidence)
    else:
        check(
            label >= 0,
            "truth",
            expected="the class the victim should answer",
            got="none: its labels do not name the sign",
            fix="give --truth, or a --target",
        )
        wanted = untargeted(loss, confidence=confidence)
    return _regularised(wanted, design) if design.printed else wanted


def _regularised(wanted: Objective, design: Design) -> Objective:
    goal = design.goal
    if goal.smooth:
        wanted = wanted + goal.smooth * smooth()
    if goal.printable:
        check(
            goal.palette is not None,
            "palette",
            expected="a file of r,g,b lines for the non-printability score",
            got="none",
        )
        wanted = wanted + goal.printable * printable(read_palette(str(goal.palette)))
    if goal.gamut:
        printer = build_printer(design)
        wanted = wanted + goal.gamut * in_gamut(printer.black_ratio, printer.white_ratio)
    return wanted


def build_printer(design: Design) -> Printer:
    """Return the printer of the design: the one of its profile, or of none in particular."""
    path = design.world.printer
    return Printer() if path is None else Printer.of(read_profile(path))


def build_world(design: Design, victim: Victim) -> World:
    """Return the world of the design: a preset's street, or real photos, and its printer."""
    made = _world(design, victim)
    return made if design.world.printer is None else replace(made, printer=build_printer(design))


def _world(design: Design, victim: Victim) -> World:
    part, shown, label = design.world, sign(design.sign), truth(design, victim)
    if part.photo is not None:
        sign_px = PHOTO_ZOOM * max(victim.size_px)
        return photo_world(photo_scene(shown, _photos(design, sign_px)), label=label)
    bank = backgrounds(Path(part.backgrounds) if part.backgrounds else None)
    background = Backdrop(Choice(tuple(range(len(bank)))))
    scene = StreetScene(shown, bank, background=background)
    return world(part.preset, scene, label=label, changes=part.changes)


def _photos(design: Design, sign_px: int) -> tuple[SignPhoto, ...]:
    """Read the real photos: one with corners, box or mask, or those that the sign fills."""
    part, shown = design.world, sign(design.sign)
    path = Path(str(part.photo))
    alone = {"corners": part.corners, "box": part.box, "occlusion": part.occlusion}
    given = [name for name, value in alone.items() if value is not None]
    many = path.is_dir() or path.suffix.lower() == ".csv"
    wanted = "one photo for " + " and ".join(given or alone)
    check(not (many and given), "photo", expected=wanted, got=str(path), fix=TABLED)
    corners = None if part.corners is None else parse_corners(part.corners)
    box = None if part.box is None else parse_box(part.box)
    source = path if many else [PhotoFile(path, corners, box, part.occlusion)]
    return read_photos(source, shown, sign_px=sign_px, method=part.relight)


def build_problem(design: Design, victim: Victim) -> Problem:
    """Join victim, goal, stickers and world."""
    objective = build_objective(design, victim, truth(design, victim))
    return Problem(victim, objective, build_patch(design), build_world(design, victim))


def build_attack(design: Design) -> Attack:
    """Return the search with the design's budget."""
    part = design.attack
    budget = Budget(part.queries, part.answers, spent=part.placing)
    match part.method:
        case "gradient":
            return Gradient(part.steps, part.batch, part.rate, part.optimiser, part.restarts)
        case "random-search":
            return RandomSearch(budget)
        case "nes" | "spsa":
            return GradientEstimate(part.method, budget)
        case "cma-es":
            return CMAES(budget)
        case "graphite":
            return Graphite(budget)
