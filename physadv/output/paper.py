"""Papers, and where on a page things go: markers in the corners, strips, the area for stickers."""

import re
from dataclasses import dataclass

from physadv.core.check import check, one_of
from physadv.core.papers import PAPERS
from physadv.output.polygon import Box

EDGE_MM = 8.0
"""White border that office printers cannot reach, and the markers' quiet zone."""
MARKER_MM = 12.0
STRIP_MM = 24.0
SIDE_MM = 14.0
SMALLEST_MM = 148.0
"""Two markers and the 100 mm ruler between them."""
LARGEST_MM = 5000.0
"""PDF 1.7 (ISO 32000-1, annex C.2) allows 14400 points."""

_CUSTOM = re.compile(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)(?:mm)?")


@dataclass(frozen=True)
class Page:
    """One sheet of paper in mm; points on it are (x, y) from its top left corner, y down."""

    width_mm: float
    height_mm: float

    @property
    def usable_mm(self) -> Box:
        """The area for stickers, between the strips at top and bottom."""
        return SIDE_MM, STRIP_MM, self.width_mm - SIDE_MM, self.height_mm - STRIP_MM

    @property
    def markers_mm(self) -> tuple[tuple[float, float], ...]:
        """Top left corners of the fiducials: top left, top right, bottom right, bottom left."""
        right = self.width_mm - EDGE_MM - MARKER_MM
        bottom = self.height_mm - EDGE_MM - MARKER_MM
        return (EDGE_MM, EDGE_MM), (right, EDGE_MM), (right, bottom), (EDGE_MM, bottom)

    @property
    def registration_mm(self) -> tuple[tuple[float, float], ...]:
        """Centres of the registration marks, left and right at half height."""
        return (EDGE_MM, self.height_mm / 2), (self.width_mm - EDGE_MM, self.height_mm / 2)


def page_of(paper: str) -> Page:
    """Return the page for a name in `PAPERS` (any case) or a custom "WIDTHxHEIGHT" in mm.

    Raises `UserError` for an unknown name and for a paper that is too small for the markers, the
    ruler and a sticker, or larger than PDF allows.
    """
    custom = _CUSTOM.fullmatch(paper.strip().lower())
    names = {name.lower(): name for name in PAPERS}
    if custom:
        width, height = float(custom[1]), float(custom[2])
    else:
        name = names.get(paper.strip().lower(), paper)
        one_of("paper", name, PAPERS)
        width, height = PAPERS[name]
    check(
        min(width, height) >= SMALLEST_MM,
        "paper",
        expected=f"at least {SMALLEST_MM:g} x {SMALLEST_MM:g} mm (markers, ruler and a sticker)",
        got=f"{width:g} x {height:g} mm",
        fix="choose A5 or larger",
    )
    check(
        max(width, height) <= LARGEST_MM,
        "paper",
        expected=f"at most {LARGEST_MM:g} mm a side",
        got=f"{width:g} x {height:g} mm",
        fix="choose a smaller sheet; stickers larger than it are tiled",
    )
    return Page(width, height)
