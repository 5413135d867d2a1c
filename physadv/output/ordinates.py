"""Ordinate dimensions (ISO 129-1): each distance from one edge, at that edge, with a thin line."""

from collections.abc import Sequence

from physadv.output.pen import GREY, Pen, text_width_mm
from physadv.output.polygon import Box

_PITCH_MM = 2.4
_SIZE_PT = 5.0
_KNEE_MM = 4.0

Entry = tuple[float, float, str]
"""A distance, how far its line reaches into the frame, its text (all in mm of the sign)."""


def draw_ordinates(pen: Pen, boxes: Sequence[Box], frame: Box, scale: float) -> None:
    """Dimension the top left corners of boxes (mm of the sign) along the frame's top and left."""
    x0, y0, _, _ = frame
    columns = entries([(box[0], box[1]) for box in boxes])
    rows = entries([(box[1], box[0]) for box in boxes])
    for (value, reach, text), spot in zip(columns, _spots(columns, scale), strict=True):
        x, at = x0 + value / scale, x0 + spot
        pen.line((x, y0 + reach / scale), (x, y0 - 1), width_pt=0.2, colour=GREY, dash=True)
        pen.line((x, y0 - 1), (at, y0 - _KNEE_MM), width_pt=0.2)
        pen.upward((at + 0.6, y0 - _KNEE_MM - 0.5), text, size_pt=_SIZE_PT)
    for (value, reach, text), spot in zip(rows, _spots(rows, scale), strict=True):
        y, at = y0 + value / scale, y0 + spot
        pen.line((x0 + reach / scale, y), (x0 - 1, y), width_pt=0.2, colour=GREY, dash=True)
        pen.line((x0 - 1, y), (x0 - _KNEE_MM, at), width_pt=0.2)
        left = x0 - _KNEE_MM - 0.5 - text_width_mm(text, _SIZE_PT)
        pen.text((left, at + 0.6), text, size_pt=_SIZE_PT)


def entries(corners: Sequence[tuple[float, float]]) -> list[Entry]:
    """Return one entry for each distinct first coordinate (to 0.1 mm), in order."""
    groups: dict[str, float] = {}
    for value, reach in sorted(corners):
        text = f"{value:.1f}"
        groups[text] = max(reach, groups.get(text, 0.0))
    return [(float(text), reach, text) for text, reach in groups.items()]


def _spots(found: Sequence[Entry], scale: float) -> list[float]:
    return spread([value / scale for value, _, _ in found], _PITCH_MM)


def spread(values: Sequence[float], pitch: float) -> list[float]:
    """Move sorted values apart to at least `pitch`, each cluster about its own middle."""
    clusters: list[tuple[float, int]] = []
    for value in values:
        middle, count = value, 1
        while clusters and middle - clusters[-1][0] < pitch * (count + clusters[-1][1]) / 2:
            before, many = clusters.pop()
            middle = (before * many + middle * count) / (many + count)
            count += many
        clusters.append((middle, count))
    return [
        middle + (i - (count - 1) / 2) * pitch for middle, count in clusters for i in range(count)
    ]
