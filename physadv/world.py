"""The world joins printer, scene and camera: from ink to the pictures a victim sees."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from physadv.camera import Camera, binned
from physadv.core import (
    Conditions,
    Encoded,
    Face,
    Ink,
    Linear,
    Photo,
    Printed,
    Sensor,
    Varying,
    below,
    declared,
    quantise,
    take,
)
from physadv.printing import Printer, hard
from physadv.scene import Atlas, View

PART_PX = 2**19
"""How many pixels are developed at once: what fits the caches is faster than what does not."""


class Scene(Protocol):
    """Where a face is seen: what the world needs of a street or of real photos."""

    def face(self, width_px: int = ...) -> Face:
        """Return the sign's face as rasters."""

    def views(
        self, given: Conditions, sensor: Sensor, margin: Tensor, most_px: int | None = None
    ) -> list[View]:
        """Place the windows of conditions (B,) on the sensor, binned above `most_px` if it can."""

    def surface(self, printed: Printed | None) -> Atlas:
        """Prepare the face with printed stickers for sampling."""

    def render(self, surface: Atlas, view: View, given: Conditions) -> Linear:
        """Return the light (B,3,H,W) entering the windows of one view."""


@dataclass(frozen=True)
class World:
    """Printer, scene and camera; everything after the conditions is a pure function of them.

    `label` is the class that the victim should answer, -1 where it has none for the sign. While
    searching, windows of more than `search_px` are photographed with larger pixels (`binned`).
    """

    scene: Scene
    printer: Printer = Printer()
    camera: Camera = Camera()
    label: int = -1
    search_px: int = 128

    def declared(self) -> dict[str, Varying]:
        """List what varies, by dotted name."""
        return declared(self)

    def photograph(
        self, ink: Ink | None, given: Conditions, size_px: tuple[int, int], *, hardly: bool = False
    ) -> Photo:
        """Photograph the sign with `ink` on it (None: as it is) under conditions (B,).

        Returns framed pictures (B,3,h,w) of size_px (h, w). `hardly` prints whole pixels of 8-bit
        colour, develops 8-bit pictures with libjpeg at the sensor's full resolution, and gives no
        gradient; otherwise windows of more than `search_px` are binned.
        """
        printed = None if ink is None else self.printer(hard(ink) if hardly else ink)
        shot = _Shot(self.scene.surface(printed), size_px, hardly)
        reach = self.camera.framing.reach(below(given, "camera.framing"))
        most_px = None if hardly else self.search_px
        views = self.scene.views(below(given, "scene"), self.camera.sensor, reach, most_px)
        views = [part for view in views for part in view.parts(PART_PX)]
        order = torch.cat([view.rows for view in views]).argsort()
        batch = _gather([self._shoot(shot, given, view) for view in views], order)
        pixels = Encoded(quantise(batch.pixels)) if hardly else batch.pixels
        return Photo(pixels, *_rest(batch), ink)

    def _shoot(self, shot: "_Shot", given: Conditions, view: View) -> Photo:
        """Photograph and frame the rows of one view."""
        light = self.scene.render(shot.surface, view, below(given, "scene"))
        mine = binned(take(below(given, "camera"), view.rows), view.window.pitch)
        develop = self.camera.develop_hard if shot.hardly else self.camera.develop
        label = torch.full((len(view.rows),), self.label)
        pixels = develop(light, mine, view.window)
        photo = Photo(pixels, view.outline_px, view.box_px, label)
        return self.camera.framing(photo, below(mine, "framing"), shot.size_px)


@dataclass(frozen=True, eq=False)
class _Shot:
    """What all photos of a batch share: the surface, the size wanted, and how they are made."""

    surface: Atlas
    size_px: tuple[int, int]
    hardly: bool


def _rest(photo: Photo) -> tuple[Tensor, Tensor, Tensor]:
    return photo.corners_px, photo.box_px, photo.labels


def _gather(photos: list[Photo], order: Tensor) -> Photo:
    """Join groups of photos of one size and put their rows in order."""
    pixels = torch.cat([photo.pixels for photo in photos])[order]
    corners, boxes, labels = (
        torch.cat(column)[order] for column in zip(*map(_rest, photos), strict=True)
    )
    return Photo(Encoded(pixels), corners, boxes, labels)
