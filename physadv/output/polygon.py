"""Polygons in millimetres: bounds, area, outset for bleed, and the part inside a window."""

from collections.abc import Sequence
from math import hypot

Point = tuple[float, float]
Polygon = tuple[Point, ...]
Box = tuple[float, float, float, float]
"""x0, y0, x1, y1."""

MITRE_LIMIT = 2.0


def bounds(points: Sequence[Point]) -> Box:
    """Return the bounding box."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def grown(box: Box, by: float) -> Box:
    """Return the box with every side moved outwards."""
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def area(points: Sequence[Point]) -> float:
    """Signed area; positive for clockwise points, since y points down."""
    pairs = zip(points, (*points[1:], points[0]), strict=True)
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs) / 2


def outset(points: Sequence[Point], by: float) -> Polygon:
    """Move every edge outwards; corners are mitred, at most twice as far as the edges."""
    ring = _distinct(points)
    sign = 1.0 if area(ring) > 0 else -1.0
    normals = [_normal(a, b, sign) for a, b in zip(ring, (*ring[1:], ring[0]), strict=True)]
    before = (normals[-1], *normals[:-1])
    corners = zip(ring, before, normals, strict=True)
    return tuple(_mitre(point, first, second, by) for point, first, second in corners)


def _distinct(points: Sequence[Point]) -> Polygon:
    shifted = (points[-1], *points[:-1])
    return tuple(b for a, b in zip(shifted, points, strict=True) if hypot(b[0] - a[0], b[1] - a[1]))


def _normal(start: Point, end: Point, sign: float) -> Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = hypot(dx, dy) * sign
    return dy / length, -dx / length


def _mitre(point: Point, first: Point, second: Point, by: float) -> Point:
    sx, sy = first[0] + second[0], first[1] + second[1]
    twice = max(sx * sx + sy * sy, 1e-12)
    scale = min(2 / twice, MITRE_LIMIT / twice**0.5) * by
    return point[0] + sx * scale, point[1] + sy * scale


def inside(points: Sequence[Point], box: Box) -> Polygon:
    """Return the part of a polygon inside a box (Sutherland and Hodgman 1974), maybe empty.

    A polygon that leaves the box and comes back stays one polygon, joined along the box's edge.
    """
    ring = tuple(points)
    for axis, limit, side in ((0, box[0], 1), (1, box[1], 1), (0, box[2], -1), (1, box[3], -1)):
        ring = _half(ring, axis, limit, side)
    return _distinct(ring) if len(ring) > 2 and abs(area(ring)) > 1e-9 else ()


def _half(ring: Polygon, axis: int, limit: float, side: int) -> Polygon:
    kept: list[Point] = []
    for i, point in enumerate(ring):
        last = ring[i - 1]
        depth, before = (point[axis] - limit) * side, (last[axis] - limit) * side
        if depth * before < 0:
            share = before / (before - depth)
            kept.append((_between(last[0], point[0], share), _between(last[1], point[1], share)))
        if depth >= 0:
            kept.append(point)
    return tuple(kept)


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share
