"""The scores of real photos: what they are compared with, and how they are kept."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from physadv.core import check
from physadv.core.papers import PAPERS
from physadv.design import Design
from physadv.output.card import MARKING, rate_facts, world_text, write_card
from physadv.output.folder import staged
from physadv.output.marks import DICTIONARY
from physadv.output.paper import MARKER_MM, page_of
from physadv.output.pictures import patch_picture, sign_picture
from physadv.output.score_figures import score_png
from physadv.output.score_page import write_score_page
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from physadv.scoring import (
    BARE,
    STICKERS,
    Fiducials,
    Scored,
    Scorer,
    Tally,
    pattern,
    tally,
)
from physadv.victims import detects

SCORE, PAGE, PLOT = "score.json", "score.html", "score.png"


def make_scorer(
    design: Design, problem: Problem, theta: Tensor, *, fov_deg: float | None, each: int, seed: int
) -> Scorer:
    """Return what real photos of a design are compared with; see `physadv.scoring.Scorer`.

    Raises `UserError` for a detector, as photos are cut to the sign.
    """
    own = not detects(problem.victim)
    check(own, "victim", expected="a classifier", got=f"{problem.victim.name}, a detector")
    shown = sign(design.sign)
    printed = patch_picture(problem.patch, theta)
    face = StreetScene(shown).face(printed.shape[-1])
    faces = {STICKERS: printed, BARE: printed * 0}
    patterns = tuple(
        pattern(name, sign_picture(face, ink), shown.size_mm) for name, ink in faces.items()
    )
    return Scorer(problem, theta, shown, patterns, fiducials(), fov_deg, each, seed)


def fiducials() -> Fiducials:
    """Return the markers that our sheets carry."""
    pages = {paper: page_of(paper) for paper in PAPERS}
    places = {
        paper: ((page.width_mm, page.height_mm), page.markers_mm) for paper, page in pages.items()
    }
    return Fiducials(DICTIONARY, MARKER_MM, places)


def score_facts(
    design: Design, photos: Sequence[Scored], *, date: str, asked: int, claimed: Any
) -> dict[str, Any]:
    """Return the scores as plain data; `asked` is how many photos there were to score.

    `claimed` is the rate of success that the design's card holds.
    """
    found = tally(photos)
    return {
        "marking": MARKING,
        "name": design.name,
        "date": date,
        "design": design.digest(),
        "world": world_text(design),
        "photos": asked,
        "scored": len(photos),
        "stopped": len(photos) < asked,
        "with stickers": rate_facts(found.success),
        "bare sign": rate_facts(found.clean),
        "bare sign read correctly": rate_facts(found.correct),
        "card": claimed,
        "prediction": prediction_facts(found),
        "rows": [photo_facts(photo) for photo in photos],
    }


def prediction_facts(found: Tally) -> dict[str, Any]:
    """Return how the simulation's predictions compare with what was seen."""
    return {
        "photos": found.n,
        "hits": found.hits,
        "expected": round(found.expected, 2),
        "spread": round(found.spread, 2),
        "brier": None if found.brier is None else round(found.brier, 4),
        "bins": [
            {"predicted": round(one.predicted, 4), "seen": rate_facts(one.seen)}
            for one in found.bins
        ],
    }


def photo_facts(photo: Scored) -> dict[str, Any]:
    """Return one photo as plain data."""
    return {
        "file": photo.name,
        "found by": photo.found or None,
        "reason": photo.reason or None,
        "shows": photo.shows or None,
        "correlation": None if photo.correlation is None else round(photo.correlation, 3),
        "field of view": photo.lens or None,
        "pose": None if photo.pose is None else _rounded(asdict(photo.pose)),
        "light": None if photo.light is None else _rounded(asdict(photo.light)),
        "answer": photo.label or None,
        "hit": photo.hit,
        "read correctly": photo.correct,
        "predicted": rate_facts(photo.predicted),
        "beyond what was judged": list(photo.beyond),
    }


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in values.items()
    }


def write_score(path: Path, facts: dict[str, Any], photos: Sequence[Scored]) -> None:
    """Write score.json, score.html and score.png into a folder, in place of older ones.

    Raises `UserError` where it cannot be written.
    """
    with staged(path) as part:
        write_card(part / SCORE, facts)
        (part / PLOT).write_bytes(score_png(photos))
        write_score_page(part / PAGE, facts, photos)
