"""The world joins printer, scene and camera: from ink to the pictures a victim sees."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from physadv.camera import Camera
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


class Scene(Protocol):
    """Where a face is seen: what the world needs of a street or of real photos."""

    def face(self, width_px: int = ...) -> Face:
        """Return the sign's face as rasters."""

    def views(self, given: Conditions, sensor: Sensor, margin: float) -> list[View]:
        """Place the windows of conditions (B,) on the sensor."""

    def surface(self, printed: Printed | None) -> Atlas:
        """Prepare the face with printed stickers for sampling."""

    def render(self, surface: Atlas, view: View, given: Conditions) -> Linear:
        """Return the light (B,3,H,W) entering the windows of one view."""


@dataclass(frozen=True)
class World:
    """Printer, scene and camera; everything after the conditions is a pure function of them.

    `label` is the class that the victim should answer, -1 where it has none for the sign.
    """

    scene: Scene
    printer: Printer = Printer()
    camera: Camera = Camera()
    label: int = -1

    def declared(self) -> dict[str, Varying]:
        """List what varies, by dotted name."""
        return declared(self)

    def photograph(
        self, ink: Ink | None, given: Conditions, size_px: tuple[int, int], *, hardly: bool = False
    ) -> Photo:
        """Photograph the sign with `ink` on it (None: as it is) under conditions (B,).

        Returns framed pictures (B,3,h,w) of size_px (h, w). `hardly` prints whole pixels of 8-bit
        colour, develops 8-bit pictures with libjpeg, and gives no gradient.
        """
        printed = None if ink is None else self.printer(hard(ink) if hardly else ink)
        surface = self.scene.surface(printed)
        views = self.scene.views(
            below(given, "scene"), self.camera.sensor, self.camera.framing.reach
        )
        photos = [self._shoot(surface, view, given, hardly=hardly) for view in views]
        framed = [
            self.camera.framing(photo, take(below(given, "camera.framing"), view.rows), size_px)
            for photo, view in zip(photos, views, strict=True)
        ]
        order = torch.cat([view.rows for view in views]).argsort()
        batch = _gather(framed, order)
        pixels = Encoded(quantise(batch.pixels)) if hardly else batch.pixels
        return Photo(pixels, *_rest(batch), ink)

    def windows(self, ink: Ink | None, given: Conditions) -> list[Photo]:
        """Return the photos as the camera stores them, before framing, grouped by size."""
        printed = None if ink is None else self.printer(hard(ink))
        surface = self.scene.surface(printed)
        views = self.scene.views(
            below(given, "scene"), self.camera.sensor, self.camera.framing.reach
        )
        return [self._shoot(surface, view, given, hardly=True) for view in views]

    def _shoot(self, surface: Atlas, view: View, given: Conditions, *, hardly: bool) -> Photo:
        light = self.scene.render(surface, view, below(given, "scene"))
        mine = take(below(given, "camera"), view.rows)
        develop = self.camera.develop_hard if hardly else self.camera.develop
        pixels = develop(light, mine, view.window)
        return Photo(
            pixels, view.outline_px, view.box_px, torch.full((len(view.rows),), self.label)
        )


def _rest(photo: Photo) -> tuple[Tensor, Tensor, Tensor]:
    return photo.corners_px, photo.box_px, photo.labels


def _gather(photos: list[Photo], order: Tensor) -> Photo:
    """Join groups of photos of one size and put their rows in order."""
    pixels = torch.cat([photo.pixels for photo in photos])[order]
    corners, boxes, labels = (
        torch.cat(column)[order] for column in zip(*map(_rest, photos), strict=True)
    )
    return Photo(Encoded(pixels), corners, boxes, labels)
