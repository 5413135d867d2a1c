"""The colour chart as a PDF to print, and as a picture for printers that take only those."""

from io import BytesIO
from pathlib import Path
from string import ascii_uppercase

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from physadv.calibration.chart import COLUMNS, GAP_MM, LAYOUT, ROWS, Chart, colours
from physadv.core.check import one_of
from physadv.core.papers import PAPERS
from physadv.output.marks import DICTIONARY, NOTICE, RULER_MM, fiducial, registration, ruler
from physadv.output.paper import page_of
from physadv.output.pen import GREY, POINTS_PER_MM, Pen, box_ring, font
from physadv.output.sheet import write_bytes

Picture = NDArray[np.uint8]

LARGEST_PX = 4000
FINEST_PX_PER_MM = 10
ADVICE = (
    "Print at 100 %, as you print stickers: same printer, material, driver settings, laminate.",
    "When dry: lay it flat, light it evenly, photograph all of it, then physadv calibrate PHOTO.",
)


def write_chart(path: str | Path, *, paper: str = "A4") -> Chart:
    """Write the chart as PDF, at true scale, and beside it as PNG; returns its layout.

    The paper is coded in the markers, so it has to be one of `PAPERS`. The same paper gives the
    same bytes. Raises `UserError` for another paper and for a path that cannot be written.
    """
    names = {name.lower(): name for name in PAPERS}
    name = names.get(paper.strip().lower(), paper)
    one_of("paper", name, PAPERS)
    chart = Chart(name)
    write_bytes(path, _document(chart))
    scale = min(FINEST_PX_PER_MM, LARGEST_PX / max(chart.size_mm))
    stored = BytesIO()
    dpi = 25.4 * scale
    Image.fromarray(chart_picture(chart, scale)).save(stored, "PNG", dpi=(dpi, dpi))
    write_bytes(Path(path).with_suffix(".png"), stored.getvalue())
    return chart


def _document(chart: Chart) -> bytes:
    page, buffer = page_of(chart.paper), BytesIO()
    size = page.width_mm * POINTS_PER_MM, page.height_mm * POINTS_PER_MM
    canvas = Canvas(buffer, pagesize=size, invariant=1, initialFontName=font())
    canvas.setTitle(f"{LAYOUT}, {chart.paper}")
    canvas.setSubject(NOTICE)
    canvas.setAuthor("physadv")
    canvas.setCreator("physadv")
    pen = Pen(canvas, page.height_mm)
    for place, marker in zip(page.markers_mm, chart.marker_ids, strict=True):
        fiducial(pen, place, marker)
    for centre in page.registration_mm:
        registration(pen, centre)
    middle = page.width_mm / 2
    ruler(pen, (middle - RULER_MM / 2, page.markers_mm[0][1] + 6))
    _text(pen, chart, middle)
    _patches(pen, chart)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _text(pen: Pen, chart: Chart, middle: float) -> None:
    title = f"colour chart {chart.paper} · {len(colours())} patches · {LAYOUT}"
    top, bottom = chart.markers_mm[0, 0, 1], chart.markers_mm[2, 2, 1]
    pen.text((middle, top + 3.2), title, size_pt=7.5, align="centre", bold=True)
    for line, text in enumerate(ADVICE):
        pen.text((middle, bottom - 7.6 + 3.0 * line), text, size_pt=5.5, align="centre")
    pen.text((middle, bottom - 0.3), NOTICE, size_pt=6.5, align="centre", bold=True)


def _patches(pen: Pen, chart: Chart) -> None:
    """Draw each patch as a picture of its own: as stickers' ink is, and no viewer blends two."""
    for corners, colour in zip(chart.patches_mm(), colours(), strict=True):
        (x0, y0), (x1, y1) = corners[0], corners[2]
        pen.picture(np.full((1, 1, 3), colour, np.uint8), (x0, y0, x1, y1))
    first, last = chart.patches_mm()[[0, -1]]
    field = box_ring((*(first[0] - GAP_MM / 2), *(last[2] + GAP_MM / 2)))
    pen.outline(field, 0.25, GREY)
    _names(pen, chart)


def _names(pen: Pen, chart: Chart) -> None:
    """Write letters above the columns and numbers beside the rows."""
    centres = chart.centres_mm.reshape(ROWS, COLUMNS, 2)
    high, wide = chart.cell_mm
    for letter, (x, y) in zip(ascii_uppercase, centres[0], strict=False):
        pen.text((x, y - high / 2 - 0.7), letter, size_pt=4, align="centre")
    for number, (x, y) in enumerate(centres[:, 0], start=1):
        pen.text((x - wide / 2 - 0.8, y + 0.5), str(number), size_pt=4, align="right")


def chart_picture(chart: Chart, px_per_mm: float) -> Picture:
    """Return the whole sheet as pixels (H,W,3): markers and patches, without text."""
    height, width = (round(side * px_per_mm) for side in chart.size_mm)
    sheet = np.full((height, width, 3), 255, np.uint8)
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    for corners, marker in zip(chart.markers_mm, chart.marker_ids, strict=True):
        bits = cv2.aruco.generateImageMarker(dictionary, marker, 6)
        rows, columns = _pixels(corners, px_per_mm)
        size = columns.stop - columns.start, rows.stop - rows.start
        sheet[rows, columns] = cv2.resize(bits, size, interpolation=cv2.INTER_NEAREST)[..., None]
    for corners, colour in zip(chart.patches_mm(), colours(), strict=True):
        sheet[_pixels(corners, px_per_mm)] = colour
    return sheet


def _pixels(corners: NDArray[np.float64], px_per_mm: float) -> tuple[slice, slice]:
    (x0, y0), (x1, y1) = np.round(corners[[0, 2]] * px_per_mm).astype(int)
    return slice(y0, y1), slice(x0, x1)
