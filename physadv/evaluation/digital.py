"""Digital attacks on many images: in batches, judged, and what was found is kept after Ctrl-C."""

from collections.abc import Callable
from dataclasses import Field, dataclass, is_dataclass, replace
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from physadv.attacks.digital import DigitalAttack, Rows, Step, settings_of
from physadv.core import Encoded, Rate, UserError, generator, quantise, spawn
from physadv.evaluation.change import measure, noise_alike
from physadv.evaluation.count import counting
from physadv.evaluation.course import Course, Moment
from physadv.evaluation.pictures import Pictures
from physadv.judge import ImageReport, Told, judge_images
from physadv.objectives import Objective
from physadv.victims import UNANSWERED, Victim

NOISE = "noise of the same size"
Tick = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Attacked:
    """What came of an attack: the pictures that were attacked, the 8-bit images made, the report.

    `sizes` are norms and SSIM of each image's change, see `measure`; `queries` how many images the
    victim was asked about, None where that cannot be counted; `one_step` how often the same attack
    succeeds that stops after a step, None for one that is told no steps. `interrupted` by hand, or
    by a `fault` of the victim's: a budget that ended, a server that failed.
    """

    pictures: Pictures
    images: Encoded
    report: ImageReport
    sizes: dict[str, Tensor]
    seconds: float
    queries: int | None
    course: tuple[Moment, ...]
    one_step: Rate | None
    interrupted: bool
    fault: UserError | None = None

    @property
    def noise(self) -> Rate | None:
        """How often noise of the same size succeeds, None where the victim's budget had ended."""
        return self.report.controls.get(NOISE)


def attack_pictures(
    victim: Victim,
    attack: DigitalAttack,
    pictures: Pictures,
    objective: tuple[Objective, int | None],
    *,
    seed: int,
    watch: tuple[int, Tick],
) -> Attacked:
    """Attack pictures in batches and judge the images made, beside noise of the same size.

    `objective` comes with the class wanted, None for any other than the label; `watch` is the size
    of a batch and what is told the share that is done. Ctrl-C ends it: whole batches made by then
    are judged, and the same where the budget of a remote victim ends or its server fails, as far
    as that has answered. Raises `KeyboardInterrupt`, or one of `UNANSWERED`, where there are none.
    """
    goal, target = objective
    course, begun = Course(victim), perf_counter()
    with counting(victim) as asked:
        made, stopped = _attacked(victim, attack, pictures, objective, seed, (*watch, course))
    seconds = perf_counter() - begun
    done = pictures.take(slice(len(made)))
    told = Told(done.told_labels(target))
    noise = noise_alike(done.images, made, generator(spawn(seed, "noise")))
    try:
        report = judge_images(victim, done.images, made, goal, told, {NOISE: noise})
    except UNANSWERED as error:  # the images made have been asked about, noise has not
        report, stopped = judge_images(victim, done.images, made, goal, told), stopped or error
    one_step, short = None, None if stopped else first_step(attack)
    if short is not None:
        quiet = (watch[0], _silent, Course(None))
        less, stopped = _attacked(victim, short, done, objective, seed, quiet)
        if not stopped:
            one_step = judge_images(victim, done.images, less, goal, told).success
    queries = None if asked.images is None else asked.images - course.asked
    return Attacked(
        done,
        made,
        report,
        measure(done.images, made),
        seconds,
        queries,
        tuple(course.moments),
        one_step,
        stopped is not None,
        stopped if isinstance(stopped, UserError) else None,
    )


def first_step(attack: DigitalAttack) -> DigitalAttack | None:
    """Return the same attack with one step, or None where it has no eps or no steps.

    A step size that follows from eps and the number of steps if it is not given does so.
    """
    known: dict[str, Field[Any]] = settings_of(attack) if is_dataclass(attack) else {}
    made: Any = attack
    if not {"eps", "steps"} <= known.keys() or made.steps <= 1:
        return None
    own = {"rate": None} if "rate" in known and known["rate"].default is None else {}
    short: DigitalAttack = replace(made, steps=1, **own)
    return short


def _attacked(
    victim: Victim,
    attack: DigitalAttack,
    pictures: Pictures,
    objective: tuple[Objective, int | None],
    seed: int,
    watch: tuple[int, Tick, Course],
) -> tuple[Encoded, KeyboardInterrupt | UserError | None]:
    """Return the images of whole batches, and what ended it too early; watch the first batch."""
    (goal, target), (size, tick, course) = objective, watch
    made, told, count = list[Tensor](), pictures.told_labels(target), len(pictures.files)
    size = count if getattr(attack, "together", False) else size
    try:
        for first in range(0, count, size):
            part = pictures.take(slice(first, first + size))
            rows = Rows(labels=told[first : first + size], mask=part.mask)
            share = len(part.images) / count
            if first == 0 and rows.labels is not None:
                course.begin(part.images, rows.labels)

            def watched(step: Step, first: int = first, share: float = share) -> None:
                tick(first / count + share * step.done)
                if first == 0 and course.victim is not None:
                    course.see(step)

            part_seed = spawn(seed, "attack", first)
            exact = attack(victim, part.images, goal, rows=rows, seed=part_seed, watch=watched)
            found = quantise(exact)
            if first == 0 and course.moments:
                course.record(found, course.steps)
            made.append(found)
            tick((first + len(found)) / count)
    except (KeyboardInterrupt, *UNANSWERED) as error:
        if not made:
            raise
        return Encoded(torch.cat(made)), error
    return Encoded(torch.cat(made)), None


def _silent(_share: float) -> None:
    """Tell nobody."""
