"""From a design to a problem: load the victim, set the goal, lay the stickers, make the world."""

from functools import partial
from pathlib import Path

from physadv.attacks import Gradient, Placement, place
from physadv.attacks.placement import Tick
from physadv.core import Choice, check
from physadv.core.check import one_of
from physadv.design.model import Design
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
from physadv.patch import Limits, Mask, Pixels, bars, candidates, check_mask, read_mask
from physadv.presets import photo_world, world
from physadv.printing import Printer
from physadv.problem import Problem
from physadv.scene import (
    Backdrop,
    SignPhoto,
    StreetScene,
    backgrounds,
    parse_box,
    parse_corners,
    photo_scene,
    read_photo,
    read_photos,
    sign,
)
from physadv.victims import Classifier, Victim, load_victim
from physadv.world import World


def build_victim(design: Design) -> Classifier:
    """Load the design's victim."""
    part = design.victim
    return load_victim(
        part.spec,
        labels=Path(part.labels) if part.labels else None,
        size_px=part.size_px,
        mean=part.mean,
        std=part.std,
    )


def truth(design: Design, victim: Victim) -> int:
    """Return the class the victim should answer for the sign, -1 where nobody knows.

    Taken from the design, or by the sign's title or GTSRB class among the victim's labels.
    """
    if design.goal.truth is not None:
        return victim.label(design.goal.truth)
    shown = sign(design.sign)
    titles = [label.lower() for label in victim.labels]
    if shown.title.lower() in titles:
        return titles.index(shown.title.lower())
    known = load_victim("bundled").labels
    return shown.labels["gtsrb"] if victim.labels == known and "gtsrb" in shown.labels else -1


def build_objective(design: Design, victim: Victim, label: int) -> Objective:
    """Return what the attacker wants, with the regularisers of the ink."""
    goal = design.goal
    loss = cross_entropy if goal.loss != "margin" else partial(margin, confidence=goal.confidence)
    if goal.target is not None:
        target = victim.label(goal.target)
        check(
            target != label,
            "target",
            expected="another class than the sign's own",
            got=f"{victim.labels[target]!r}",
            fix="name another target, or leave it out for any wrong answer",
        )
        wanted = targeted(target, loss)
    else:
        check(
            label >= 0,
            "truth",
            expected="the class the victim should answer",
            got="none: its labels do not name the sign",
            fix="give --truth, or a --target",
        )
        wanted = untargeted(loss)
    return _regularised(wanted, design)


def _regularised(wanted: Objective, design: Design) -> Objective:
    goal, printer = design.goal, Printer()
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
        wanted = wanted + goal.gamut * in_gamut(printer.black_ratio, printer.white_ratio)
    return wanted


def build_world(design: Design, label: int) -> World:
    """Return the world of the design: a preset's street, or real photos."""
    part, shown = design.world, sign(design.sign)
    if part.photo is not None:
        return photo_world(photo_scene(shown, _photos(design)), label=label)
    bank = backgrounds(Path(part.backgrounds) if part.backgrounds else None)
    background = Backdrop(Choice(tuple(range(len(bank)))))
    return world(part.preset, StreetScene(shown, bank, background=background), label=label)


def _photos(design: Design) -> tuple[SignPhoto, ...]:
    """Read the real photos: one with corners or a box, or those that the sign fills."""
    part, shown = design.world, sign(design.sign)
    path = Path(str(part.photo))
    if part.corners is not None or part.box is not None:
        corners = None if part.corners is None else parse_corners(part.corners)
        box = None if part.box is None else parse_box(part.box)
        return (read_photo(path, shown, corners=corners, box=box),)
    many = path.is_dir() or path.suffix.lower() == ".csv"
    return read_photos(path if many else [path], shown)


def limits(design: Design) -> Limits:
    """Return what stickers may be."""
    part = design.sticker
    return Limits(part.area_pct, part.pieces, part.min_mm, part.allow_legend)


def build_problem(design: Design, victim: Victim, mask: Mask) -> Problem:
    """Join victim, goal, stickers inside `mask`, and world."""
    label = truth(design, victim)
    patch = Pixels(mask, design.sticker.cell_mm)
    return Problem(
        victim, build_objective(design, victim, label), patch, build_world(design, label)
    )


def choose_mask(
    design: Design, victim: Victim, *, tick: Tick = lambda *_: None
) -> tuple[Mask, Placement | None]:
    """Return the stickers' contours: as the design gives them, or raced on the victim.

    Raises `UserError` where they break the design's limits.
    """
    bounds, shown = limits(design), sign(design.sign)
    face = StreetScene(shown).face()
    if design.sticker.pieces_mm:
        mask = Mask(shown.size_mm, design.sticker.pieces_mm)
        check_mask(mask, face, bounds)
        return mask, None
    if design.sticker.layout != "search":
        mask = _named_mask(design, bounds)
        check_mask(mask, face, bounds)
        return mask, None
    problem = build_problem(design, victim, Mask(shown.size_mm, ()))
    placement = place(problem, face, bounds, seed=design.seed, tick=tick)
    check_mask(placement.mask, face, bounds)
    return placement.mask, placement


def _named_mask(design: Design, bounds: Limits) -> Mask:
    layout, shown = design.sticker.layout, sign(design.sign)
    face = StreetScene(shown).face()
    if layout == "poster":
        return Mask(shown.size_mm, tuple(shape[0] for shape in shown.field))
    if layout == "bars":
        return bars(face, bounds)
    if Path(layout).suffix:
        return read_mask(layout, shown.size_mm)
    known = candidates(face, bounds)
    one_of("layout", layout, ["search", "poster", "bars", *known, "a mask image"])
    return known[layout]


def build_attack(design: Design) -> Gradient:
    """Return the search with the design's budget."""
    part = design.attack
    return Gradient(part.steps, part.batch, part.rate, part.optimiser, part.restarts)
