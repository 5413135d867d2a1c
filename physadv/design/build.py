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
from physadv.core import Choice, check
from physadv.core.device import find_device
from physadv.design.goal import build_objective, truth
from physadv.design.model import Design
from physadv.design.printer import build_printer
from physadv.design.stickers import build_patch
from physadv.presets import photo_world, world
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
from physadv.victims import (
    Ensemble,
    Loaded,
    Network,
    Victim,
    check_gradients,
    detects,
    load_victim,
)
from physadv.victims.frameworks import is_address
from physadv.world import World

PHOTO_ZOOM = 4
"""How many times what the victim takes a sign in a photo is kept large; more only costs time."""
TABLED = "for many, write a table .csv with the columns file,corners,mask"
WIDE = {
    "camera.framing.margin_ratio": (0.5, 2.0),
    "camera.framing.shift_x_ratio": (-0.4, 0.4),
    "camera.framing.shift_y_ratio": (-0.4, 0.4),
}
"""How a detector is shown a sign unless the world's changes say: as half to a fifth of a side."""


def build_victim(design: Design, *, device: str = "cpu") -> Loaded:
    """Load the design's victim onto `device`, where its photographs are then made.

    Raises `UserError` unless the machine has the device.
    """
    part, place = design.victim, find_device(device)
    found = load_victim(
        part.spec,
        labels=Path(part.labels) if part.labels else None,
        size_px=part.size_px,
        mean=part.mean,
        std=part.std,
    )
    for one in found.victims if isinstance(found, Ensemble) else (found,):
        if isinstance(one, Network):
            one.module.to(place)
    return found


def build_open_victim(design: Design, *, device: str = "cpu") -> Loaded:
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


def build_world(design: Design, victim: Victim) -> World:
    """Return the world of the design: a preset's street, or real photos, and its printer.

    A detector sees more than the sign, as `WIDE` says. Raises `UserError` for one and photos.
    """
    made = _world(design, victim)
    return made if design.world.printer is None else replace(made, printer=build_printer(design))


def _world(design: Design, victim: Victim) -> World:
    part, shown, label = design.world, sign(design.sign), truth(design, victim)
    wide = WIDE if detects(victim) else {}
    if part.photo is not None:
        fix = "leave the photo out"
        expected = "none for a detector: real photos are cut to the sign"
        check(not wide, "photo", expected=expected, got=part.photo, fix=fix)
        sign_px = PHOTO_ZOOM * max(victim.size_px)
        return photo_world(photo_scene(shown, _photos(design, sign_px)), label=label)
    bank = backgrounds(Path(part.backgrounds) if part.backgrounds else None)
    background = Backdrop(Choice(tuple(range(len(bank)))))
    scene = StreetScene(shown, bank, background=background)
    return world(part.preset, scene, label=label, changes={**wide, **(part.changes or {})})


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
