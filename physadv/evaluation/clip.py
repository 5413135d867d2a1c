"""Drives filmed: all frames of an approach in one window, through a video codec, then cropped."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from torch import Tensor

from physadv.camera.jpeg import Jpeg
from physadv.core import (
    Conditions,
    Encoded,
    Film,
    Ink,
    Lighting,
    Photo,
    PlaneMap,
    Touch,
    Window,
    below,
    check,
    quantise,
    take,
)
from physadv.printing import hard
from physadv.scene import Frame, Surface, View
from physadv.scene.view import EDGE_PX
from physadv.world import World

CODEC = "mp4v"
"""MPEG-4 part 2 (ISO/IEC 14496-2), which OpenCV's own build encodes everywhere."""
BLOCK_PX = 16


@dataclass(frozen=True)
class Filmed(World):
    """A world whose camera writes video: what is judged of an approach went through its codec.

    Make it with `filmed`. Conditions are those of `Approach.draw`; while searching it is the plain
    world, with JPEG.
    """

    frames_per_s: float = 10.0

    def photograph(
        self,
        touch: Touch | None,
        given: Conditions,
        size_px: tuple[int, int],
        *,
        hardly: bool = False,
    ) -> Photo:
        """Photograph as `World` does; `hardly` films each approach of the conditions."""
        if not hardly:
            return super().photograph(touch, given, size_px)
        drawn = "the conditions of approaches, which follow one another as frames"
        check("approach.which" in given, "conditions", expected=drawn, got="single photos")
        how = _How(self._fine(touch), size_px, self.film(touch))
        which = given["approach.which"]
        rows = [(which == one).nonzero()[:, 0] for one in which.unique()]
        shot = [frame for some in rows for frame in self._shown(how, take(given, some))]
        order = torch.cat(rows).argsort()
        pixels = torch.cat([one.pixels for one in shot])[order]
        corners, boxes = (
            torch.cat(column)[order]
            for column in zip(*((one.corners_px, one.box_px) for one in shot), strict=True)
        )
        labels = torch.full((len(order),), self.label)
        return Photo(
            Encoded(quantise(pixels)),
            corners,
            boxes,
            labels,
            touch if isinstance(touch, Ink) else None,
        )

    def _fine(self, touch: Touch | None) -> Surface:
        if isinstance(touch, Lighting):
            return self.scene.lit(touch, fine=True)
        ink = touch if isinstance(touch, Ink) else None
        return self.scene.surface(None if ink is None else self.printer(hard(ink)), fine=True)

    def _shown(self, how: "_How", given: Conditions) -> list[Photo]:
        """Return the frames of one approach, each cropped from the decoded film."""
        camera = replace(self.camera, jpeg=_Uncoded(self.camera.jpeg.quality))
        reach = camera.framing.reach(below(given, "camera.framing"))
        warp = camera.warp(below(given, "camera"))
        frame = Frame(camera.sensor, reach, warp)
        view = _joined(self.scene.views(below(given, "scene"), frame), frame)
        film = []
        for part in view.parts(1):
            light = self.scene.render(how.surface, part, below(given, "scene"))
            mine = take(below(given, "camera"), part.rows)
            film.append(_bytes(camera.develop_hard(light, mine, part.window, how.film)))
        shown = coded(torch.cat(film), self.frames_per_s)
        labels = torch.full((1,), self.label)
        return [
            camera.framing(
                Photo(_picture(picture[None]), part.outline_px, part.box_px, labels),
                take(below(given, "camera.framing"), part.rows),
                how.size_px,
            )
            for picture, part in zip(shown, view.parts(1), strict=True)
        ]


@dataclass(frozen=True, eq=False)
class _How:
    """What all films of a batch share: the surface, the size wanted, what sticks on the lens."""

    surface: Surface
    size_px: tuple[int, int]
    film: Film | None


class _Uncoded(Jpeg):
    """Leaves pictures as they are: the video's codec comes after."""

    def hard(self, image: Encoded, given: Conditions) -> Encoded:  # noqa: ARG002  # as Jpeg has it
        return image


def filmed(world: World, frames_per_s: float = 10.0) -> Filmed:
    """Return the world with a camera that writes video of `frames_per_s` frames a second."""
    return Filmed(
        world.scene,
        world.printer,
        world.camera,
        world.label,
        world.search_px,
        frames_per_s=frames_per_s,
    )


def coded(film: Tensor, frames_per_s: float) -> Tensor:
    """Encode and decode a film (T,H,W,3) of bytes, RGB, H and W multiples of 16, with `CODEC`.

    Raises `UserError` where OpenCV was built without it.
    """
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "film.mp4")
        height, width = film.shape[1:3]
        code = cv2.VideoWriter.fourcc(*CODEC)
        writer = cv2.VideoWriter(path, code, frames_per_s, (width, height))
        can, fix = f"OpenCV with the codec {CODEC}", "install opencv-python from its own wheel"
        check(writer.isOpened(), "video", expected=can, got="a build without it", fix=fix)
        for picture in film.numpy():
            writer.write(np.ascontiguousarray(picture[:, :, ::-1]))
        writer.release()
        reader = cv2.VideoCapture(path)
        read = [reader.read() for _ in range(len(film))]
        reader.release()
    whole, fix = "every frame back from the video", "free some disk space for temporary files"
    got = f"{sum(found for found, _ in read)} of {len(film)}"
    check(all(found for found, _ in read), "video", expected=whole, got=got, fix=fix)
    return torch.from_numpy(np.stack([frame for _, frame in read])[..., ::-1].copy())


def _bytes(picture: Encoded) -> Tensor:
    return (picture.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1)


def _picture(bytes_: Tensor) -> Encoded:
    return Encoded(bytes_.permute(0, 3, 1, 2).float() / 255)


def _joined(views: list[View], frame: Frame) -> View:
    """Return one view of all rows, in their order, in one window that holds every outline."""
    order = torch.cat([view.rows for view in views]).argsort()
    planes = torch.cat([_shifted(view.plane, view.window.origin_px) for view in views])[order]
    points = torch.cat([view.outline_px + view.window.origin_px[:, None] for view in views])[order]
    low, high = points.amin(dim=1), points.amax(dim=1)
    room = (high - low).amax(dim=1, keepdim=True) * frame.margin[:, None] + EDGE_PX
    origin = (low - room).amin(dim=0).floor()
    extent = (high + room).amax(dim=0) - origin
    width, height = (int(side) for side in ((extent / BLOCK_PX).ceil() * BLOCK_PX).tolist())
    origins = origin.repeat(len(order), 1)
    window = Window(origins, (height, width), frame.sensor, torch.ones(len(order)))
    plane = PlaneMap(_shifted(PlaneMap(planes), -origins))
    return View(order.sort().values, window, plane, points - origin, frame.warp)


def _shifted(plane: PlaneMap, offset_px: Tensor) -> Tensor:
    """Return the plane's matrices with pixels counted from elsewhere."""
    shift = torch.eye(3).repeat(len(offset_px), 1, 1)
    shift[:, :2, 2] = offset_px
    return shift @ plane.matrix
