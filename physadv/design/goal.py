"""From a design to what its victim should and shall answer."""

from physadv.core import UserError, check
from physadv.design.model import Design
from physadv.design.printer import build_printer
from physadv.objectives import (
    Objective,
    cross_entropy,
    in_gamut,
    margin,
    mislabel,
    printable,
    read_palette,
    smooth,
    targeted,
    untargeted,
    vanish,
)
from physadv.scene import sign
from physadv.victims import Victim, detects, load_victim

LOSSES = {"cross_entropy": cross_entropy, "margin": margin}
OVERLAPS = 0.01
"""A box whose IoU to the sign's is at least this overlaps it: then it is still seen."""


def truth(design: Design, victim: Victim) -> int:
    """Return the class the victim should answer for the sign, -1 where nobody knows.

    Taken from the design, or by the sign's title ("stop", "stop sign") or its GTSRB class among the
    victim's labels.
    """
    if design.goal.truth is not None:
        return _class("truth", design.goal.truth, victim)
    shown = sign(design.sign)
    names = [label.lower() for label in victim.labels]
    for title in (shown.title.lower(), f"{shown.title.lower()} sign"):
        if title in names:
            return names.index(title)
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
    target = None if goal.target is None else _class("target", goal.target, victim)
    if target is not None:
        check(
            target != label,
            "target",
            expected="another class than the sign's own",
            got=f"{victim.labels[target]!r}",
            fix="name another target, or leave it out for any wrong answer",
        )
    detector = detects(victim)
    if target is None or detector:
        check(
            label >= 0,
            "truth",
            expected="the class the victim should answer",
            got="none: its labels do not name the sign",
            fix="give --truth" + ("" if detector else ", or a --target"),
        )
    if detector:
        wanted = _undetected(design, label, target)
    elif target is not None:
        wanted = targeted(target, loss, confidence=confidence)
    else:
        wanted = untargeted(loss, confidence=confidence)
    return _regularised(wanted, design) if design.printed else wanted


def _undetected(design: Design, label: int, target: int | None) -> Objective:
    """Want a detector to report no box of the class on the sign, or one of another class."""
    score, loss, confidence = design.goal.score, design.goal.loss, design.goal.confidence
    check(loss == "margin", "loss", expected="margin, for a detector", got=loss)
    if target is not None:
        return mislabel(label, target, score=score, confidence=confidence)
    return vanish(label, iou=OVERLAPS, reach=0.0, score=score, confidence=confidence)


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
