"""Scores real photos: find the sign, measure pose and light, ask the victim, compare."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from physadv.core import (
    Encoded,
    Photo,
    PlaneMap,
    UserError,
    below,
    neutral,
    quantise,
    spawn,
)
from physadv.printing import Printer
from physadv.problem import Problem
from physadv.scene import SignDesign
from physadv.scoring.align import correlation, frame, mapped
from physadv.scoring.find import FOUND, Find, find
from physadv.scoring.light import ink_light, sign_light
from physadv.scoring.pattern import Array, Pattern, Picture, scaled
from physadv.scoring.photograph import Photograph, read_photograph
from physadv.scoring.pose import measure
from physadv.scoring.predict import beyond, predicted
from physadv.scoring.scored import STICKERS, Scored
from physadv.scoring.sheet import Fiducials, Sheet, find_sheet
from physadv.scoring.source import Source

SHOWN_PX = 480


@dataclass(frozen=True, eq=False)
class Scorer:
    """What photos are compared with: a problem and its theta, the sign, how both look.

    `fov_deg` is the photos' horizontal field of view, None where their files say it; `each` is
    how many simulated photos stand behind a prediction.
    """

    problem: Problem
    theta: Tensor
    design: SignDesign
    patterns: tuple[Pattern, ...]
    fiducials: Fiducials
    fov_deg: float | None = None
    each: int = 40
    seed: int = 1


def score_photos(scorer: Scorer, photos: Sequence[Source]) -> Iterator[Scored]:
    """Yield what becomes of each photo, in order; one that fails does not stop the others."""
    for source in photos:
        try:
            yield score_photo(scorer, source)
        except UserError as error:
            yield Scored(source.path.name, reason=str(error))


def score_photo(scorer: Scorer, source: Source) -> Scored:
    """Score one photo. Raises `UserError` for a broken file and corners that cannot be."""
    photo = read_photograph(source.path, fov_deg=scorer.fov_deg)
    picture = photo.picture
    given = source.plane(scorer.design, picture.shape[:2])
    if given is not None:
        fits = [_at_plane(picture, given, one) for one in scorer.patterns]
        return _sign(scorer, photo, max(fits, key=lambda one: one.correlation), "corners")
    sheet = find_sheet(picture, scorer.fiducials)
    best = find(picture, scorer.patterns)
    if sheet is not None and (best is None or best.correlation < FOUND or _within(best, sheet)):
        return _sheet(scorer, photo, sheet)
    if best is None or best.correlation < FOUND:
        return replace(_missed(photo, best), shown=_shown(picture, None))
    return _sign(scorer, photo, best, "sign")


def _missed(photo: Photograph, best: Find | None) -> Scored:
    reason = "no sign found: nothing in the photo looks like it"
    if best is not None:
        agrees = f"agrees with it by {best.correlation:.2f}, {FOUND:g} is asked for"
        reason = f"no sign found: the likeliest place {agrees}"
    return Scored(photo.name, reason=reason)


def _within(best: Find, sheet: Sheet) -> bool:
    """Whether the sign that was found is the drawing on a sheet's placement page."""
    middle = mapped(best.plane, frame(best.pattern.size_mm)).mean(axis=0)
    page = mapped(sheet.plane, frame(sheet.size_mm)).astype(np.float32)
    return float(cv2.pointPolygonTest(page, middle.tolist(), False)) >= 0


def _sign(scorer: Scorer, photo: Photograph, best: Find, found: str) -> Scored:
    """Measure and ask about a sign that was found."""
    problem, design, picture = scorer.problem, scorer.design, photo.picture
    seen = measure(best.plane, design.size_mm, photo.sensor)
    crop = _framed(problem, photo.image, best.plane, design)
    with torch.no_grad():
        answer = problem.victim(crop.pixels)
    best_class, label = int(answer.best), problem.world.label
    chance = None
    if best.pattern.name == STICKERS:
        seed = spawn(scorer.seed, "score", photo.name)
        chance = predicted(problem, scorer.theta, seen, photo.sensor, n=scorer.each, seed=seed)
    return Scored(
        photo.name,
        found,
        shows=best.pattern.name,
        correlation=best.correlation,
        lens=photo.lens,
        pose=seen,
        light=sign_light(picture, best.plane, design),
        label=problem.victim.labels[best_class],
        hit=bool(problem.objective.success(answer, crop)),
        correct=best_class == label if label >= 0 else None,
        predicted=chance,
        beyond=beyond(problem.declared(), seen),
        shown=_shown(picture, mapped(best.plane, np.array(design.outline_mm))),
        crop=_bytes(crop.pixels[0].permute(1, 2, 0).numpy()),
    )


def _sheet(scorer: Scorer, photo: Photograph, sheet: Sheet) -> Scored:
    """Measure a sheet; it is no sign, so nobody is asked."""
    size, places = scorer.fiducials.papers_mm[sheet.paper]
    (x, y), side = places[0], scorer.fiducials.side_mm
    box = np.array([x - side / 6, y - side / 6, x + 7 * side / 6, y + 7 * side / 6])
    inks = Printer().black_ratio, Printer().white_ratio  # of paper, whatever the stickers are on
    corners = mapped(sheet.plane, frame((size[1], size[0])))
    return Scored(
        photo.name,
        "sheet",
        reason=f"page {sheet.page} of the sheet ({sheet.paper}), not the sign",
        lens=photo.lens,
        pose=measure(sheet.plane, sheet.size_mm, photo.sensor),
        light=ink_light(photo.picture, sheet.plane, box, inks),
        shown=_shown(photo.picture, corners),
    )


def _at_plane(picture: Picture, plane: Array, pattern: Pattern) -> Find:
    """Return how a pattern agrees with a photo where a person says it is."""
    return Find(pattern, plane, correlation(picture, plane, pattern))


def _framed(problem: Problem, image: Encoded, plane: Array, design: SignDesign) -> Photo:
    """Return the crop that the victim is given, 8-bit: the world's framing at its middle."""
    framing = problem.world.camera.framing
    places = PlaneMap(torch.from_numpy(plane).float()[None])
    outline = places(torch.tensor(design.outline_mm))
    box = torch.cat([outline.amin(dim=1), outline.amax(dim=1)], dim=1)
    photo = Photo(image, outline, box, torch.tensor([problem.world.label]))
    given = below(neutral(problem.declared(), 1), "camera.framing")
    cut = framing(photo, given, problem.victim.size_px)
    return replace(cut, pixels=Encoded(quantise(cut.pixels)))


def _shown(picture: Picture, outline: Array | None) -> NDArray[np.uint8]:
    """Return the photo reduced, with an outline (N,2) in px drawn on it."""
    share = min(1.0, SHOWN_PX / max(picture.shape[:2]))
    small = _bytes(scaled(picture, share))
    if outline is not None:
        points = [np.round(outline * share * 16).astype(np.int32)]
        for colour, wide in (((0, 0, 0), 4), ((0, 255, 255), 2)):
            cv2.polylines(small, points, True, colour, wide, cv2.LINE_AA, shift=4)
    return small


def _bytes(picture: Picture) -> NDArray[np.uint8]:
    whole: NDArray[np.uint8] = (picture.clip(0, 1) * 255).round().astype(np.uint8)
    return np.ascontiguousarray(whole)
