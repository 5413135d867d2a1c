"""A contact sheet: simulated photos for people, with what the victim answered."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Encoded, generator, spawn
from physadv.problem import HARD_PX, Problem

CAPTIONS = {
    "scene.pose.distance_m": "{:.1f} m",
    "scene.pose.yaw_deg": "yaw {:+.0f}°",
    "camera.exposure.gain_ev": "{:+.1f} EV",
    "scene.photo.which": "photo {:.0f}",
}
SHOT_PX, LARGE_PX = (144, 144), (192, 192)
"""The pictures of a report and of a preview (h, w)."""


@dataclass(frozen=True, eq=False)
class ContactSheet:
    """Pictures (n,3,h,w) larger than the victim sees them, its answers, successes, captions."""

    pictures: Encoded
    answers: tuple[int, ...]
    success: tuple[bool, ...]
    captions: tuple[str, ...]


def contact_sheet(problem: Problem, theta: Tensor | None, *, n: int, seed: int) -> ContactSheet:
    """Photograph theta under n fresh conditions, near ones first."""
    given = problem.draw(n, generator(spawn(seed, "contact sheet")))
    if "scene.pose.distance_m" in given:
        order = given["scene.pose.distance_m"].argsort()
        given = {name: values[order] for name, values in given.items()}
    columns = [(text, given[name].tolist()) for name, text in CAPTIONS.items() if name in given]
    captions = tuple(
        ", ".join(text.format(values[row]) for text, values in columns) for row in range(n)
    )
    return shots(problem, theta, given, captions, size_px=SHOT_PX)


@torch.no_grad()
def shots(
    problem: Problem,
    theta: Tensor | None,
    given: Conditions,
    captions: tuple[str, ...],
    *,
    size_px: tuple[int, int] = LARGE_PX,
) -> ContactSheet:
    """Photograph theta under conditions (n,) as the judge does, and larger for people.

    Unlike the judge's, the sign need not be one of the victim's classes.
    """
    ink = None if theta is None else problem.patch.touch(theta, HARD_PX)
    photo = problem.world.photograph(ink, given, problem.victim.size_px, hardly=True)
    pictures = problem.world.photograph(ink, given, size_px, hardly=True).pixels
    answer = problem.victim(photo.pixels)
    hits = tuple(problem.objective.success(answer, photo).tolist())
    return ContactSheet(pictures, tuple(answer.best.tolist()), hits, captions)
