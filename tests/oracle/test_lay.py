"""Patches on images: laid as they are on whole pixels, and as fine sampling says elsewhere."""

import pytest
import torch
from torch import Tensor

from physadv.attacks.digital import Patch, Rows, lay_patch
from physadv.attacks.digital.lay import box_corners, lifted, moved, on_plane
from physadv.core import Encoded, UserError, generator

FINE = 16


def rand(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, generator=generator(seed))


def test_on_whole_pixels_it_is_laid_as_it_is() -> None:
    images, patch = rand(2, 3, 12, 10), rand(2, 3, 5, 4, seed=2)
    corners = box_corners(torch.tensor([[3.0, 2.0, 7.0, 7.0], [0.0, 7.0, 4.0, 12.0]]))
    made = lay_patch(images, patch, corners)
    wanted = images.clone()
    wanted[0, :, 2:7, 3:7], wanted[1, :, 7:12, 0:4] = patch[0], patch[1]
    assert torch.allclose(made, wanted, atol=1e-5)


def test_half_a_pixel_is_half_covered() -> None:
    images, patch = torch.zeros(1, 1, 6, 6), torch.ones(1, 1, 2, 2)
    made = lay_patch(images, patch, box_corners(torch.tensor([[1.5, 2.0, 3.5, 4.0]])))
    row = torch.tensor([0, 0.5, 1, 0.5, 0, 0])
    wanted = torch.stack([row * on for on in (0, 0, 1, 1, 0, 0)])
    assert torch.allclose(made[0, 0], wanted, atol=1e-5)


def test_a_tilted_patch_is_what_fine_sampling_shows() -> None:
    """Each pixel against the mean over 16 x 16 points, looked up in the patch by homography."""
    images, patch = torch.zeros(1, 3, 24, 24), rand(1, 3, 4, 4, seed=3)
    corners = torch.tensor([[[3.0, 5.0], [20.0, 2.0], [21.0, 19.0], [5.0, 21.0]]])
    made = lay_patch(images, patch, corners)
    side = torch.arange(24 * FINE).add(0.5).div(FINE)
    y, x = torch.meshgrid(side, side, indexing="ij")
    u, v = _inside(corners[0], x, y)
    on = (u >= 0) & (u < 4) & (v >= 0) & (v < 4)
    seen = patch[0][:, v.clamp(0, 3.99).long(), u.clamp(0, 3.99).long()] * on
    wanted = seen.reshape(3, 24, FINE, 24, FINE).mean(dim=(2, 4))
    off = (made[0] - wanted).abs()
    assert float(off.mean()) < 0.006
    assert float(off.max()) < 0.2  # upright footprints soften edges that are not


def _inside(corners: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Solve the homography from corners to a patch of 4 x 4 by its eight equations."""
    goal = torch.tensor([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
    rows, right = [], []
    for (px, py), (u, v) in zip(corners.tolist(), goal.tolist(), strict=True):
        rows += [[px, py, 1, 0, 0, 0, -u * px, -u * py], [0, 0, 0, px, py, 1, -v * px, -v * py]]
        right += [u, v]
    h = torch.linalg.solve(torch.tensor(rows).double(), torch.tensor(right).double())
    w = h[6] * x + h[7] * y + 1
    return (h[0] * x + h[1] * y + h[2]) / w, (h[3] * x + h[4] * y + h[5]) / w


def test_the_gradient_reaches_the_patch() -> None:
    images, patch = rand(1, 3, 12, 12), rand(1, 3, 4, 4).double().requires_grad_()
    corners = torch.tensor([[[2.0, 2.0], [9.0, 3.0], [8.0, 9.0], [1.0, 8.0]]]).double()
    weight = rand(1, 3, 12, 12, seed=5).double()

    def total(ink: Tensor) -> Tensor:
        return (lay_patch(images.double(), ink, corners) * weight).sum()

    assert torch.autograd.gradcheck(total, (patch,))


def test_what_is_lifted_is_what_was_laid() -> None:
    patch = rand(1, 3, 5, 4, seed=4)
    corners = box_corners(torch.tensor([[3.0, 2.0, 7.0, 7.0]]))
    made = lay_patch(torch.zeros(1, 3, 12, 10), patch, corners)
    assert torch.allclose(lifted(made, corners, (5, 4)), patch, atol=1e-5)


def test_a_turn_by_a_quarter_turns_the_corners() -> None:
    corners = box_corners(torch.tensor([[2.0, 2.0, 6.0, 6.0]]))
    given = {name: torch.zeros(1) for name in ("x_ratio", "y_ratio")}
    quarter = moved(
        corners, given | {"turn_deg": torch.tensor([90.0]), "size_ratio": torch.ones(1)}
    )
    assert torch.allclose(quarter, corners.roll(-1, dims=1), atol=1e-5)
    larger = moved(corners, given | {"turn_deg": torch.zeros(1), "size_ratio": torch.tensor([1.5])})
    assert torch.allclose(larger, box_corners(torch.tensor([[1.0, 1.0, 7.0, 7.0]])), atol=1e-5)


def test_a_box_on_a_plane() -> None:
    plane = box_corners(torch.tensor([[10.0, 20.0, 50.0, 100.0]]))
    spot = on_plane(plane, (0.25, 0.5, 0.75, 1.0))
    assert torch.allclose(spot, box_corners(torch.tensor([[20.0, 60.0, 40.0, 100.0]])), atol=1e-4)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        (torch.zeros(2, 4, 2), r"corners: expected shape \(1,4,2\)"),
        (torch.tensor([[[0.0, 0.0], [0.0, 5.0], [5.0, 5.0], [5.0, 0.0]]]), "clockwise"),
        (torch.tensor([[[0.0, 0.0], [5.0, 5.0], [5.0, 0.0], [0.0, 5.0]]]), "convex"),
    ],
)
def test_corners_that_are_none_are_refused(corners: Tensor, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Patch().placed(rand(1, 3, 8, 8), Rows(corners=corners))


def test_without_a_place_it_takes_its_share_of_the_middle() -> None:
    images = Encoded(rand(2, 3, 20, 20))
    made = Patch(area_pct=25).laid(images, torch.ones(1, 3, 10, 10))
    changed = (made != images).any(dim=1)
    assert int(changed[0].sum()) == 100
    assert bool(changed[0, 5:15, 5:15].all())


def test_a_mask_is_the_place_where_there_is_no_other() -> None:
    images, mask = Encoded(rand(1, 3, 8, 8)), torch.zeros(1, 3, 8, 8)
    mask[:, :, 2:4] = 1
    made = Patch().laid(images, torch.full((1, 3, 8, 8), 2.0).clamp(0, 1), Rows(mask=mask))
    assert torch.equal(made * (1 - mask), images * (1 - mask))
    assert torch.allclose(made * mask, mask, atol=1e-5)
