"""Bent and misplaced stickers against SciPy's thin-plate spline and OpenCV's affine maps."""

import cv2
import numpy as np
import pytest
import torch
from scipy.interpolate import RBFInterpolator
from torch import Tensor

from physadv.core import Span, at_rest, declared, draw, generator, neutral, take
from physadv.core.pixels import pixel_grid
from physadv.scene.bend import CONTROLS, NODES, Bend, bent, grid_points, pulls_mm

SIZE = (600.0, 900.0)
STILL = Span.at(0.0, neutral=0.0)
FLAT = Bend(bend_mm=STILL)
PLACED = Bend(STILL, STILL, STILL)


def points(n: int) -> Tensor:
    grid = pixel_grid(40, 60) * 17 - 60  # beyond the frame too
    return grid.repeat(n, 1, 1, 1)


def conditions(n: int, **values: float) -> dict[str, Tensor]:
    given = neutral(declared(Bend()), n) | {"seed": torch.arange(n) * 1000.0}
    return given | {name: torch.full((n,), value) for name, value in values.items()}


def spline(given: dict[str, Tensor], row: int) -> RBFInterpolator:
    controls = grid_points(SIZE, CONTROLS).numpy()
    pulls = pulls_mm(given, SIZE)[row].double().numpy()
    return RBFInterpolator(controls, pulls, kernel="thin_plate_spline")


def test_at_its_nodes_the_bend_is_scipys_spline() -> None:
    given = conditions(2, bend_mm=6.0)
    nodes = grid_points(SIZE, NODES)
    found = bent(nodes.float().reshape(1, NODES, NODES, 2).repeat(2, 1, 1, 1), given, SIZE)
    for row in range(2):
        wanted = spline(given, row)(nodes.numpy())
        np.testing.assert_allclose(found[row].reshape(-1, 2), wanted, atol=2e-3)


def test_between_its_nodes_the_bend_is_nearly_scipys_spline() -> None:
    given = conditions(1, bend_mm=6.0)
    inside = torch.rand(1, 20, 30, 2, generator=generator(0)) * torch.tensor([900.0, 600.0])
    found = PLACED.move(inside, given, SIZE) - inside
    wanted = spline(given, 0)(inside[0].reshape(-1, 2).double().numpy())
    np.testing.assert_allclose(found[0].reshape(-1, 2), wanted, atol=0.02 * 6)


def test_the_pulls_have_the_mean_square_that_is_asked_for() -> None:
    pulls = pulls_mm(conditions(8, bend_mm=3.0), SIZE)
    rms = pulls.square().sum(dim=2).mean(dim=1).sqrt()
    torch.testing.assert_close(rms, torch.full((8,), 3.0))


def test_a_bend_holds_no_affine_map() -> None:
    """What least squares finds of shift, turn, scale and shear is nothing."""
    controls = grid_points(SIZE, CONTROLS).numpy()
    pulls = pulls_mm(conditions(4, bend_mm=3.0), SIZE).double().numpy()
    design = np.column_stack([np.ones(len(controls)), controls / 1000])
    for row in pulls:
        found = np.linalg.lstsq(design, row, rcond=None)[0]
        np.testing.assert_allclose(found, 0, atol=1e-5)


@pytest.mark.parametrize(
    ("x", "y", "turn"), [(4.0, -3.0, 0.0), (0.0, 0.0, 5.0), (-20.0, 9.0, -8.0)]
)
def test_misplacement_is_opencvs_turn_about_the_middle(x: float, y: float, turn: float) -> None:
    """OpenCV turns anticlockwise as seen; the flat sticker's point is found by going back."""
    given = conditions(1, offset_x_mm=x, offset_y_mm=y, turn_deg=turn)
    there = cv2.getRotationMatrix2D((450.0, 300.0), -turn, 1.0) + np.array([[0, 0, x], [0, 0, y]])
    np.testing.assert_allclose(FLAT.matrix(given, SIZE)[0, :2], there, atol=1e-4)
    back = cv2.invertAffineTransform(there)
    wanted = points(1)[0].reshape(-1, 2).numpy() @ back[:, :2].T + back[:, 2]
    found = FLAT.move(points(1), given, SIZE)[0].reshape(-1, 2)
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_neutral_is_exactly_the_identity() -> None:
    given = neutral(declared(Bend()), 3)
    assert torch.equal(Bend().move(points(3), given, SIZE), points(3))
    assert torch.equal(at_rest(Bend()).move(points(3), given, SIZE), points(3))


def test_each_seed_bends_its_own_way_row_by_row() -> None:
    given = draw(declared(Bend(bend_mm=Span(3.0, 4.0, neutral=0.0))), 3, generator(0))
    together = Bend().move(points(3), given, SIZE)
    for row in range(3):
        some = slice(row, row + 1)
        alone = Bend().move(points(1), take(given, some), SIZE)
        torch.testing.assert_close(together[some], alone, atol=1e-3, rtol=0)
    bends = bent(points(3), given | {"bend_mm": torch.full((3,), 3.0)}, SIZE).flatten(1)
    assert float((torch.corrcoef(bends) - torch.eye(3)).abs().max()) < 0.9


def test_a_bend_that_nobody_wants_is_left_out() -> None:
    """No condition of the bend is even read."""
    given = conditions(1, offset_x_mm=2.0)
    kept = {name: value for name, value in given.items() if name not in ("seed", "bend_mm")}
    assert torch.equal(FLAT.move(points(1), kept, SIZE), FLAT.move(points(1), given, SIZE))
