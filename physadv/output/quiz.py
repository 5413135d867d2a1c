"""A quiz for people: what do they read on the signs, with stickers and bare, beside the victim."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from markupsafe import Markup
from torch import Tensor

from physadv.core import check, generator, spawn
from physadv.design import Design, build_problem, build_victim
from physadv.evaluation import ContactSheet, read_as, shots
from physadv.output.card import world_text
from physadv.output.html_page import write_page
from physadv.output.report.pictures import jpeg_uri
from physadv.problem import Problem
from physadv.scene import sign
from physadv.victims import detects

UNSURE = "cannot tell"
CHOICES = 6
"""Answers to choose from, beside that one cannot tell."""
PICTURE_PX = (320, 320)


@dataclass(frozen=True)
class Question:
    """A photo as a data URI, whether stickers are on the sign, and what the victim reads."""

    picture: str
    stickers: bool
    victim: str


def quiz_questions(problem: Problem, theta: Tensor, *, n: int, seed: int) -> list[Question]:
    """Return n photos with stickers and n without, under fresh conditions, in random order.

    Raises `UserError` for a detector, which reads no sign.
    """
    own = not detects(problem.victim)
    check(own, "victim", expected="a classifier", got=f"{problem.victim.name}, a detector")
    questions = list[Question]()
    for stickers, worn in ((True, theta), (False, None)):
        given = problem.draw(n, generator(spawn(seed, "quiz", int(stickers))))
        sheet = shots(problem, worn, given, ("",) * n, size_px=PICTURE_PX)
        questions += _asked(sheet, problem.victim.labels, stickers)
    order = torch.randperm(len(questions), generator=generator(spawn(seed, "order")))
    return [questions[k] for k in order.tolist()]


def quiz_choices(problem: Problem, design: Design, questions: Sequence[Question]) -> list[str]:
    """Return the answers to choose from: the sign's, the target's, some of the victim's, others.

    The sign's name is the victim's own, or else the sign's title. In the order of the alphabet.
    """
    labels, truth = problem.victim.labels, sign_name(problem, design)
    wanted = [truth]
    if design.goal.target is not None:
        wanted.append(labels[problem.victim.label(design.goal.target)])
    wanted += [one.victim for one in questions]
    rest = torch.randperm(len(labels), generator=generator(spawn(design.seed, "choices")))
    wanted += [labels[k] for k in rest.tolist()]
    return sorted(list(dict.fromkeys(wanted))[:CHOICES])


def sign_name(problem: Problem, design: Design) -> str:
    """Return what the sign should be read as."""
    label = problem.world.label
    return problem.victim.labels[label] if label >= 0 else sign(design.sign).title


def write_quiz(
    path: Path, design: Design, theta: Tensor, *, n: int, seed: int, seconds: float
) -> None:
    """Write a page that asks, counts and lets the answers be saved; it needs no other file.

    A photo is shown for so many `seconds`, 0 for as long as one likes. Raises `UserError`.
    """
    problem = build_problem(design, build_victim(design))
    questions = quiz_questions(problem, theta, n=n, seed=seed)
    facts = {
        "sign": sign_name(problem, design),
        "victim": problem.victim.name,
        "world": world_text(design),
        "seed": seed,
        "seconds": seconds,
        "choices": [*quiz_choices(problem, design, questions), UNSURE],
        "questions": [vars(one) for one in questions],
    }
    values = {"facts": facts, "data": _script(facts)}
    write_page(path, "quiz.html.j2", values, {})


def _asked(sheet: ContactSheet, labels: Sequence[str], stickers: bool) -> list[Question]:
    pictures = (255 * sheet.pictures).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    names = read_as(labels, sheet.answers)
    return [
        Question(jpeg_uri(picture), stickers, name)
        for picture, name in zip(pictures, names, strict=True)
    ]


def _script(facts: dict[str, Any]) -> Markup:
    """Return JSON that can stand in a script element whatever its texts are."""
    return Markup(json.dumps(facts).replace("<", "\\u003c"))  # no text can end it
