"""Where the sign lies in a photo: points or a box a person gives, checked, to a homography."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from physadv.core import UserError, check
from physadv.core.types import Point
from physadv.scene.signs import SignDesign

Array = NDArray[np.float64]
Box = tuple[float, float, float, float]

STRAIGHT_RATIO = 0.1
"""Edges of the outline longer than this share of the frame's width are sides, not arcs."""
LEAST_PX = 8.0
LEAST_TURN = math.sin(math.radians(1))
MOST_ROLL_DEG = 30.0
MOST_MISFIT_RATIO = 0.05
ORDER = "list the points clockwise, as you see them, from the top left one"


def parse_corners(text: str) -> tuple[Point, ...]:
    """Read "x,y x,y …" (pixels, spaces between points). Raises `UserError`."""
    found = []
    for pair in text.replace(";", " ").split():
        values = _numbers(pair, "corners", "points x,y with spaces between them")
        check(len(values) == 2, "corners", expected="points of two numbers, x,y", got=repr(pair))
        found.append((values[0], values[1]))
    return tuple(found)


def parse_box(text: str) -> Box:
    """Read "x1,y1,x2,y2" (pixels). Raises `UserError`."""
    values = _numbers(text, "box", "x1,y1,x2,y2")
    check(len(values) == 4, "box", expected="four numbers x1,y1,x2,y2", got=repr(text))
    return values[0], values[1], values[2], values[3]


def _numbers(text: str, argument: str, expected: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(argument, expected=expected, got=repr(text)) from error


def box_plane(design: SignDesign, box: Box, size: tuple[int, int]) -> Array:
    """Return the map (3,3) from mm to pixels that lays the frame on a box x1y1x2y2.

    `size` is the photo's (height, width). Raises `UserError` for a box that is reversed, tiny or
    far outside the photo.
    """
    x1, y1, x2, y2 = box
    got = ",".join(f"{value:g}" for value in box)
    check(bool(np.isfinite(box).all()), "box", expected="finite numbers", got=got)
    ordered = x1 < x2 and y1 < y2
    check(ordered, "box", expected="x1 < x2 and y1 < y2", got=got, fix="swap the corners")
    large = min(x2 - x1, y2 - y1) >= LEAST_PX
    check(large, "box", expected=f"at least {LEAST_PX:g} px on a side", got=got)
    _check_inside("box", np.array([[x1, y1], [x2, y2]]), size)
    return homography(_frame(design), np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]))


def corner_plane(design: SignDesign, corners: Sequence[Point], size: tuple[int, int]) -> Array:
    """Return the homography (3,3) from mm to pixels that the sign's corners in a photo say.

    Four points are the corners of the frame, the upright rectangle around the sign in its own
    plane; or as many points as the sign has corners (8 octagon, 4 square on its tip, 3 triangle,
    which is then seen without perspective), where its straight sides would meet. Clockwise from
    the top left, or topmost, one. `size` is the photo's (height, width). Raises `UserError` for
    a wrong count, order or shape, and for points far outside the photo.
    """
    points = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
    choices = [mm for mm in (_frame(design), vertices(design)) if len(mm) == len(points)]
    counts = " or ".join(str(n) for n in sorted({4, len(vertices(design)) or 4}))
    fix = "give the frame's four corners or the sign's own"
    expected = f"{counts} points for {design.name}"
    check(bool(choices), "corners", expected=expected, got=f"{len(points)} points", fix=fix)
    _check_polygon(points)
    _check_inside("corners", points, size)
    planes = [homography(mm, points) for mm in choices]
    roll, best = min((abs(_roll_deg(design, plane)), k) for k, plane in enumerate(planes))
    turned = f"points that turn the sign by {roll:.0f} degrees"
    expected = f"the sign upright to within {MOST_ROLL_DEG:g} degrees"
    check(roll <= MOST_ROLL_DEG, "corners", expected=expected, got=turned, fix=ORDER)
    _check_fit(planes[best], choices[best], points)
    return planes[best]


def vertices(design: SignDesign) -> Array:
    """Return where the outline's straight sides meet (N,2) in mm; none for a disc.

    Clockwise from the upper left one; rounded corners are taken as if they were sharp.
    """
    outline = np.array(design.outline_mm)
    ends = np.roll(outline, -1, axis=0)
    sides = np.linalg.norm(ends - outline, axis=1) > STRAIGHT_RATIO * design.size_mm[1]
    start, along = outline[sides], (ends - outline)[sides]
    if len(start) < 3:
        return np.empty((0, 2))
    next_start, next_along = np.roll(start, -1, axis=0), np.roll(along, -1, axis=0)
    share = _cross(next_start - start, next_along) / _cross(along, next_along)
    meets: Array = start + share[:, None] * along
    return np.roll(meets, -min(range(len(meets)), key=lambda k: _reading(meets[k])), axis=0)


