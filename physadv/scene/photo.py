"""A sign in real photos: its plane is known, the photo's own light falls on the ink."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from physadv.core import (
    Choice,
    Conditions,
    Face,
    Lighting,
    Linear,
    PlaneMap,
    Printed,
    Span,
    Window,
    below,
    check,
    take,
)
from physadv.core.device import here
from physadv.scene.bend import Bend
from physadv.scene.layers import Parts, Surface, lit_surface, look, scattered, surface
from physadv.scene.relight import Relight
from physadv.scene.signs import SignDesign, render
from physadv.scene.view import Frame, View, views

FACE_PX = 512
MOST_MISFIT_RATIO = 0.15
"""A photo whose sign, relit, is further off than this share of white's light is doubted."""


@dataclass(frozen=True, eq=False)
class SignPhoto:
    """A photo that shows the sign, ready for use.

    `light` (1,3,h,w) is linear, `plane` (3,3) maps mm on the sign's frame to its pixels, and
    `relight` turns reflectance on the sign into the photo's light; with it the sign's design is
    off from the photo by `misfit_ratio` (see `relight.misfit`). `front` (1,1,h,w) is the share of
    each pixel that is taken by what is before the sign: it hides the stickers.
    """

    name: str
    light: Linear
    plane: Tensor
    relight: Relight
    front: Tensor | None = None
    misfit_ratio: float = 0.0


@dataclass(frozen=True)
class PhotoChoice:
    """Which photo of the scene is taken, as an index."""

    which: Choice


@dataclass(frozen=True)
class PhotoScene:
    """One sign in one or many real photos; only the ink is rendered, in each photo's light.

    Make it with `photo_scene`. The windows are parts of a photo at the photo's own resolution;
    beyond its edge the last pixels repeat. Stickers are off by `bend`, by hand or by badly marked
    corners; as far as it is given they are bent too.
    """

    design: SignDesign
    photos: tuple[SignPhoto, ...] = field(repr=False)
    photo: PhotoChoice
    bend: Bend = Bend(bend_mm=Span.at(0.0, neutral=0.0))

    def face(self, width_px: int = FACE_PX) -> Face:
        """Return the sign's face as rasters of `width_px` columns."""
        return render(self.design, width_px)

    def views(self, given: Conditions, frame: Frame) -> list[View]:
        """Cut windows around the sign for conditions (B,).

        Nothing is bent or binned: a photo has its own geometry and the pixels it has.
        """
        plane = PlaneMap(self._bank.planes[given["photo.which"].long()])
        flat = replace(frame, warp=None, most_px=None)
        return views(plane, torch.tensor(self.design.outline_mm), flat)

    def surface(self, printed: Printed | None, *, fine: bool = False) -> Surface:
        """Prepare the ink for sampling; None is no ink."""
        face = self.face(FACE_PX if printed is None else printed.cover.shape[-1])
        return surface(face, printed, moved=not self.bend.bend_mm.idle, fine=fine)

    def lit(self, lighting: Lighting, *, fine: bool = False) -> Surface:
        """Prepare the gain itself for sampling: the photo is its own face."""
        face = self.face(lighting.gain.shape[-1])
        white = replace(face, texture=Linear(torch.ones_like(face.texture)))
        return lit_surface(white, lighting, fine=fine)

    def render(self, surface: Surface, view: View, given: Conditions) -> Linear:
        """Return the light (B,3,H,W) of the photos in one view, the relit ink laid over it.

        Where something is before the sign, its share of the pixel is the photo's. More or less
        light on the sign multiplies what the photo shows beyond the relighting's offset.
        """
        mine, bank = take(given, view.rows), here(self._bank)
        which = mine["photo.which"].long()
        rows = bank.rows(which, view.window)
        photo = bank.cut(rows)
        if surface.lit:
            gain = look(surface, view.plane, view.points_px(), self.design.size_mm)[0]
            change, reflected = gain.sign - gain.cover, (photo - bank.offsets[which]).clamp_min(0)
            free = 1.0 if bank.fronts is None else 1 - bank.fronts[rows][:, None]
            return Linear(photo + change * free * reflected)
        if surface.ink is None:
            return photo
        parts = scattered(self._look(surface, view, below(mine, "bend")), surface, view.rows)
        if parts.ink is None or parts.ink_cover is None:
            return photo
        cover, lit = parts.ink_cover, parts.ink * bank.gains[which]
        lit = lit + cover * bank.offsets[which]
        if bank.fronts is None:
            return Linear((1 - cover) * photo + lit)
        free = 1 - bank.fronts[rows][:, None]
        return Linear((1 - cover * free) * photo + lit * free)

    def _look(self, surface: Surface, view: View, bend: Conditions) -> Parts:
        """See the ink, moved as a plane (exact) or, where it may bend, point by point."""
        size_mm, points_px = self.design.size_mm, view.points_px()
        if self.bend.bend_mm.idle:
            moved = PlaneMap(view.plane.matrix @ self.bend.matrix(bend, size_mm))
            return look(surface, moved, points_px, size_mm)[0]
        corner = torch.tensor([size_mm[1] / 2, size_mm[0] / 2])

        def move(place: Tensor) -> Tensor:
            return self.bend.move((place + 1) * corner, bend, size_mm) / corner - 1

        return look(surface, view.plane, points_px, size_mm, move)[0]

    def metered(self, view: View, given: Conditions) -> Tensor:
        """Return the mean light (B,) of the photos."""
        return here(self._bank).means[take(given, view.rows)["photo.which"].long()]

    def doubts(self) -> tuple[str, ...]:
        """Say in which photos the sign's design, relit, does not look as the sign does."""
        off = [photo for photo in self.photos if photo.misfit_ratio > MOST_MISFIT_RATIO]
        if not off:
            return ()
        worst = max(off, key=lambda photo: photo.misfit_ratio)
        where = f"{len(off)} of {len(self.photos)} photos, most in {worst.name}"
        limit, most = 100 * MOST_MISFIT_RATIO, 100 * worst.misfit_ratio
        return (
            f"relit, the sign is off by more than {limit:.0f} % of white in {where} ({most:.0f} %):"
            " is it this sign, are its corners right, is something before it?",
        )

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
    means: Tensor
    fronts: Tensor | None

    def rows(self, which: Tensor, window: Window) -> Tensor:
        """Return which pixels (B,H,W) windows of photos `which` (B,) hold; edges replicate."""
        height, width = window.size
        tall, wide = self.sizes[which].unbind(1)
        corner = window.origin_px.long()
        x = (corner[:, :1] + torch.arange(width)).clamp_min(0).minimum(wide[:, None] - 1)
        y = (corner[:, 1:] + torch.arange(height)).clamp_min(0).minimum(tall[:, None] - 1)
        rows = self.starts[which][:, None] + y * wide[:, None]
        return rows[:, :, None] + x[:, None]

    def cut(self, rows: Tensor) -> Linear:
        """Return the light (B,3,H,W) of pixels (B,H,W)."""
        return Linear(self.pixels[rows].permute(0, 3, 1, 2).contiguous())


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
        means=torch.stack([photo.light.mean() for photo in photos]),
        fronts=_fronts(photos),
    )


def _fronts(photos: tuple[SignPhoto, ...]) -> Tensor | None:
    """Return the share (T,) of each pixel before the sign; None where nothing is."""
    if all(photo.front is None for photo in photos):
        return None
    empty = [torch.zeros_like(photo.light[:, :1]) for photo in photos]
    given = [photo.front for photo in photos]
    shares = [none if one is None else one for one, none in zip(given, empty, strict=True)]
    return torch.cat([share.flatten() for share in shares])
