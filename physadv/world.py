"""The world joins printer, scene and camera: from a patch's touch to what a victim sees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from physadv.camera import Camera, binned
from physadv.core import (
    Choice,
    Conditions,
    Encoded,
    Face,
    Film,
    Ink,
    Lighting,
    Linear,
    Photo,
    Printed,
    Span,
    Touch,
    Varying,
    below,
    check,
    declared,
    draw,
    quantise,
    take,
    with_value,
)
from physadv.core.device import CPU, device_now, moved, on
from physadv.printing import Printer, hard
from physadv.scene import EDGE_PX, Frame, PhotoScene, SignDesign, Surface, View

SEARCH_RATIO = 1.03
"""How many more pixels than the picture's a window has while searching, beside its edge."""
INK_RATIO = 1.05
"""How many columns ink has at least for each column of the largest window while searching."""
LEAST_INK_PX = 128
"""And at the fewest, so that a sticker's cells are not lost."""
PART_PX = 2**19
"""How many pixels are developed at once: what fits the caches is faster than what does not."""


class Scene(Protocol):
    """Where a face is seen: what the world needs of a street or of real photos."""

    @property
    def design(self) -> SignDesign:
        """Which sign it is."""

    def face(self, width_px: int = ...) -> Face:
        """Return the sign's face as rasters."""

    def views(self, given: Conditions, frame: Frame) -> list[View]:
        """Place the windows of conditions (B,) in the camera's frame."""

    def surface(self, printed: Printed | None, *, fine: bool = ...) -> Surface:
        """Prepare the face with printed stickers for sampling."""

    def lit(self, lighting: Lighting, *, fine: bool = ...) -> Surface:
        """Prepare the bare face under more or less light for sampling."""

    def render(self, surface: Surface, view: View, given: Conditions) -> Linear:
        """Return the light (B,3,H,W) entering the windows of one view."""

    def metered(self, view: View, given: Conditions) -> Tensor:
        """Return the mean light (B,) of the whole frames of one view."""


