"""What holds for every sign face: ranges, nesting, where stickers may lie, every resolution."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import avg_pool2d

from physadv.core.coverage import coverage
from physadv.scene.signs import SIGNS, render, sign
from physadv.scene.signs.shapes import area

MARGIN_MM = 20.0


@pytest.fixture(params=SIGNS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_shapes_and_ranges(name: str) -> None:
    design, face = sign(name), render(sign(name), 200)
    rows = round(200 * design.size_mm[0] / design.size_mm[1])
    assert face.name == design.name == name
    assert face.texture.shape == (1, 3, rows, 200)
    assert face.texture.dtype == torch.float32
    for raster in (face.texture, face.cover, face.legend, face.field):
        assert raster.shape[-2:] == (rows, 200)
        assert 0 <= float(raster.min()) <= float(raster.max()) <= 1


def test_legend_and_field_lie_on_the_plate(name: str) -> None:
    face = render(sign(name), 200)
    assert bool((face.legend <= face.cover + 1e-5).all())
    assert bool((face.field <= face.cover + 1e-5).all())
    assert float(face.field.mean()) > 0.15


def test_field_keeps_off_the_outline(name: str) -> None:
    """Silhouettes are convex: the distance to the nearest edge's line is the distance inside."""
    design = sign(name)
    corners = np.array(design.outline_mm)
    ahead = np.roll(corners, -1, axis=0) - corners
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    for shape in design.field:
        offset = np.array(shape[0])[:, None] - corners
        inside = ahead[:, 0] * offset[..., 1] - ahead[:, 1] * offset[..., 0]
        assert inside.min() >= MARGIN_MM - 0.05


def test_field_never_touches_rim_or_bare_plate(name: str) -> None:
    """What identifies the sign stays free: the ring, the border, the edge lines."""
    design = sign(name)
    size = (256, 256)
    field, rim, ground = (
        coverage(shapes, design.size_mm, size)
        for shapes in (design.field, design.shapes("rim"), design.shapes("ground"))
    )
    bare = rim if name == "end_of_speed_limit_80" else 1 - ground
    assert np.minimum(field, bare).max() < 1e-9


def test_outline_is_clockwise_and_fills_the_frame(name: str) -> None:
    face = render(sign(name), 100)
    assert area(face.outline_mm) > 0
    xs, ys = zip(*face.outline_mm, strict=True)
    assert (min(xs), min(ys)) == pytest.approx((0, 0), abs=0.1)
    assert (max(ys), max(xs)) == pytest.approx(face.size_mm, abs=0.1)
    assert face.outline_mm[0][1] == pytest.approx(min(ys))


@pytest.mark.parametrize("role", ["plate", "rim", "ground", "legend"])
def test_contours_wind_as_they_should(name: str, role: str) -> None:
    for outline, *holes in sign(name).shapes(role):  # type: ignore[arg-type]  # parametrised
        assert area(outline) > 0
        assert all(area(hole) < 0 for hole in holes)


def test_no_legend_where_there_is_none(name: str) -> None:
    blank = name in ("yield", "priority_road", "no_vehicles")
    assert (float(render(sign(name), 100).legend.sum()) == 0) == blank


@settings(max_examples=12, deadline=None)
@given(name=st.sampled_from(SIGNS), width=st.integers(16, 160), factor=st.integers(2, 4))
def test_resolutions_agree(name: str, width: int, factor: int) -> None:
    coarse, fine = render(sign(name), width), render(sign(name), width * factor)
    rows = coarse.cover.shape[-2]
    if fine.cover.shape[-2] != rows * factor:
        return
    for raster in ("texture", "cover", "legend", "field"):
        want = avg_pool2d(getattr(fine, raster), factor)
        assert float((getattr(coarse, raster) - want).abs().max()) < 2 / 255


def test_designs_are_hashable_and_render_once(name: str) -> None:
    assert hash(sign(name)) == hash(sign(name))
    assert render(sign(name), 64) is render(sign(name), 64)
