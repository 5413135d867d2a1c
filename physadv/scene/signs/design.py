"""What a sign is as data: layers of filled polygons in millimetres, bottom first."""

from dataclasses import dataclass
from typing import Literal

from physadv.core.coverage import Contour, Shape
from physadv.core.types import Point

Role = Literal["plate", "rim", "ground", "legend"]


@dataclass(frozen=True)
class Layer:
    """Areas of one colour (a name in `COLOURS`), painted over the layers below."""

    role: Role
    colour: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class SignDesign:
    """A sign face as vectors over its frame, the bounding rectangle of the silhouette.

    `size_mm` is (height, width). The first layer is the plate, whose outline is the silhouette.
    `field` is where stickers may lie; `label_pairs` are (data set, class index).
    """

    name: str
    title: str
    standard: str
    size_mm: tuple[float, float]
    layers: tuple[Layer, ...]
    field: tuple[Shape, ...]
    label_pairs: tuple[tuple[str, int], ...]

    @property
    def labels(self) -> dict[str, int]:
        """Class index by name of the data set: {"gtsrb": 14, "lisa": 14}."""
        return dict(self.label_pairs)

    @property
    def outline_mm(self) -> Contour:
        """The silhouette, clockwise from its uppermost vertex (of several, the left one)."""
        outline = self.layers[0].shapes[0][0]
        start = min(range(len(outline)), key=lambda k: _reading_order(outline[k]))
        return outline[start:] + outline[:start]

    def shapes(self, role: Role) -> tuple[Shape, ...]:
        """Return the areas of all layers of one role."""
        return tuple(shape for layer in self.layers if layer.role == role for shape in layer.shapes)


def _reading_order(point: Point) -> Point:
    return round(point[1], 6), round(point[0], 6)
