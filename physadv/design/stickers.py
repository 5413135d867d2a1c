"""From a design to its stickers: what kind they are, where they lie, and what they take."""

import math
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

from physadv.attacks import (
    Budget,
    class_activation_map,
    graphite_mask,
    l1_map,
    learn,
    occlusion_map,
    place,
)
from physadv.attacks.placement import Placement, Tick
from physadv.core import Face, UserError
from physadv.core.check import one_of
from physadv.design.light import light_patch
from physadv.design.model import Design
from physadv.patch import (
    Bars,
    Camouflage,
    FewInks,
    Glyphs,
    Limits,
    Mask,
    Measures,
    Patch,
    Pixels,
    Strokes,
    Waves,
    bars,
    candidates,
    check_mask,
    measure,
    read_inks,
    read_mask,
)
from physadv.problem import Problem
from physadv.scene import StreetScene, sign

MOVED = ("bars", "strokes", "letters")
"""Kinds whose place is a part of what is searched."""
MASK_PCT = 35
"""How much of a black box's queries choosing the layout may take, per cent."""
MAPS = {"l1": l1_map, "cam": class_activation_map, "occlusion": occlusion_map}
"""Layouts packed where a map of interest over the face is high."""
BY_SEARCH = "moved by the search"
LETTERS_FILL = 0.5
"""The share of its height squared that a bold letter's ink takes, about."""


def limits(design: Design) -> Limits:
    """Return what stickers may be."""
    part = design.sticker
    return Limits(
        part.area_pct,
        part.pieces,
        part.min_mm,
        part.allow_legend,
        symmetric=part.symmetric,
        away_mm=part.away_mm,
    )


def build_mask(design: Design) -> Mask:
    """Return the stickers' contours that the design holds."""
    return Mask(sign(design.sign).size_mm, design.sticker.pieces_mm)


def build_patch(design: Design) -> Patch:
    """Return the stickers of the design, none where they are not placed yet; or its light."""
    mask, part = build_mask(design), design.sticker
    if not design.printed:
        return light_patch(part.kind, design.light, sign(design.sign).size_mm)
    if part.kind in MOVED:
        return _moved(design)
    if part.kind == "waves":
        return Waves(mask)
    if part.kind == "camouflage":
        return Camouflage(mask, _face(design), part.most_de2000, part.cell_mm)
    if part.inks:
        return FewInks(mask, read_inks(part.inks), part.cell_mm)
    return Pixels(mask, part.cell_mm)


def _moved(design: Design) -> Patch:
    """Return shapes that may lie anywhere in the circle that the sign's field holds."""
    part, shown = design.sticker, sign(design.sign)
    size, reach, bounds = shown.size_mm, _reach_mm(design), limits(design)
    area = _face(design).area_mm2 * bounds.area_pct / 100
    if part.kind == "bars":
        grey = bool(part.inks)
        return Bars(size, reach, area, bounds.pieces, bounds.min_mm, 0.9 * reach, grey)
    if part.kind == "strokes":
        width, each = bounds.min_mm, area / bounds.pieces
        longest = each / width - math.pi / 4 * width  # each end is half a disc
        return Strokes(size, reach, bounds.pieces, 4, width, longest)
    tallest = min((area / len(part.text) / LETTERS_FILL) ** 0.5, 0.9 * reach)
    return Glyphs(size, reach, part.text, bounds.min_mm, tallest)


def _reach_mm(design: Design) -> float:
    """Return how far the field reaches from the frame's middle in every direction."""
    shown = sign(design.sign)
    middle = (shown.size_mm[1] / 2, shown.size_mm[0] / 2)
    outlines = [np.array(shape[0], dtype=np.float32) for shape in shown.field]
    return max(float(cv2.pointPolygonTest(one, middle, True)) for one in outlines)


def _face(design: Design) -> Face:
    return StreetScene(sign(design.sign)).face()


def cut(design: Design, patch: Patch, theta: Tensor) -> Design:
    """Return the design with the contours of shapes that were moved, once they are found."""
    if not isinstance(patch, Bars | Strokes | Glyphs):
        return design
    pieces = _rounded(patch.cut(theta))
    return design.changed("sticker", pieces_mm=pieces, chosen=BY_SEARCH, raced={})


def placed(design: Design, problem: Problem, *, tick: Tick = lambda *_: None) -> Design:
    """Return the design with the stickers' contours, to a hundredth of a millimetre.

    They stay if it has them; else they come from its layout, or from a race of layouts on
    `problem`, whose own stickers do not matter. Raises `UserError` where they break the limits.
    What prints nothing has no layout.
    """
    if design.sticker.kind in MOVED or not design.printed:
        return design
    if not design.sticker.pieces_mm:
        design = _placed(design, problem, tick)
    measure_stickers(design)
    return design


def measure_stickers(design: Design) -> Measures:
    """Return what the stickers take of the face; `UserError` where they break the limits.

    Shapes that the search moves keep area, number and size by themselves, and may cross letters.
    """
    if design.sticker.kind in MOVED:
        return measure(build_mask(design), _face(design))
    return check_mask(build_mask(design), _face(design), limits(design))


def _placed(design: Design, problem: Problem, tick: Tick) -> Design:
    """Return the design on its layout; the pictures that took are a black-box attack's too."""
    found = _searched(design, problem, tick)
    if design.attack.method != "gradient":
        design = design.changed("attack", placing=found.queries)
    raced = {name: round(loss, 3) for name, loss in found.losses.items()}
    pieces = _rounded(found.mask)
    return design.changed("sticker", pieces_mm=pieces, chosen=found.name, raced=raced)


def _rounded(mask: Mask) -> list[list[tuple[float, float]]]:
    return [[(round(x, 2), round(y, 2)) for x, y in piece] for piece in mask.pieces_mm]


def _searched(design: Design, problem: Problem, tick: Tick) -> Placement:
    """Find the layout: raced by gradients or, of a black box, reduced by a third of its queries.

    Or by a map of interest, learnt, or as it is named.
    """
    face, bounds, part = _face(design), limits(design), design.attack
    layout, seed = design.sticker.layout, design.seed
    if layout in MAPS:
        seen = MAPS[layout](problem, face, seed=seed)
        return Placement(seen.packed(face, bounds), layout, {}, seen.queries)
    if layout == "learnt":
        learnt = learn(problem, face, bounds, seed=seed)
        return Placement(learnt.mask, layout, {}, learnt.queries)
    if layout != "search":
        return Placement(_named_mask(design, bounds), layout, {})
    if part.method == "gradient":
        return place(problem, face, bounds, seed=seed, tick=tick)
    budget = Budget(max(1, part.queries * MASK_PCT // 100), part.answers)
    return graphite_mask(problem, face, bounds, seed=seed, budget=budget, tick=tick)


def _named_mask(design: Design, bounds: Limits) -> Mask:
    layout, shown = design.sticker.layout, sign(design.sign)
    face = _face(design)
    if layout == "poster":
        return Mask(shown.size_mm, tuple(shape[0] for shape in shown.field))
    if layout == "bars":
        return bars(face, bounds)
    if Path(layout).suffix:
        try:
            return read_mask(layout, shown.size_mm)
        except UserError as error:
            raise error.about("layout") from error
    known = candidates(face, bounds)
    one_of("layout", layout, ["search", "poster", "bars", *MAPS, "learnt", *known, "a mask image"])
    return known[layout]
