"""A contact sheet: simulated photos for people, with what the victim answered."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Encoded, generator, spawn
from physadv.problem import HARD_PX, Problem

CAPTIONS = {
    "scene.pose.distance_m": "{:.1f} m",
    "scene.pose.yaw_deg": "yaw {:+.0f}°",
    "camera.exposure.gain_ev": "{:+.1f} EV",
    "scene.photo.which": "photo {:.0f}",
}
SHOT_PX = (144, 144)


@dataclass(frozen=True, eq=False)
class ContactSheet:
    """Pictures (n,3,h,w) larger than the victim sees them, its answers, successes, captions."""

    pictures: Encoded
    answers: tuple[int, ...]
    success: tuple[bool, ...]
    captions: tuple[str, ...]


@torch.no_grad()
def contact_sheet(problem: Problem, theta: Tensor | None, *, n: int, seed: int) -> ContactSheet:
    """Photograph theta under n fresh conditions, near ones first."""
    given = problem.draw(n, generator(spawn(seed, "contact sheet")))
    if "scene.pose.distance_m" in given:
        order = given["scene.pose.distance_m"].argsort()
        given = {name: values[order] for name, values in given.items()}
    outcome = problem.judge(theta, given)
    ink = None if theta is None else problem.patch.ink(theta, HARD_PX)
    pictures = problem.world.photograph(ink, given, SHOT_PX, hardly=True).pixels
    columns = [(text, given[name].tolist()) for name, text in CAPTIONS.items() if name in given]
    captions = tuple(
        ", ".join(text.format(values[row]) for text, values in columns) for row in range(n)
    )
    answers = tuple(outcome.answer.best.tolist())
    return ContactSheet(pictures, answers, tuple(outcome.success.tolist()), captions)
