"""The sheet as an independent reader finds it: page boxes, ruler, contours, markers, pixels."""

import math
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pypdf
import pytest
from numpy.typing import NDArray
from PIL import Image

from physadv.core import UserError
from physadv.output import PAPERS, Artwork, write_cut_svg, write_sheet
from physadv.output.polygon import Polygon

Array = NDArray[np.float64]
Sheet = tuple[Path, int]
MM = 72 / 25.4
NOTICE = "robustness test artefact - not for use on public roads"
TOLERANCE_MM = 0.2


def rectangle(x: float, y: float, wide: float, high: float) -> Polygon:
    return (x, y), (x + wide, y), (x + wide, y + high), (x, y + high)


def disc(x: float, y: float, radius: float) -> Polygon:
    turns = [2 * math.pi * i / 40 for i in range(40)]
    return tuple((x + radius * math.cos(t), y + radius * math.sin(t)) for t in turns)


PIECES: tuple[Polygon, ...] = (
    rectangle(130.3, 110, 60, 200),
    rectangle(300, 120.7, 60, 200),
    rectangle(100, 400, 120, 45),
    disc(700, 480, 45.5),
    ((500, 100), (620, 100), (620, 150), (550, 150), (550, 250), (500, 250)),
    rectangle(250, 600, 400, 100),
)


def artwork(
    pieces: tuple[Polygon, ...] = PIECES,
    size: float = 900.0,
    pixels: int = 450,
    ink: tuple[int, int, int] = (255, 255, 255),
) -> Artwork:
    """An octagon of `size` mm with its stickers in one ink, transparent around them."""
    cut, scale = size / (2 + math.sqrt(2)), pixels / size
    outline = (
        (cut, 0), (size - cut, 0), (size, cut), (size, size - cut),
        (size - cut, size), (cut, size), (0, size - cut), (0, cut),
    )  # fmt: skip
    patch = np.zeros((pixels, pixels, 4), np.uint8)
    for piece in pieces:
        ring = np.round(np.array(piece) * scale - 0.5).astype(np.int32)
        cv2.fillPoly(patch, [ring], (*ink, 255))
    sign = np.full((pixels, pixels, 4), (180, 20, 30, 255), np.uint8)
    return Artwork(
        "stop", "0123456789abcdef", "2026-01-31", (size, size), outline, pieces, patch, sign
    )


@dataclass
class Stroke:
    """A stroked path on the page: points (N,2) in mm from the top left, and its colour space."""

    space: str
    points: Array

    @property
    def size(self) -> Array:
        extent: Array = np.ptp(self.points, axis=0)
        return extent


def strokes(page: pikepdf.Page) -> list[Stroke]:
    """Read the stroked paths of a page, applying the transformation matrix as it stands."""
    high = float(page.mediabox[3])
    spaces: Any = page.resources.get("/ColorSpace", {})
    matrix, space = np.eye(3), ""
    kept: list[tuple[Array, str]] = []
    path: list[tuple[float, ...]] = []
    found: list[Stroke] = []
    for one in pikepdf.parse_content_stream(page):
        name, values = str(one.operator), list[Any](one.operands)
        if name == "q":
            kept.append((matrix, space))
        elif name == "Q":
            matrix, space = kept.pop()
        elif name == "cm":
            a, b, c, d, e, f = map(float, values)
            matrix = np.array([[a, b, 0], [c, d, 0], [e, f, 1]]) @ matrix
        elif name == "CS":
            space = str(spaces[str(values[0])][1])
        elif name in ("RG", "G", "K"):
            space = name
        elif name in ("m", "l"):
            path.append((*map(float, values), 1.0))
        elif name in ("S", "s", "B", "b", "f", "n", "f*", "B*"):
            if name in ("S", "s") and path:
                points = (np.array(path) @ matrix)[:, :2]
                found.append(Stroke(space, np.c_[points[:, 0], high - points[:, 1]] / MM))
            path = []
    return found


def contours(file: Path) -> list[Stroke]:
    with pikepdf.open(file) as pdf:
        pages = [strokes(page) for page in pdf.pages]
    return [one for page in pages for one in page if one.space == "/CutContour"]


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Sheet:
    file = tmp_path_factory.mktemp("sheet") / "sheet.pdf"
    return file, write_sheet(file, artwork())