@dataclass(frozen=True)
class World:
    """Printer, scene and camera; everything after the conditions is a pure function of them.

    `label` is the class that the victim should answer, -1 where it has none for the sign. While
    searching, a window that needs more than `search_px` (0: about as many as the picture wanted)
    is photographed with larger pixels, see `binned`. Make one with `members` by `union`.
    """

    scene: Scene
    printer: Printer = Printer()
    camera: Camera = Camera()
    label: int = -1
    search_px: int = 0
    members: tuple["World", ...] = field(default=(), repr=False)

    def declared(self) -> dict[str, Varying]:
        """List what varies, by dotted name."""
        return declared(self)

    def draw(self, n: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Draw n fresh conditions; each row those of one of the `members`, where there are any."""
        if not self.members:
            return draw(self.declared(), n, rng)
        rows = torch.randint(len(self.members), (n,), generator=rng)
        drawn = [member.draw(n, rng) for member in self.members]
        return {
            name: torch.stack([one[name] for one in drawn])[rows, torch.arange(n)]
            for name in drawn[0]
        }

    def photograph(
        self,
        touch: Touch | None,
        given: Conditions,
        size_px: tuple[int, int],
        *,
        hardly: bool = False,
    ) -> Photo:
        """Photograph the sign with ink, light or a film on the lens (None: as it is), (B,).

        Returns framed pictures (B,3,h,w) of size_px (h, w) under conditions (B,). `hardly` prints
        whole pixels of 8-bit colour, develops 8-bit pictures with libjpeg at the sensor's full
        resolution, and gives no gradient; otherwise windows of more than `search_px` are binned.
        Conditions are the CPU's; pictures are made where tensors are made (see `core.device`).
        """
        with on(CPU):
            frame = self._frame(below(given, "camera"), None if hardly else self._most_px(size_px))
            views = self.scene.views(below(given, "scene"), frame)
            views = [part for view in views for part in view.parts(PART_PX)]
            order = torch.cat([view.rows for view in views]).argsort()
        given, views, order = moved((given, views, order), device_now())
        surface = self._surface(touch, given, hardly=hardly)
        shot = _Shot(surface, size_px, hardly, self.film(touch))
        batch = _gather([self._shoot(shot, given, view) for view in views], order)
        pixels = Encoded(quantise(batch.pixels)) if hardly else batch.pixels
        return Photo(pixels, *_rest(batch), touch if isinstance(touch, Ink) else None)

    def film(self, touch: Touch | None) -> Film | None:
        """Return what sticks on the lens, if anything does.

        Raises `UserError` with real photos: they are cut to the sign, and where in the frame the
        sign was is not kept.
        """
        if not isinstance(touch, Film):
            return None
        own = not isinstance(self.scene, PhotoScene)
        expected, fix = "a street for what sticks on the lens", "judge it in a preset such as lab"
        check(own, "world", expected=expected, got="real photos, cut to the sign", fix=fix)
        return touch

    def ink_px(self, size_px: tuple[int, int]) -> int:
        """Return how many columns ink needs while searching with pictures of size_px (h, w)."""
        wanted = max(LEAST_INK_PX, INK_RATIO * self._most_px(size_px))
        return int(2 ** math.ceil(math.log2(wanted)))

    def _surface(self, touch: Touch | None, given: Conditions, *, hardly: bool) -> Surface:
        if isinstance(touch, Lighting):
            return self.scene.lit(touch, fine=hardly)
        if not isinstance(touch, Ink):
            return self.scene.surface(None, fine=hardly)
        printed = self._printed(hard(touch) if hardly else touch, given)
        return self.scene.surface(printed, fine=hardly)

    def _printed(self, ink: Ink, given: Conditions) -> Printed:
        printed = self.printer(ink, width_mm=self.scene.design.size_mm[1])
        return replace(printed, scatter=self.printer.vary(below(given, "printer")))

    def _frame(self, given: Conditions, most_px: int | None) -> Frame:
        reach = self.camera.framing.reach(below(given, "framing"))
        return Frame(self.camera.sensor, reach, self.camera.warp(given), most_px)

    def _most_px(self, size_px: tuple[int, int]) -> int:
        """Return the largest side of a window while searching, even as JPEG's chroma wants it."""
        wanted = self.search_px or max(size_px) * SEARCH_RATIO + EDGE_PX
        return 2 * math.ceil(wanted / 2)

    def _shoot(self, shot: "_Shot", given: Conditions, view: View) -> Photo:
        """Photograph and frame the rows of one view."""
        scene = below(given, "scene")
        light = self.scene.render(shot.surface, view, scene)
        mine = binned(take(below(given, "camera"), view.rows), view.window.pitch)
        window = view.window
        if self.camera.meters:
            window = replace(window, metered=self.scene.metered(view, scene))
        develop = self.camera.develop_hard if shot.hardly else self.camera.develop
        label = torch.full((len(view.rows),), self.label)
        pixels = develop(light, mine, window, shot.film)
        photo = Photo(pixels, view.outline_px, view.box_px, label)
        return self.camera.framing(photo, below(mine, "framing"), shot.size_px)


@dataclass(frozen=True, eq=False)
class _Shot:
    """What all photos of a batch share: the surface, the size wanted, and how they are made."""

    surface: Surface
    size_px: tuple[int, int]
    hardly: bool
    film: Film | None


def _rest(photo: Photo) -> tuple[Tensor, Tensor, Tensor]:
    return photo.corners_px, photo.box_px, photo.labels


def _gather(photos: list[Photo], order: Tensor) -> Photo:
    """Join groups of photos of one size and put their rows in order."""
    if len(photos) == 1:
        return photos[0]
    pixels = torch.cat([photo.pixels for photo in photos]).index_select(0, order)
    corners, boxes, labels = (
        torch.cat(column)[order] for column in zip(*map(_rest, photos), strict=True)
    )
    return Photo(Encoded(pixels), corners, boxes, labels)


def union(worlds: Sequence[World]) -> World:
    """Return the world that draws each photo from one of several of one kind.

    It has the first one's sensor and label; what any of them lets vary may vary.
    """
    whole = worlds[0]
    for name, varying in whole.declared().items():
        others = [world.declared()[name] for world in worlds]
        if isinstance(varying, Span):
            ends = [end for one in others if isinstance(one, Span) for end in (one.low, one.high)]
            finite = [end for end in ends if math.isfinite(end)]
            span = replace(varying, low=min(finite or ends), high=max(finite or ends))
            whole = with_value(whole, name, span)
        elif isinstance(varying, Choice):
            options = {o for one in others if isinstance(one, Choice) for o in one.options}
            whole = with_value(whole, name, replace(varying, options=tuple(sorted(options))))
    return replace(whole, members=tuple(worlds))
