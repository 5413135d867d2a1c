"""The cut file for a plotter: contours in millimetres, at the same places as on the sheet."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from physadv.output.artwork import Artwork, check_artwork
from physadv.output.layout import Spot, contour, lay_out, page_count
from physadv.output.marks import NOTICE, REGISTRATION_MM
from physadv.output.paper import Page, page_of
from physadv.output.polygon import Point
from physadv.output.sheet import write_bytes

GAP_MM = 10.0


def write_cut_svg(path: str | Path, artwork: Artwork, *, paper: str = "A4") -> None:
    """Write the cut contours as SVG with user units of 1 mm.

    The sheet's pages lie side by side, 10 mm apart: a group `page-n` each, with a path for each
    piece (`sticker-3`) or tile (`sticker-3-r1-c2`) in the page's own millimetres, and a group
    `registration-n` with the sheet's registration marks, not to be cut. Raises `UserError` as
    `write_sheet` does.
    """
    check_artwork(artwork)
    page = page_of(paper)
    spots = lay_out(artwork.pieces_mm, page)
    count = page_count(spots)
    width = count * page.width_mm + (count - 1) * GAP_MM
    groups = [_page(artwork, page, spots, number) for number in range(count)]
    size = f"{_number(width)}mm", f"{_number(page.height_mm)}mm"
    title = escape(f"{artwork.name} · {artwork.digest[:12]} · {artwork.date}")
    text = "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
            f'viewBox="0 0 {_number(width)} {_number(page.height_mm)}" fill="none">',
            f"<title>{title}</title>",
            f"<desc>{NOTICE}</desc>",
            *groups,
            "</svg>\n",
        )
    )
    write_bytes(path, text.encode())


def _page(artwork: Artwork, page: Page, spots: Sequence[Spot], number: int) -> str:
    shift = _number(number * (page.width_mm + GAP_MM))
    paths = [_path(artwork, spot) for spot in spots if spot.page == number]
    marks = [_mark(centre) for centre in page.registration_mm]
    return "\n".join(
        (
            f'<g id="page-{number + 1}" transform="translate({shift} 0)">',
            f'<g id="cut-{number + 1}" stroke="#ff00ff" stroke-width="0.1">',
            *paths,
            "</g>",
            f'<g id="registration-{number + 1}" stroke="#000000" stroke-width="0.1">',
            *marks,
            "</g>",
            "</g>",
        )
    )


def _path(artwork: Artwork, spot: Spot) -> str:
    cell = spot.cell
    ring = contour(spot, artwork.pieces_mm[cell.piece - 1])
    tile = "" if cell.tiles == (1, 1) else f"-r{cell.tile[0] + 1}-c{cell.tile[1] + 1}"
    points = " L ".join(f"{_number(x)} {_number(y)}" for x, y in ring)
    return f'<path id="sticker-{cell.piece}{tile}" d="M {points} Z"/>'


def _mark(centre: Point) -> str:
    x, y, reach = *centre, REGISTRATION_MM
    cross = (
        f"M {_number(x - reach)} {_number(y)} H {_number(x + reach)} "
        f"M {_number(x)} {_number(y - reach)} V {_number(y + reach)}"
    )
    radius = _number(reach * 2 / 3)
    return f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{radius}"/><path d="{cross}"/>'


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