@pytest.mark.parametrize("paper", ["A4", "Letter", "A3"])
def test_page_boxes_are_the_paper(tmp_path: Path, paper: str) -> None:
    count = write_sheet(tmp_path / "sheet.pdf", artwork(), paper=paper)
    pages = pypdf.PdfReader(tmp_path / "sheet.pdf").pages
    assert len(pages) == count
    for page in pages:
        for box in (page.mediabox, page.cropbox, page.trimbox):
            assert (box.left, box.bottom) == (0, 0)
            assert np.allclose((box.width, box.height), np.array(PAPERS[paper]) * MM, atol=0.01)


def test_ruler_is_100_mm_with_a_tick_for_every_mm(sheet: Sheet) -> None:
    with pikepdf.open(sheet[0]) as pdf:
        for page in pdf.pages:
            lines = [s.points for s in strokes(page) if len(s.points) == 2]
            top = [p for p in lines if p[:, 1].max() < 24 and np.ptp(p[:, 1]) < 1e-3]
            ruler = max(top, key=lambda p: np.ptp(p[:, 0]))
            assert abs(np.ptp(ruler[:, 0]) - 100) < 0.01
            left, y = ruler[:, 0].min(), ruler[0, 1]
            upright = [p for p in lines if np.ptp(p[:, 0]) < 1e-3 and abs(p[0, 1] - y) < 1e-3]
            ticks = sorted(p[0, 0] - left for p in upright)
            assert np.allclose(ticks, np.arange(101), atol=0.01)


def test_every_contour_has_the_size_of_its_piece(sheet: Sheet) -> None:
    found = contours(sheet[0])
    whole = [np.ptp(np.array(piece), axis=0) for piece in PIECES[:5]]
    sizes = [one.size for one in found]
    for size in whole:
        nearest = min(min(np.abs(s - size).max(), np.abs(s[::-1] - size).max()) for s in sizes)
        assert nearest < 0.01
    assert len(found) == 5 + 2


def test_contour_keeps_its_shape(sheet: Sheet) -> None:
    """Area and perimeter of the L and of the disc, not only their boxes."""
    for piece in PIECES[3:5]:
        wanted = np.array(piece)
        match = [one.points for one in contours(sheet[0]) if len(one.points) == len(wanted)]
        assert min(abs(_area(p) - _area(wanted)) for p in match) < 0.5
        assert min(abs(_perimeter(p) - _perimeter(wanted)) for p in match) < 0.05


def _area(points: Array) -> float:
    x, y = points.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _perimeter(points: Array) -> float:
    return float(np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1).sum())


def test_tiles_join_to_the_piece(sheet: Sheet) -> None:
    """Two tiles with a shared strip of 10 mm make up 400 mm."""
    tiles = [one.size for one in contours(sheet[0]) if abs(one.size.max() - 205) < 0.01]
    assert len(tiles) == 2
    assert abs(sum(t.max() for t in tiles) - 10 - 400) < 0.01


def test_text_title_and_notice(sheet: Sheet) -> None:
    reader = pypdf.PdfReader(sheet[0])
    assert reader.metadata is not None
    assert reader.metadata.title is not None
    assert "stop" in reader.metadata.title
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        assert NOTICE in text
        assert f"stop · 0123456789ab · 2026-01-31 · page {number} of {sheet[1]}" in text


def test_placement_page_states_scale_and_positions(sheet: Sheet) -> None:
    text = pypdf.PdfReader(sheet[0]).pages[-1].extract_text()
    assert "scale 1:6" in text
    for number, piece in enumerate(PIECES, start=1):
        low, size = np.min(piece, axis=0), np.ptp(np.array(piece), axis=0)
        row = r"\s+".join(re.escape(f"{value:.1f}") for value in (*low, *size))
        assert re.search(rf"\b{number}\s+{row}\b", text)


def test_placement_drawing_is_to_scale(sheet: Sheet) -> None:
    with pikepdf.open(sheet[0]) as pdf:
        sizes = [one.size for one in strokes(pdf.pages[-1])]
    for wanted in (np.array([150, 150]), np.array([10, 200 / 6])):
        assert min(np.abs(size - wanted).max() for size in sizes) < 0.05


