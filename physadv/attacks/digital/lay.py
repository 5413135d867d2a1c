"""Lay patches on images: where four corners say, each pixel the mean of the patch under it."""

import torch
import torch.nn.functional as F
from kornia.geometry import get_perspective_transform
from torch import Tensor

from physadv.core import PlaneMap, UserError
from physadv.core.pixels import pixel_grid
from physadv.scene.texture import footprints, places

LEAST = 1e-4
"""A smaller share of a pixel is rounding, and the pixel stays as it is."""

MARGIN_PX = 2
"""How far beyond a patch's corners pixels are looked at."""


def lay_patch(
    images: Tensor, patch: Tensor, corners_px: Tensor, cover: Tensor | None = None
) -> Tensor:
    """Return images (B,C,H,W) with a patch (1 or B,C,h,w) on each between corners (B,4,2).

    Corners are (x, y) in pixels, clockwise from the patch's top left one; `cover` (broadcast to
    the images) says how much of each pixel may be covered. Every pixel is the mean of the patch
    over its footprint (Crow 1984), so that a patch as large in pixels as its box is laid as it is.
    """
    origin, size = _window(corners_px.detach(), (images.shape[-2], images.shape[-1]))
    grid = pixel_grid(*size).to(corners_px)
    near = corners_px - origin[:, None].to(corners_px)
    place = places(_plane(near), grid[None], (2.0, 2.0)) + 1
    half = footprints(place, everywhere=True)
    seen = _means(patch.expand(len(images), -1, -1, -1), place, half)
    seen = _back(seen, origin, (images.shape[-2], images.shape[-1]))
    touched = seen[:, -1:] > LEAST
    share, colour = seen[:, -1:] * touched, seen[:, :-1] * touched
    if cover is not None:
        share, colour = share * cover, colour * cover
    return images * (1 - share) + colour


def _window(corners_px: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
    """Return origins (B,2) of windows of one (height, width) that hold all that corners touch."""
    whole = torch.tensor([size[1], size[0]])
    low = corners_px.amin(dim=1).cpu().sub(MARGIN_PX).floor().long()
    high = corners_px.amax(dim=1).cpu().add(MARGIN_PX).ceil().long()
    low, high = low.clamp_min(0).minimum(whole), high.clamp_min(0).minimum(whole)
    side = (high - low).amax(dim=0).clamp_min(2)  # a footprint is a difference of two places
    width, height = side.minimum(whole).tolist()
    return low.minimum(whole - torch.tensor([width, height])), (height, width)


def _back(seen: Tensor, origin: Tensor, size: tuple[int, int]) -> Tensor:
    """Return windows (B,C,h,w) in their places of pictures of `size`, 0 elsewhere."""
    (height, width), (high, wide) = size, seen.shape[-2:]
    return torch.stack(
        [
            F.pad(one, (x, width - wide - x, y, height - high - y))
            for one, (x, y) in zip(seen, origin.tolist(), strict=True)
        ]
    )


def lifted(images: Tensor, corners_px: Tensor, size: tuple[int, int]) -> Tensor:
    """Return what images (B,C,H,W) show between corners (B,4,2) as patches (B,C,h,w)."""
    height, width = images.shape[-2:]
    cells = pixel_grid(*size).to(corners_px) * corners_px.new_tensor([2 / size[1], 2 / size[0]])
    points = _plane(corners_px)((cells - 1).reshape(1, -1, 2))
    place = points * corners_px.new_tensor([2 / width, 2 / height]) - 1
    return F.grid_sample(images, place.reshape(-1, *size, 2), align_corners=False)


def on_plane(corners_px: Tensor, box: tuple[float, float, float, float]) -> Tensor:
    """Return the corners (B,4,2) of a box on planes whose own corners (B,4,2) are given.

    The box is x1, y1, x2, y2 as shares of the plane's width and height.
    """
    spot = box_corners(torch.tensor([box])).to(corners_px) * 2 - 1
    return _plane(corners_px)(spot)


def _plane(corners_px: Tensor) -> PlaneMap:
    """Return the maps from a patch's frame, -1..1 in x and y, to pixels."""
    frame = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]).to(corners_px)
    return PlaneMap(get_perspective_transform(frame.expand_as(corners_px), corners_px))


