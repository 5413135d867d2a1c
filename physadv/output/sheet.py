"""The print sheet: stickers at true scale with cut contours, and the placement page, as a PDF."""

from io import BytesIO
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

from physadv.core.check import UserError
from physadv.output.artwork import Artwork, check_artwork
from physadv.output.bleed import printed_pixels
from physadv.output.layout import BLEED_MM, OVERLAP_MM, Spot, contour, lay_out, page_count
from physadv.output.marks import NOTICE, crop_marks, furnish, registration, up_arrow
from physadv.output.paper import Page, page_of
from physadv.output.pen import CUT, POINTS_PER_MM, Pen, box_ring, font, text_width_mm
from physadv.output.placement import draw_placement, placement_tables
from physadv.output.polygon import Box, Point, bounds, outset

CUT_LINE_PT = 0.25
CROP_MM = (2.5, 6.0)
SEAM_MM = 4.5
"""How far outside a tile's window the centres of its registration marks are."""


def write_sheet(path: str | Path, artwork: Artwork, *, paper: str = "A4") -> int:
    """Write the sheet as PDF and return its number of pages; the placement page is the last.

    Everything is at true scale in millimetres, the ink bleeds 2 mm beyond the contours, pieces
    larger than the page are tiled with a 10 mm glue strip. Contours are strokes of the spot colour
    CutContour. `paper` is a name in `PAPERS` or "WIDTHxHEIGHT" in mm. The same artwork gives the
    same bytes. Raises `UserError` for an unknown or too small paper, an artwork that cannot be
    printed, a path that cannot be written.
    """
    check_artwork(artwork)
    page = page_of(paper)
    spots = lay_out(artwork.pieces_mm, page)
    tables = placement_tables(artwork, page, spots)
    sheets = page_count(spots)
    buffer = BytesIO()
    canvas = _canvas(buffer, artwork, page)
    pen = Pen(canvas, page.height_mm)
    for number in range(sheets + len(tables)):
        furnish(pen, page, artwork, number + 1, sheets + len(tables))
        if number < sheets:
            for spot in (spot for spot in spots if spot.page == number):
                _draw_spot(pen, artwork, spot)
        else:
            draw_placement(pen, artwork, page, tables, index=number - sheets)
        canvas.showPage()
    canvas.save()
    write_bytes(path, buffer.getvalue())
    return sheets + len(tables)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file; raise `UserError` where that is not possible."""
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            "path",
            expected="a file that can be written",
            got=f"{path} ({reason})",
            fix="choose another folder",
        ) from error


def _canvas(buffer: BytesIO, artwork: Artwork, page: Page) -> Canvas:
    size = page.width_mm * POINTS_PER_MM, page.height_mm * POINTS_PER_MM
    box = (0, 0, *size)
    canvas = Canvas(
        buffer,
        pagesize=size,
        invariant=1,
        pageCompression=1,
        initialFontName=font(),
        trimBox=box,
        cropBox=box,
        bleedBox=box,
    )
    canvas.setTitle(f"{artwork.name}: sticker sheet")
    canvas.setSubject(f"{NOTICE}; design {artwork.digest}; {artwork.date}")
    canvas.setAuthor("physadv")
    canvas.setCreator("physadv")
    return canvas


def _draw_spot(pen: Pen, artwork: Artwork, spot: Spot) -> None:
    piece = artwork.pieces_mm[spot.cell.piece - 1]
    pixels, box = printed_pixels(artwork, piece, spot.cell.window_mm, bleed_mm=BLEED_MM)
    with pen.clipped(box_ring(_inked(spot)), outset(spot(piece), BLEED_MM)):
        turned = pixels.swapaxes(0, 1)[:, ::-1] if spot.turned else pixels
        pen.picture(turned, bounds(spot(box_ring(box))))
    with pen.overprinting():
        pen.outline(contour(spot, piece), CUT_LINE_PT, CUT)
    crop_marks(pen, spot.box_mm, *CROP_MM)
    _label(pen, spot)
    _seams(pen, spot)


def _inked(spot: Spot) -> Box:
    """The window and its bleed, which ends where a neighbouring tile goes on."""
    sides = spot.cell.neighbours
    reach = [0.0 if neighbour else BLEED_MM for neighbour in sides]
    x0, y0, x1, y1 = spot.cell.window_mm
    return bounds(spot(box_ring((x0 - reach[0], y0 - reach[1], x1 + reach[2], y1 + reach[3]))))


def seam_marks(spot: Spot) -> tuple[Point, ...]:
    """Return centres on the page of a tile's registration marks.

    They stand outside the window at both ends of each glue strip's centre line, at the same place
    of the sign's frame for both tiles: lay one mark over the other to join them.
    """
    x0, y0, x1, y1 = spot.cell.window_mm
    half = OVERLAP_MM / 2
    left, top, right, bottom = spot.cell.neighbours
    columns = [x for x, has in ((x0 + half, left), (x1 - half, right)) if has]
    rows = [y for y, has in ((y0 + half, top), (y1 - half, bottom)) if has]
    upright = [(x, y) for x in columns for y in (y0 - SEAM_MM, y1 + SEAM_MM)]
    lying = [(x, y) for y in rows for x in (x0 - SEAM_MM, x1 + SEAM_MM)]
    return spot([*upright, *lying])


def _seams(pen: Pen, spot: Spot) -> None:
    """Draw a tile's registration marks, and where its glue strips end."""
    for centre in seam_marks(spot):
        registration(pen, centre, 1.5)
    x0, y0, x1, y1 = spot.cell.window_mm
    right, bottom = spot.cell.neighbours[2:]
    near, far = CROP_MM
    if right:
        x = x1 - OVERLAP_MM
        for start, end in ((y0 - near, y0 - far), (y1 + near, y1 + far)):
            pen.line(*spot([(x, start), (x, end)]), dash=True)
            _note(pen, spot, (x + 1.9, (start + end) / 2))
    if bottom:
        y = y1 - OVERLAP_MM
        for start, end in ((x0 - near, x0 - far), (x1 + near, x1 + far)):
            pen.line(*spot([(start, y), (end, y)]), dash=True)
            _note(pen, spot, ((start + end) / 2, y + 1.9))


def _note(pen: Pen, spot: Spot, point: Point) -> None:
    ((x, y),) = spot([point])
    pen.text((x, y + 0.4), "glue", size_pt=3.5, align="centre")


def _label(pen: Pen, spot: Spot) -> None:
    """Write number and size above the window, as much as has room, with an arrow to the top."""
    cell, (x0, y0, x1, _) = spot.cell, spot.box_mm
    wide, high = cell.size_mm
    (row, column), (rows, columns) = cell.tile, cell.tiles
    size = f"{wide:.1f} x {high:.1f} mm"
    short, long = f"{cell.piece}", f"sticker {cell.piece} · {size}"
    if cell.tiles != (1, 1):
        short = f"{cell.piece} r{row + 1} c{column + 1}"
        long = f"sticker {cell.piece} · row {row + 1}/{rows} column {column + 1}/{columns} · {size}"
    room = x1 - x0 - (18 if cell.tiles[1] > 1 or spot.turned else 5)
    texts = (long, f"{short} · {size}", short)
    text = next((text for text in texts if text_width_mm(text, 6) < room), short)
    middle, left = (x0 + x1) / 2, (x0 + x1) / 2 - text_width_mm(text, 6) / 2
    up_arrow(pen, (left - 0.6, y0 - 4.2), spot.turned)
    pen.text((middle + 1, y0 - 3.4), text, size_pt=6, align="centre")