def test_same_artwork_gives_the_same_bytes(tmp_path: Path, sheet: Sheet) -> None:
    write_sheet(tmp_path / "again.pdf", artwork())
    assert (tmp_path / "again.pdf").read_bytes() == sheet[0].read_bytes()


def rgb(image: Image.Image | None) -> NDArray[np.uint8]:
    assert image is not None
    return np.array(image.convert("RGB"))


def test_pixels_are_embedded_losslessly_at_their_place(tmp_path: Path) -> None:
    """The embedded image holds the patch's own pixels; one pixel is 2 mm here."""
    made = artwork((rectangle(100, 100, 60, 80),))
    made.patch[50:90, 50:80, :3] = np.random.default_rng(0).integers(0, 256, (40, 30, 3))
    write_sheet(tmp_path / "sheet.pdf", made)
    image = next(iter(pypdf.PdfReader(tmp_path / "sheet.pdf").pages[0].images))
    pixels = rgb(image.image)
    assert pixels.shape[:2] == (42, 32)
    assert np.array_equal(pixels[1:-1, 1:-1], made.patch[50:90, 50:80, :3])
    assert np.array_equal(pixels[0, 1:-1], made.patch[50, 50:80, :3])


def test_ink_does_not_leave_the_bleed_of_a_neighbour(tmp_path: Path) -> None:
    """Two stickers 1 mm apart: each bleeds its own colour."""
    made = artwork((rectangle(100, 100, 60, 60), rectangle(162, 100, 60, 60)))
    made.patch[:, : 161 // 2, :3], made.patch[:, 81:, :3] = (255, 0, 0), (0, 0, 255)
    write_sheet(tmp_path / "sheet.pdf", made)
    for image in pypdf.PdfReader(tmp_path / "sheet.pdf").pages[0].images:
        pixels = rgb(image.image).reshape(-1, 3)
        assert len(np.unique(pixels, axis=0)) == 1


def test_svg_paths_have_the_sizes_of_the_pieces(tmp_path: Path) -> None:
    write_cut_svg(tmp_path / "sheet.svg", artwork())
    text = (tmp_path / "sheet.svg").read_text()
    size_mm = re.search(r'width="([\d.]+)mm" height="([\d.]+)mm"', text)
    assert size_mm is not None
    width, height = size_mm.groups()
    assert f'viewBox="0 0 {width} {height}"' in text
    for number, piece in enumerate(PIECES[:5], start=1):
        points = _svg_points(text, f"sticker-{number}")
        size, wanted = sorted(np.ptp(points, axis=0)), sorted(np.ptp(np.array(piece), axis=0))
        assert np.allclose(size, wanted, atol=0.001)
        assert abs(_area(points) - _area(np.array(piece))) < 0.05
    assert text.count('id="sticker-6-') == 2


def test_svg_and_sheet_cut_at_the_same_places(tmp_path: Path, sheet: Sheet) -> None:
    write_cut_svg(tmp_path / "sheet.svg", artwork())
    text = (tmp_path / "sheet.svg").read_text()
    for one in contours(sheet[0]):
        drawn = [_svg_points(text, name) for name in re.findall(r'id="(sticker-[^"]+)"', text)]
        same = [points for points in drawn if len(points) == len(one.points)]
        assert min(np.abs(points - one.points).max() for points in same) < 0.01


def _svg_points(text: str, name: str) -> Array:
    path = re.search(rf'<path id="{name}" d="([^"]+)"', text)
    assert path is not None
    return np.array(re.findall(r"-?[\d.]+", path[1]), float).reshape(-1, 2)


def raster(file: Path, tmp_path: Path, dpi: int = 300) -> list[NDArray[np.uint8]]:
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm (poppler-utils) is not installed")
    subprocess.run(["pdftoppm", "-r", str(dpi), "-png", file, tmp_path / "page"], check=True)
    return [picture(path) for path in sorted(tmp_path.glob("page*.png"))]


def picture(path: Path) -> NDArray[np.uint8]:
    found = cv2.imread(str(path))
    assert found is not None
    return found.astype(np.uint8, copy=False)


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_markers_are_found_in_the_printed_page(tmp_path: Path, paper: str) -> None:
    count = write_sheet(tmp_path / "sheet.pdf", artwork(), paper=paper)
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    detector = cv2.aruco.ArucoDetector(dictionary)
    pages = raster(tmp_path / "sheet.pdf", tmp_path, dpi=100)
    assert len(pages) == count
    for number, page in enumerate(pages):
        corners, ids, _ = detector.detectMarkers(page)
        assert sorted(np.ravel(ids)) == [4 * number + i for i in range(4)]
        centres = {int(i): c[0].mean(axis=0) for i, c in zip(np.ravel(ids), corners, strict=True)}
        span = (centres[4 * number + 2] - centres[4 * number]) * 25.4 / 100
        assert np.allclose(span, np.array(PAPERS[paper]) - 28, atol=0.3)


def test_ruler_and_contour_in_the_raster(tmp_path: Path) -> None:
    """At 300 dpi: the ruler's end ticks are 100 mm apart, a magenta contour has its size."""
    write_sheet(tmp_path / "sheet.pdf", artwork((rectangle(100, 100, 60, 80),)))
    page = raster(tmp_path / "sheet.pdf", tmp_path)[0].astype(int)
    per_mm = 300 / 25.4
    ticks = page[round(17.5 * per_mm), :, 0]
    dark = np.flatnonzero(ticks[round(50 * per_mm) : round(160 * per_mm)] < 200)
    assert abs((dark[-1] - dark[0]) / per_mm - 100) < TOLERANCE_MM
    ys, xs = np.nonzero((page[..., 2] - page[..., 1] > 60) & (page[..., 0] - page[..., 1] > 30))
    keep = ys < 250 * per_mm
    size = (np.ptp(xs[keep]) / per_mm, np.ptp(ys[keep]) / per_mm)
    assert np.allclose(size, (60, 80), atol=TOLERANCE_MM)


@pytest.mark.parametrize(
    ("paper", "words"),
    [
        ("A44", "did you mean"),
        ("60x60", "at least 148 x 148 mm"),
        ("9000x9000", "at most 5000 mm"),
        ("", "one of"),
    ],
)
def test_bad_papers_are_one_clear_line(tmp_path: Path, paper: str, words: str) -> None:
    for write in (write_sheet, write_cut_svg):
        with pytest.raises(UserError, match=r"^paper: expected .*, got ") as caught:
            write(tmp_path / "sheet", artwork(), paper=paper)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"pieces_mm": ()}, "pieces_mm"),
        ({"pieces_mm": (((0, 0), (10, 10)),)}, "pieces_mm[0]"),
        ({"pieces_mm": (PIECES[0], ((0, 0), (10, 10), (20, 20)))}, "pieces_mm[1]"),
        ({"pieces_mm": (rectangle(100, 100, 0.2, 50),)}, "pieces_mm[0]"),
        ({"pieces_mm": (rectangle(880, 100, 60, 50),)}, "pieces_mm[0]"),
        ({"pieces_mm": (((0, 0), (math.nan, 10), (20, 0)),)}, "pieces_mm[0]"),
        ({"size_mm": (0.0, 900.0)}, "size_mm"),
        ({"outline_mm": ()}, "outline_mm"),
        ({"patch": np.zeros((10, 10, 3), np.uint8)}, "patch"),
        ({"patch": np.zeros((10, 20, 4), np.uint8)}, "patch"),
        ({"patch": np.zeros((450, 450, 4), np.uint8)}, "patch"),
        ({"sign": np.zeros((10, 10, 4), np.float32)}, "sign"),
    ],
)
def test_bad_artwork_is_one_clear_line(
    tmp_path: Path, change: dict[str, Any], argument: str
) -> None:
    with pytest.raises(UserError) as caught:
        write_sheet(tmp_path / "sheet.pdf", replace(artwork(), **change))
    assert caught.value.argument == argument
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_missing_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^path: expected a file that can be written"):
        write_sheet(tmp_path / "none" / "sheet.pdf", artwork())


def test_custom_paper(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.pdf", artwork(), paper="300x200")
    box = pypdf.PdfReader(tmp_path / "sheet.pdf").pages[0].mediabox
    assert np.allclose((box.width, box.height), (300 * MM, 200 * MM), atol=0.01)
