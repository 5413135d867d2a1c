"""A pen that draws on a PDF page in millimetres from its top left corner, y down."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab.lib.colors import CMYKColor, CMYKColorSep, Color
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from physadv.output.polygon import Box, Point

POINTS_PER_MM = 72 / 25.4

BLACK = CMYKColor(0, 0, 0, 1)
WHITE = CMYKColor(0, 0, 0, 0)
GREY = CMYKColor(0, 0, 0, 0.5)
PALE = CMYKColor(0, 0, 0, 0.15)
ALL_INKS = CMYKColorSep(1, 1, 1, 1, spotName="All")
"""Registration colour: on every plate (ISO 32000-1, 8.6.6.4)."""
CUT = CMYKColorSep(0, 1, 0, 0, spotName="CutContour")
"""The spot colour that print-and-cut software takes for the knife; magenta on screen."""

Shape = Sequence[Sequence[Point]]


@cache
def font(bold: bool = False) -> str:
    """Return the name of a font that gets embedded, as print shops ask: Bitstream Vera."""
    file = "VeraBd" if bold else "Vera"
    registerFont(TTFont(file, f"{file}.ttf"))
    return file


def text_width_mm(text: str, size_pt: float) -> float:
    """Return the width of a line of text in the plain font."""
    return float(stringWidth(text, font(), size_pt)) / POINTS_PER_MM


@dataclass(frozen=True)
class Pen:
    """Draws on the current page of a canvas; every coordinate is written as absolute points."""

    canvas: Canvas
    height_mm: float

    def at(self, point: Point) -> Point:
        """Convert mm from the top left to points from the bottom left."""
        return point[0] * POINTS_PER_MM, (self.height_mm - point[1]) * POINTS_PER_MM

    def line(
        self, *points: Point, width_pt: float = 0.25, colour: Color = BLACK, dash: bool = False
    ) -> None:
        """Draw an open line through points."""
        self.canvas.setDash([1.5, 1.5] if dash else [])
        self.canvas.setLineWidth(width_pt)
        self.canvas.setStrokeColor(colour)
        self.canvas.drawPath(self._path([points], close=False), stroke=1, fill=0)

    def outline(self, ring: Sequence[Point], width_pt: float = 0.25, colour: Color = BLACK) -> None:
        """Draw a closed line."""
        self.canvas.setDash([])
        self.canvas.setLineWidth(width_pt)
        self.canvas.setStrokeColor(colour)
        self.canvas.drawPath(self._path([ring]), stroke=1, fill=0)

    def fill(self, shape: Shape, colour: Color = BLACK) -> None:
        """Fill one or several closed rings as one shape, so that no seams show."""
        self.canvas.setFillColor(colour)
        self.canvas.drawPath(self._path(shape), stroke=0, fill=1)

    def circle(self, centre: Point, radius_mm: float, fill: Color | None = None) -> None:
        """Draw a circle with a thin line in all inks, filled if a colour is given."""
        self.canvas.setDash([])
        self.canvas.setLineWidth(0.25)
        self.canvas.setStrokeColor(ALL_INKS)
        self.canvas.setFillColor(fill or WHITE)
        radius = radius_mm * POINTS_PER_MM
        self.canvas.circle(*self.at(centre), radius, stroke=1, fill=int(fill is not None))

    def text(
        self,
        point: Point,
        text: str,
        *,
        size_pt: float = 6.0,
        align: str = "left",
        bold: bool = False,
    ) -> None:
        """Write a line with its baseline at a point, which is its left, centre or right."""
        self.canvas.setFillColor(BLACK)
        self.canvas.setFont(font(bold), size_pt)
        methods = {
            "left": self.canvas.drawString,
            "centre": self.canvas.drawCentredString,
            "right": self.canvas.drawRightString,
        }
        methods[align](*self.at(point), text)

    def upward(self, point: Point, text: str, *, size_pt: float = 6.0) -> None:
        """Write a line that runs upwards from a point."""
        with self._kept():
            self.canvas.translate(*self.at(point))
            self.canvas.rotate(90)
            self.canvas.setFillColor(BLACK)
            self.canvas.setFont(font(), size_pt)
            self.canvas.drawString(0, 0, text)

    def picture(self, pixels: NDArray[np.uint8], box: Box) -> None:
        """Place RGB or RGBA pixels (H,W,3|4) in a box, losslessly, without interpolation."""
        x0, y1 = self.at((box[0], box[3]))
        size = (box[2] - box[0]) * POINTS_PER_MM, (box[3] - box[1]) * POINTS_PER_MM
        image = ImageReader(Image.fromarray(np.ascontiguousarray(pixels)))
        self.canvas.drawImage(image, x0, y1, *size, mask="auto" if pixels.shape[2] == 4 else None)

    @contextmanager
    def clipped(self, *rings: Sequence[Point]) -> Iterator[None]:
        """Draw only inside all the rings."""
        with self._kept():
            for ring in rings:
                self.canvas.clipPath(self._path([ring]), stroke=0, fill=0)
            yield

    @contextmanager
    def overprinting(self) -> Iterator[None]:
        """Draw lines without knocking out the ink below them."""
        with self._kept():
            self.canvas.setStrokeOverprint(True)
            yield

    @contextmanager
    def _kept(self) -> Iterator[None]:
        self.canvas.saveState()
        yield
        self.canvas.restoreState()

    def _path(self, shape: Shape, close: bool = True) -> object:
        path = self.canvas.beginPath()
        for ring in shape:
            path.moveTo(*self.at(ring[0]))
            for point in ring[1:]:
                path.lineTo(*self.at(point))
            if close:
                path.close()
        return path


def box_ring(box: Box) -> tuple[Point, ...]:
    """Return a box as a closed ring."""
    x0, y0, x1, y1 = box
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)