def homography(mm: Array, px: Array) -> Array:
    """Return the map (3,3) that takes points (N,2) in mm to pixels, exactly for four.

    Direct linear transformation with normalised points (Hartley & Zisserman 2004, 4.1 and 4.4);
    least squares for more than four, affine for three.
    """
    from_mm, from_px = _normaliser(mm), _normaliser(px)
    (x, y), (u, v) = apply(from_mm, mm).T, apply(from_px, px).T
    one, none = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate(
        [
            np.stack([x, y, one, none, none, none, -u * x, -u * y], axis=1),
            np.stack([none, none, none, x, y, one, -v * x, -v * y], axis=1),
        ]
    )
    unknown = 6 if len(mm) == 3 else 8
    solved = np.linalg.lstsq(rows[:, :unknown], np.concatenate([u, v]), rcond=None)[0]
    plane = np.append(np.pad(solved, (0, 8 - unknown)), 1.0).reshape(3, 3)
    joined: Array = np.linalg.inv(from_px) @ plane @ from_mm
    return joined


def apply(plane: Array, points: Array) -> Array:
    """Map points (N,2) by a homography (3,3)."""
    mapped = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ plane.T
    result: Array = mapped[:, :2] / mapped[:, 2:]
    return result


def _frame(design: SignDesign) -> Array:
    height, width = design.size_mm
    return np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])


def _normaliser(points: Array) -> Array:
    middle = points.mean(axis=0)
    scale = 1 / np.linalg.norm(points - middle, axis=1).mean()
    return np.array([[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1.0]])


def _cross(a: Array, b: Array) -> Array:
    product: Array = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product


def _reading(point: Array) -> tuple[float, float]:
    return round(float(point[1]), 3), float(point[0])


def _roll_deg(design: SignDesign, plane: Array) -> float:
    """Return by how much the frame's horizontal is turned in the photo, at its middle."""
    height, width = design.size_mm
    middle = np.array([[width / 2, height / 2], [width / 2 + 1, height / 2]])
    (x0, y0), (x1, y1) = apply(plane, middle)
    return math.degrees(math.atan2(y1 - y0, x1 - x0))


def _check_polygon(points: Array) -> None:
    edges = np.roll(points, -1, axis=0) - points
    lengths = np.linalg.norm(edges, axis=1)
    check(bool(np.isfinite(points).all()), "corners", expected="finite numbers", got="others")
    apart = lengths.min() >= 1
    check(apart, "corners", expected="points apart from one another", got="two in one place")
    turns = _cross(edges, np.roll(edges, -1, axis=0)) / (lengths * np.roll(lengths, -1))
    bent = np.abs(turns).min() >= LEAST_TURN
    check(bent, "corners", expected="a corner at every point", got="three points in a line")
    clockwise = "points in clockwise order"
    check(turns.max() > 0, "corners", expected=clockwise, got="anticlockwise ones", fix=ORDER)
    once = turns.min() > 0 and _cross(points, edges).sum() > 0 and _winds_once(edges)
    check(once, "corners", expected=clockwise, got="an outline that crosses itself", fix=ORDER)
    size = math.sqrt(_cross(points, edges).sum() / 2)
    expected = f"a sign of at least {LEAST_PX:g} x {LEAST_PX:g} px"
    check(size >= LEAST_PX, "corners", expected=expected, got=f"{size:.1f} px across")


def _winds_once(edges: Array) -> bool:
    following = np.roll(edges, -1, axis=0)
    turns = np.arctan2(_cross(edges, following), (edges * following).sum(axis=1))
    return bool(turns.sum() < 3 * math.pi)


def _check_inside(argument: str, points: Array, size: tuple[int, int]) -> None:
    """Refuse points more than half a photo beyond the photo, or a middle that is outside."""
    extent = np.array(size[::-1], dtype=np.float64)
    near = ((points > -0.5 * extent) & (points < 1.5 * extent)).all()
    middle = points.mean(axis=0)
    inside = near and ((middle > 0) & (middle < extent)).all()
    expected = f"pixels of the photo, which is {size[1]} x {size[0]} px"
    x, y = points[np.abs(points - extent / 2).max(axis=1).argmax()]
    fix = "measure them in the photo at its full size"
    check(bool(inside), argument, expected=expected, got=f"{x:g},{y:g}", fix=fix)


def _check_fit(plane: Array, mm: Array, points: Array) -> None:
    """Refuse points that no view of the sign explains."""
    off = float(np.linalg.norm(apply(plane, mm) - points, axis=1).max())
    limit = MOST_MISFIT_RATIO * float(np.ptp(points, axis=0).max())
    expected = f"the sign's corners as seen from somewhere, to within {limit:.0f} px"
    fix = "mark the corners anew, or give the frame's four"
    check(
        off <= limit, "corners", expected=expected, got=f"points that are {off:.0f} px off", fix=fix
    )
