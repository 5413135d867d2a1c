"""A contact sheet: simulated photos for people, with what the victim answered."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Answer, Conditions, Detections, Encoded, generator, spawn
from physadv.problem import HARD_PX, Problem

CAPTIONS = {
    "scene.pose.distance_m": "{:.1f} m",
    "scene.pose.yaw_deg": "yaw {:+.0f}°",
    "camera.exposure.gain_ev": "{:+.1f} EV",
    "scene.photo.which": "photo {:.0f}",
}
SHOT_PX, LARGE_PX = (144, 144), (192, 192)
"""The pictures of a report and of a preview (h, w)."""
SCORE = 0.5
NOTHING = "nothing"
"""What a detector says that reports no box."""


@dataclass(frozen=True, eq=False)
class ContactSheet:
    """Pictures (n,3,h,w) larger than the victim sees them, its answers, successes, captions.

    An answer is a class, or -1 where a detector reports nothing.
    """

    pictures: Encoded
    answers: tuple[int, ...]
    success: tuple[bool, ...]
    captions: tuple[str, ...]


def read_as(labels: Sequence[str], answers: Sequence[int]) -> list[str]:
    """Return the names of answers."""
    return [labels[answer] if answer >= 0 else NOTHING for answer in answers]


def contact_sheet(
    problem: Problem, theta: Tensor | None, *, n: int, seed: int, score: float = SCORE
) -> ContactSheet:
    """Photograph theta under n fresh conditions, near ones first; see `shots`."""
    given = problem.draw(n, generator(spawn(seed, "contact sheet")))
    if "scene.pose.distance_m" in given:
        order = given["scene.pose.distance_m"].argsort()
        given = {name: values[order] for name, values in given.items()}
    columns = [(text, given[name].tolist()) for name, text in CAPTIONS.items() if name in given]
    captions = tuple(
        ", ".join(text.format(values[row]) for text, values in columns) for row in range(n)
    )
    return shots(problem, theta, given, captions, size_px=SHOT_PX, score=score)


@torch.no_grad()
def shots(
    problem: Problem,
    theta: Tensor | None,
    given: Conditions,
    captions: tuple[str, ...],
    *,
    size_px: tuple[int, int] = LARGE_PX,
    score: float = SCORE,
) -> ContactSheet:
    """Photograph theta under conditions (n,) as the judge does, and larger for people.

    Unlike the judge's, the sign need not be one of the victim's classes. A detector answers with
    the class of the best box above `score`.
    """
    ink = None if theta is None else problem.patch.touch(theta, HARD_PX)
    photo = problem.world.photograph(ink, given, problem.victim.size_px, hardly=True)
    pictures = problem.world.photograph(ink, given, size_px, hardly=True).pixels
    answer = problem.victim(photo.pixels)
    hits = tuple(problem.objective.success(answer, photo).tolist())
    return ContactSheet(pictures, _read(answer, score), hits, captions)


def _read(answer: Answer, score: float) -> tuple[int, ...]:
    best = answer.best
    if isinstance(answer, Detections):
        best = torch.where(answer.counted().flatten(1).amax(dim=1) > score, best, -1)
    return tuple(best.tolist())
