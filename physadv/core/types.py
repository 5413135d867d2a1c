"""What crosses from room to room: a face, what touches its light, the photo, the answer."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from physadv.core.image import Encoded, Linear

Point = tuple[float, float]

MIDDLE_GREY = 0.18
"""The mean light of a frame that an exposure meter takes as right (ISO 2720)."""


@dataclass(frozen=True, eq=False)
class Face:
    """A flat sign face as rasters over its frame, the bounding rectangle in millimetres.

    `size_mm` is (height, width). Points are (x, y) mm from the frame's top left corner, y down.
    `texture` (1,3,h,w) is reflectance; the masks are (1,1,h,w) in [0,1], anti-aliased:
    `cover` the silhouette, `legend` the strokes of letters, digits or symbol, `field` where a
    sticker may lie (inside the rim). `outline_mm` is the silhouette's polygon, clockwise.
    """

    name: str
    size_mm: tuple[float, float]
    texture: Linear
    cover: Tensor
    legend: Tensor
    field: Tensor
    outline_mm: tuple[Point, ...]

    @property
    def area_mm2(self) -> float:
        """The silhouette's area, by its raster."""
        return float(self.cover.mean()) * self.size_mm[0] * self.size_mm[1]


@dataclass(frozen=True, eq=False)
class Ink:
    """What is sent to the printer: colour (1,3,h,w) encoded, cover (1,1,h,w), on a face's frame.

    With a `palette` (K,3) of pure inks, encoded, colour only tells which is wanted: the printer
    takes the nearest.
    """

    colour: Encoded
    cover: Tensor
    palette: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Printed:
    """Ink on the material: reflectance (1,3,h,w), linear; cover as in `Ink`.

    A photo shows `scatter`, a gain (B,3) and an offset (B,3), of it where prints differ.
    """

    reflectance: Linear
    cover: Tensor
    scatter: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True)
class Sensor:
    """The camera's geometry: pixels of the sensor and horizontal field of view in degrees."""

    width_px: int = 1280
    height_px: int = 960
    fov_deg: float = 60.0

    @property
    def focal_px(self) -> float:
        """Focal length in pixels of the ideal pinhole."""
        return self.width_px / 2 / float(torch.tan(torch.deg2rad(torch.tensor(self.fov_deg / 2))))


@dataclass(frozen=True, eq=False)
class PlaneMap:
    """Homographies (B,3,3) from millimetres on a plane to pixels of the sensor."""

    matrix: Tensor

    def __call__(self, points_mm: Tensor) -> Tensor:
        """Map points (B,N,2) or (N,2) in mm to pixels (B,N,2)."""
        ones = torch.ones_like(points_mm[..., :1])
        mapped = torch.cat([points_mm, ones], dim=-1) @ self.matrix.mT
        return mapped[..., :2] / mapped[..., 2:]


@dataclass(frozen=True, eq=False)
class Window:
    """A part of the sensor for each row: origin (B,2) in pixels (x, y), one size (h, w) for all.

    `pitch` (B,) or (1,) is the side of the window's pixels in the sensor's, 1 unless binned; the
    origin counts the window's own pixels. `metered` (B,) or (1,) is the mean light of the whole
    frame, as a share of what a white diffuser lit like the sign gives.
    """

    origin_px: Tensor
    size: tuple[int, int]
    sensor: Sensor
    pitch: Tensor = field(default_factory=lambda: torch.ones(1))
    metered: Tensor = field(default_factory=lambda: torch.full((1,), MIDDLE_GREY))

    def lines(self) -> tuple[Tensor, Tensor]:
        """Return where its columns (B,W) and rows (B,H) are on the sensor, in its pixels."""
        x, y = self.origin_px.split(1, dim=1)
        height, width = self.size
        columns, rows = torch.arange(width).to(x) + 0.5, torch.arange(height).to(x) + 0.5
        return (columns + x) * self.pitch[:, None], (rows + y) * self.pitch[:, None]

    def pixels(self) -> Tensor:
        """Return where its pixels are on the sensor, (B,H,W,2), in the sensor's pixels."""
        x, y = self.lines()
        return torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), dim=-1)


@dataclass(frozen=True, eq=False)
class Lighting:
    """Light on a sign beside the scene's own: what the face reflects is multiplied by `gain`.

    `gain` (1,1,h,w) or (1,3,h,w), linear, on the face's frame: 1 + added irradiance / the scene's,
    or, below 1, the share that a shadow leaves. The veil and gloss of the surface stay.
    """

    gain: Tensor


@dataclass(frozen=True, eq=False)
class Film:
    """What is stuck on the lens: it takes light from what is behind it and adds its own.

    `layer(window)` returns, for the pixels of windows, its linear colour times its opacity, and
    its opacity, (B,4,H,W); colour 1 is that of a white diffuser in the standard light.
    """

    layer: Callable[[Window], Tensor]

    def before(self, light: Linear, window: Window) -> Linear:
        """Return light (B,3,H,W) as it is seen through the film."""
        layer = self.layer(window).to(light.dtype)
        return Linear(light * (1 - layer[:, 3:]) + layer[:, :3])


Touch = Ink | Lighting | Film
"""Where the path of the light can be touched: on the object, on the light, on the lens."""


@dataclass(frozen=True, eq=False)
class Sight:
    """Where the pixels of windows meet a sign's plane, and where the camera stands.

    `points_mm` (B,H,W,2) are (x, y) on the sign's frame, from its top left corner; `eye_mm` (B,3)
    is the camera's centre, x and y as before, z > 0 in front of the face. `size_mm` is the
    frame's (height, width).
    """

    points_mm: Tensor
    eye_mm: Tensor
    size_mm: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Photo:
    """Developed pictures (B,3,H,W) of windows or framed crops, in their own pixel coordinates.

    `corners_px` (B,N,2) is the sign's outline, `box_px` (B,4) its x1y1x2y2 box, `labels` (B,)
    the true class, -1 where the victim has none for it; `ink` is what was printed, if anything.
    """

    pixels: Encoded
    corners_px: Tensor
    box_px: Tensor
    labels: Tensor
    ink: Ink | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """What a classifier says: scores (B,K), logits or log-probabilities, higher is likelier.

    Where several victims were asked and the attacker's losses are to be averaged, not the scores,
    `members` are their answers.
    """

    scores: Tensor
    members: tuple["Answer", ...] = ()

    @property
    def best(self) -> Tensor:
        """The class with the highest score, (B,)."""
        return self.scores.argmax(dim=1)