def _means(patch: Tensor, place: Tensor, half: Tensor) -> Tensor:
    """Return colour and share (B,C+1,H,W) over boxes of half sides around places, -1..1."""
    whole = torch.cat([patch, torch.ones_like(patch[:, :1])], dim=1)
    sums = F.pad(whole.double().cumsum(2).cumsum(3), (1, 0, 1, 0)).to(patch.dtype)
    low, high = (place - half).clamp(-1, 1), (place + half).clamp(-1, 1)
    corners = [
        torch.stack([x, y], -1)
        for y in (low[..., 1], high[..., 1])
        for x in (low[..., 0], high[..., 0])
    ]
    read = F.grid_sample(sums, torch.cat(corners, dim=1), padding_mode="border", align_corners=True)
    a, b, c, d = read.chunk(4, dim=2)
    texels = half.prod(dim=-1) * (patch.shape[-2] * patch.shape[-1])
    return (d - b - c + a) / texels[:, None]


def moved(corners_px: Tensor, given: dict[str, Tensor]) -> Tensor:
    """Return corners (B,4,2) turned, scaled and shifted about their middle.

    `turn_deg`, `size_ratio`, and `x_ratio`, `y_ratio` of the longer side, each (B,).
    """
    middle = corners_px.mean(dim=1, keepdim=True)
    arm = corners_px - middle
    angle = torch.deg2rad(given["turn_deg"]).to(arm)[:, None]
    sine, cosine, (x, y) = angle.sin(), angle.cos(), arm.unbind(-1)
    turned = torch.stack([cosine * x - sine * y, sine * x + cosine * y], dim=-1)
    longest = (arm.amax(dim=1) - arm.amin(dim=1)).amax(dim=1)[:, None, None]
    shift = torch.stack([given["x_ratio"], given["y_ratio"]], dim=-1).to(arm)[:, None]
    return middle + turned * given["size_ratio"].to(arm)[:, None, None] + shift * longest


def box_corners(box_px: Tensor) -> Tensor:
    """Return the corners (B,4,2) of boxes (B,4), x1y1x2y2."""
    x1, y1, x2, y2 = box_px.unbind(-1)
    return torch.stack([x1, y1, x2, y1, x2, y2, x1, y2], dim=-1).reshape(-1, 4, 2)


def check_corners(corners_px: Tensor, images: Tensor) -> None:
    """Raise `UserError` unless there are four corners an image, convex, clockwise, not all off."""
    shape, (count, _, height, width) = tuple(corners_px.shape), images.shape
    expected = f"shape ({count},4,2): four corners (x, y) an image"
    if shape != (count, 4, 2):
        raise UserError("corners", expected=expected, got=shape)
    side = corners_px.roll(-1, dims=1) - corners_px
    after = side.roll(-1, dims=1)
    turn = side[..., 0] * after[..., 1] - side[..., 1] * after[..., 0]
    bad = (turn <= 0).any(dim=1).nonzero()
    if len(bad):
        raise UserError(
            "corners",
            expected="a convex quadrangle, clockwise from the patch's top left corner",
            got=corners_px[int(bad[0])].tolist(),
            fix=f"see image {int(bad[0])}",
        )
    low, high = corners_px.amin(dim=1), corners_px.amax(dim=1)
    off = (low[:, 0] >= width) | (low[:, 1] >= height) | (high <= 0).any(dim=1)
    if bool(off.any()):
        row = int(off.nonzero()[0])
        raise UserError(
            "corners",
            expected=f"a place in the image of {width} x {height} px",
            got=corners_px[row].tolist(),
            fix=f"see image {row}",
        )
