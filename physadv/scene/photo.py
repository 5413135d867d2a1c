"""A sign in real photos: its plane is known, the photo's own light falls on the ink."""

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from physadv.core import (
    Choice,
    Conditions,
    Face,
    Linear,
    PlaneMap,
    Printed,
    Sensor,
    Span,
    Window,
    below,
    check,
    take,
)
from physadv.scene.relight import Relight
from physadv.scene.signs import SignDesign, render
from physadv.scene.texture import Atlas, atlas, look_up, sample
from physadv.scene.view import View, views

FACE_PX = 512
BLANK_PX = 16


@dataclass(frozen=True, eq=False)
class SignPhoto:
    """A photo that shows the sign, ready for use.

    `light` (1,3,h,w) is linear, `plane` (3,3) maps mm on the sign's frame to its pixels, and
    `relight` turns reflectance on the sign into the photo's light.
    """

    name: str
    light: Linear
    plane: Tensor
    relight: Relight


@dataclass(frozen=True)
class PhotoChoice:
    """Which photo of the scene is taken, as an index."""

    which: Choice


@dataclass(frozen=True)
class Placement:
    """How far off the stickers are from where they should be, by hand or by badly marked corners.

    They move by `offset_x_mm`, `offset_y_mm` in the sign's plane and turn about its middle.
    """

    offset_x_mm: Span = Span(-5.0, 5.0, neutral=0.0)
    offset_y_mm: Span = Span(-5.0, 5.0, neutral=0.0)
    turn_deg: Span = Span(-1.0, 1.0, neutral=0.0)


@dataclass(frozen=True)
class PhotoScene:
    """One sign in one or many real photos; only the ink is rendered, in each photo's light.

    Make it with `photo_scene`. The windows are parts of a photo at the photo's own resolution;
    beyond its edge the last pixels repeat.
    """

    design: SignDesign
    photos: tuple[SignPhoto, ...] = field(repr=False)
    photo: PhotoChoice
    placement: Placement = Placement()

    def face(self, width_px: int = FACE_PX) -> Face:
        """Return the sign's face as rasters of `width_px` columns."""
        return render(self.design, width_px)

    def views(
        self,
        given: Conditions,
        sensor: Sensor,
        margin: Tensor,
        most_px: int | None = None,  # noqa: ARG002  # a photo has the pixels it has
    ) -> list[View]:
        """Cut windows around the sign for conditions (B,), `margin` as in `view.views`.

        The sensor is only handed on and nothing is binned: a photo has its own geometry.
        """
        plane = PlaneMap(self._bank.planes[given["photo.which"].long()])
        return views(plane, torch.tensor(self.design.outline_mm), sensor, margin)

    def surface(self, printed: Printed | None) -> Atlas:
        """Prepare the ink alone (1,4,h,w), premultiplied, as a pyramid; None is no ink."""
        if printed is None:
            return atlas(torch.zeros(1, 4, BLANK_PX, BLANK_PX))
        cover = printed.cover * self.face(printed.cover.shape[-1]).cover
        return atlas(torch.cat([printed.reflectance * cover, cover], dim=1))

    def render(self, surface: Atlas, view: View, given: Conditions) -> Linear:
        """Return the light (B,3,H,W) of the photos in one view, the relit ink laid over it."""
        mine = take(given, view.rows)
        which = mine["photo.which"].long()
        moved = PlaneMap(view.plane.matrix @ self._moves(below(mine, "placement")))
        texel_mm = self.design.size_mm[1] / surface.width
        layer = sample(surface, *look_up(moved, view.window.size, texel_mm))
        cover, bank = layer[:, 3:], self._bank
        lit = layer[:, :3] * bank.gains[which] + cover * bank.offsets[which]
        return Linear((1 - cover) * bank.cut(which, view.window) + lit)

    def _moves(self, given: Conditions) -> Tensor:
        """Return the misplacement as maps (B,3,3) of the plane, in mm."""
        angle = torch.deg2rad(given["turn_deg"])
        middle = torch.tensor([self.design.size_mm[1] / 2, self.design.size_mm[0] / 2])
        turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1)
        offset = torch.stack([given["offset_x_mm"], given["offset_y_mm"]], dim=1)
        matrix = torch.eye(3).repeat(len(angle), 1, 1)
        matrix[:, :2, :2] = turn.reshape(-1, 2, 2)
        matrix[:, :2, 2] = middle + offset - matrix[:, :2, :2] @ middle
        return matrix

    @cached_property
    def _bank(self) -> "_Bank":
        return _bank(self.photos)


def photo_scene(design: SignDesign, photos: tuple[SignPhoto, ...]) -> PhotoScene:
    """Return the scene of a sign in photos of it. Raises `UserError` where there are none."""
    check(len(photos) > 0, "photos", expected="at least one photo of the sign", got="none")
    return PhotoScene(design, photos, PhotoChoice(Choice(tuple(range(len(photos))))))


@dataclass(frozen=True, eq=False)
class _Bank:
    """All photos' pixels (T,3) one after the other, and what belongs to each photo."""

    pixels: Tensor
    starts: Tensor
    sizes: Tensor
    planes: Tensor
    gains: Tensor
    offsets: Tensor

    def cut(self, which: Tensor, window: Window) -> Linear:
        """Return the windows (B,3,H,W) of photos `which` (B,); edges replicate."""
        height, width = window.size
        tall, wide = self.sizes[which].unbind(1)
        corner = window.origin_px.long()
        x = (corner[:, :1] + torch.arange(width)).clamp_min(0).minimum(wide[:, None] - 1)
        y = (corner[:, 1:] + torch.arange(height)).clamp_min(0).minimum(tall[:, None] - 1)
        rows = self.starts[which][:, None] + y * wide[:, None]
        parts = self.pixels[rows[:, :, None] + x[:, None]]
        return Linear(parts.permute(0, 3, 1, 2).contiguous())


def _bank(photos: tuple[SignPhoto, ...]) -> _Bank:
    sizes = torch.tensor([photo.light.shape[-2:] for photo in photos])
    counts = sizes.prod(dim=1)
    return _Bank(
        pixels=torch.cat([photo.light[0].flatten(1).T for photo in photos]),
        starts=counts.cumsum(0) - counts,
        sizes=sizes,
        planes=torch.stack([photo.plane for photo in photos]),
        gains=torch.stack([photo.relight.gain for photo in photos])[:, :, None, None],
        offsets=torch.stack([photo.relight.offset for photo in photos])[:, :, None, None],
    )
